import type { Props } from "../../api";
import { bounded, line, parsed } from "./text";

/** On the window and before all others, since pages stop events on their way. */
export const listen = (type: string, run: (event: any) => void): void => addEventListener(type, run, true);

type Heard = [type: string, run: (event: any) => void];
const heard: Heard[] = [];
const known = new WeakSet<ShadowRoot>();

const know = (root: EventTarget): void => {
  if (!(root instanceof ShadowRoot) || known.has(root)) return;
  known.add(root);
  for (const [type, run] of heard) {
    // What is slotted into it is heard where it stands.
    const own = (event: Event): unknown => target(event)?.getRootNode() === root && run(event);
    root.addEventListener(type, own, true);
  }
};

/** Look for open shadow trees. */
export const search = (from: ParentNode = document): void =>
  from.querySelectorAll("*").forEach(({ shadowRoot }) => {
    if (!shadowRoot) return;
    know(shadowRoot);
    search(shadowRoot);
  });

/** For events that do not leave a shadow tree: heard in those that `search` has found or somebody has touched. */
export const listenInside = (...one: Heard): void => {
  const touched = (event: Event): void => event.composedPath().forEach(know);
  if (!heard.length) for (const type of ["pointerdown", "focusin", "keydown"]) listen(type, touched);
  heard.push(one);
  listen(...one);
};

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

export const LINKS = "a[*|href],area[href]"; // SVG has an older name for it

export const reference = (link: Element): string => link.getAttribute("href") ?? link.getAttribute("xlink:href") ?? "";

/** All that fit in an element, inside open shadow trees too. */
export const inside = (root: ParentNode, selector: string): Element[] =>
  Array.from(root.querySelectorAll("*")).flatMap((one) => [
    ...(one.matches(selector) ? [one] : []),
    ...(one.shadowRoot ? inside(one.shadowRoot, selector) : []),
  ]);

const FIELD = "\0";

/** What is read: in a slot what stands between a component's tags, of a component what its shadow tree shows. */
const said = (node: Node): string => {
  if (node instanceof Text) return node.data;
  const { shadowRoot, localName } = node as Element;
  if (/^(?:style|script|template)$/.test(localName)) return "";
  if (node instanceof Element && node.matches(FIELDS)) return FIELD;
  const slotted = localName === "slot" ? (node as HTMLSlotElement).assignedNodes() : [];
  return Array.from(slotted.length ? slotted : (shadowRoot || node).childNodes, said).join("");
};

/** What a button or link says; of one in or around a field only its label, since a field's text is somebody's own. */
export const label = (element: Element, most = 64): string => {
  const text = said(element).trim();
  const theirs = text.includes(FIELD) || up(element, FIELDS);
  const alt = element.querySelector("[alt]")?.getAttribute("alt");
  return line((!theirs && text) || element.getAttribute("aria-label") || alt || "", most);
};

/** Runs when a link is followed: once the page had its chance to hold that back, and before the next one comes. */
export const onLinks = (run: (element: Element, url: URL) => void): void => {
  const follow = (event: MouseEvent): void => {
    const element = up(target(event), LINKS);
    if (event.button > 1 || !element || ignored(element)) return; // the right button's menu follows no link
    // By attribute: an SVG link's property is an object.
    const url = parsed(reference(element), document.baseURI);
    if (url) setTimeout(() => event.defaultPrevented || run(element, url));
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
