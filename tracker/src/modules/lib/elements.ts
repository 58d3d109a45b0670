import type { Props } from "../../api";
import { bounded, line, parsed } from "./text";

/** On the window and before all others, since pages stop events on their way. */
export const listen = (type: string, run: (event: any) => void): void => addEventListener(type, run, true);

/** What was really touched, inside open shadow trees too. */
export const target = (event: Event): Element | null => {
  const found = event.composedPath()[0];
  return found instanceof Element ? found : null;
};

/** The nearest element that fits, the element itself first; leaves shadow trees upwards, as `closest` does not. */
export const up = (element: Element | null | undefined, selector: string): Element | null =>
  element ? element.closest(selector) || up((element.getRootNode() as ShadowRoot).host, selector) : null;

export const ignored = (element: Element): boolean => !!up(element, "[data-footfall-ignore]");

export const FIELDS = "input,textarea,select,[contenteditable]";

/** What a button or link says; of one in or around a field only its label, since a field's text is somebody's own. */
export const label = (element: Element, most = 64): string => {
  const theirs = element.closest(FIELDS) || element.querySelector(FIELDS);
  const alt = element.querySelector("[alt]")?.getAttribute("alt");
  return line((!theirs && element.textContent?.trim()) || element.getAttribute("aria-label") || alt || "", most);
};

/** Runs when a link is followed. */
export const onLinks = (run: (element: Element, url: URL) => void): void => {
  const follow = (event: MouseEvent): void => {
    const element = up(target(event), "a[href],area[href]");
    if (event.button > 1 || !element || ignored(element)) return; // the right button's menu follows no link
    // By attribute: an SVG link's property is an object.
    const url = parsed(element.getAttribute("href")!, document.baseURI);
    if (url) run(element, url);
  };
  listen("click", follow);
  listen("auxclick", follow); // the middle button
};

/** data-footfall-event and data-footfall-prop-*, what the page's author says that this is, is sent; whether it was. */
export const explicit = (element: Element, send: (name: string, props: Props) => void, more: Props): boolean => {
  const name = element.getAttribute("data-footfall-event");
  const props: Props = {};
  for (const { name, value } of Array.from(element.attributes).slice(0, 40)) {
    const prop = /^data-footfall-prop-(.{1,64})$/.exec(name);
    if (prop) props[prop[1]!.replace(/-/g, "_")] = bounded(value, 1_024);
  }
  if (name) send(bounded(name, 128), { ...props, ...more, confidence: "high", rule: "attribute" });
  return !!name;
};
