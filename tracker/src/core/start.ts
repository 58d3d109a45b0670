/** The order in which a page's tracker comes to life. */
import { run, settle } from "./commands";
import { begin } from "./consent";
import { online } from "./delivery";
import { loadModules } from "./modules";
import { guarded } from "./hooks";
import { configure, flag, type Options } from "./options";
import { follow } from "./pages";

type Command = [name: string, ...args: any[]];

export interface Footfall {
  (...command: Command): void;
  loaded?: true;
  /** What was said before the script was there. */
  q?: { push(command: Command): unknown };
}

declare global {
  interface Window {
    footfall?: Footfall;
  }
}

const LOCAL = /^(localhost|127\.[\d.]+|\[::1\]|0\.0\.0\.0|)$|\.(localhost|local|test)$/;

/** consent, optIn, optOut and use may change whether an event is sent at all, or what is in it. */
const DECIDING = /^[cou]/;

/** Starts the tracker, once a page; gives footfall(). */
export const start = (options: Options, script?: HTMLScriptElement | null): Footfall => {
  const before = window.footfall;
  if (before?.loaded) return before; // stands on the page twice
  configure(options);
  const waiting = ([] as Command[]).concat((before?.q || []) as Command[]);
  let say = (command: Command): unknown => waiting.push(command);
  // Whoever has kept the function from before asks for q.
  const push = (command: Command): unknown => guarded(() => say(command));
  const footfall = (...command: Command) => void push(command);
  window.footfall = Object.assign(footfall, { loaded: true as const, q: { push } });

  const live = (): void => {
    const local = !flag("local") && LOCAL.test(location.hostname);
    if (local) console.warn("Footfall: local, not sent (data-local)");
    begin(local);
    online(); // what earlier pages could not send
    addEventListener("online", online);
    const open = (): void => {
      say = (command) => run(...command);
      follow();
      waiting.forEach(push);
    };
    // A "no" that was said before the script was there holds for the first page view too.
    say = (command) => (DECIDING.test(command[0]) ? run(...command) : waiting.push(command));
    waiting.splice(0).forEach(push);
    const loaded = loadModules(script);
    // Whom sampling leaves out is left out of everything: then modules come first.
    if (flag("sample")) loaded.then(open);
    else open();
    loaded.then(settle);
  };
  // A page rendered ahead of the click is no view until it is shown.
  if ((document as { prerendering?: boolean }).prerendering && !flag("prerender")) {
    document.addEventListener("prerenderingchange", live, { once: true });
  } else live();
  return window.footfall;
};
