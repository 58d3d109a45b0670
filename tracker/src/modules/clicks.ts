/** click, rage_click and dead_click; and what data-footfall-event names. */

import type { Module, Props } from "../api";
import { burst } from "./lib/burst";
import { classifier } from "./lib/classify";
import { explicit, FIELDS, ignored, label, LINKS, listen, reference, target, up } from "./lib/elements";
import { facts } from "./lib/facts";
import { reactions } from "./lib/reactions";
import { selector } from "./lib/selector";
import { parsed } from "./lib/text";
import { clicks as rules, parts } from "./rules.json";

const MOST = { click: 100, rage: 5, dead: 5 }; // a page view

const BUTTONS = `${LINKS},button,summary,[role=button],[role=link],[role=menuitem],[role=tab],[onclick]`;
const SUBMITS = "input[type=submit],input[type=button],input[type=image]";
// What is meant to be clicked several times, or without anything to be seen of it.
const BUSY = `${FIELDS},option,label,video,audio,canvas,iframe,embed,object,[disabled],[aria-disabled=true]`;
const STEPS = /^(?:[^\p{L}]{0,2}|next|prev(?:ious)?|more|less|weiter|zurück|suivant|précédent|siguiente|anterior)$/iu;

/** The component that has this button alone: its attributes say what the button is. */
const component = (button: Element): Element => {
  const root = button.getRootNode();
  return root instanceof ShadowRoot && root.querySelectorAll(BUTTONS).length === 1 ? root.host : button;
};

export const clicks: Module = (api) => {
  const known = api.option("clicks") === "known";
  const classify = classifier(rules, parts);
  const quiet = { interactive: false };
  let left = { ...MOST };
  let waiting = 0;
  const enraged = burst();
  api.on("view", () => {
    left = { ...MOST };
  });

  // Enter in a field is a click on the form's button to the browser, not to anybody else.
  let entered: Element | null = null;
  listen("keydown", (event: KeyboardEvent) => (entered = event.key === "Enter" ? target(event) : null));
  for (const type of ["keyup", "pointerdown"]) listen(type, () => (entered = null));

  listen("click", (event: MouseEvent) => {
    const from = target(event);
    if (!event.isTrusted || !from || ignored(from)) return; // the page's own clicks are nobody's
    if (!event.detail && entered && entered !== from && entered.matches(FIELDS)) return;
    const element = up(from, `[data-footfall-event]:not(form),${BUTTONS},${SUBMITS}`);
    const near = element || from;
    // A button's own label; what stands on an input only the rules see.
    const outer = component(near);
    const told: Props = { selector: selector(near), text: element ? label(near) || label(outer) : undefined };

    if (element && left.click-- > 0 && ![element, outer].some((one) => explicit(one, api.send, told))) {
      const { value, alt } = element as HTMLInputElement;
      const read = element.matches(SUBMITS) ? value || alt : label(element, 200) || label(outer, 200);
      const get = (name: string): string | null => element.getAttribute(name) ?? outer.getAttribute(name);
      const href = reference(element) && parsed(reference(element), document.baseURI)?.href;
      const tag = get("role") === "button" ? "button" : element.localName;
      const way = (get("download") === null ? "" : "download:") + (href || "");
      const answer = classify(facts(tag, get, read, way, location.origin));
      if (!known || answer.kind !== "other") api.send("click", { ...answer, ...told });
    }

    // Keys click too. Fields, players and steppers are no sign of anything, nor is selecting words and paragraphs.
    if (!event.detail || up(from, BUSY)) return;
    const enough = enraged(event.timeStamp, event.clientX, event.clientY);
    if (enough && !STEPS.test(label(near)) && getSelection()?.type !== "Range" && left.rage-- > 0)
      api.send("rage_click", told, quiet);

    const modified = event.ctrlKey || event.metaKey || event.shiftKey; // opens elsewhere
    if (event.timeStamp < waiting || modified || (!element && getComputedStyle(near).cursor !== "pointer")) return;
    waiting = event.timeStamp + 1_000;
    reactions(event.composedPath().filter((one) => one instanceof ShadowRoot) as Node[], () => {
      // A link that the page does not hold back is the browser's: it may load for long.
      const leads = /^(?!#|javascript:)./i.test(reference(near));
      if ((!leads || event.defaultPrevented) && left.dead-- > 0) api.send("dead_click", told, quiet);
    });
  });
};
