/** The order in which a page's tracker comes to life. */
import { run } from "./commands";
import { begin } from "./consent";
import { online } from "./delivery";
import { guarded, listen } from "./hooks";
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

const LOCAL = /^(127\.[\d.]+|\[::1]|)$|(^|\.)(localhost|local|test)$/;

/** consent, optIn, optOut and use may change whether an event is sent at all, or what is in it: they come first. */
const DECIDING = /^[cou]/;

/** Starts the tracker, once a page; gives footfall(). */
export const start = (options: Options): Footfall => {
  const before = window.footfall;
  // Stands on the page twice. An element of the page with that id is none of ours, whatever it holds.
  if (before?.loaded === true) return before;
  configure(options);
  const landing = location.href;
  const waiting = ([] as Command[]).concat((before?.q || []) as Command[]);
  let stage = 0;
  // Whoever has kept the function from before asks for q. A "no" holds for the first page view too.
  const push = (command: Command): unknown =>
    guarded(() =>
      stage > (DECIDING.test(command[0]) ? 0 : 1) ? run(...command) : waiting.push(command),
    );
  const next = (): void => {
    stage++;
    waiting.splice(0).forEach(push);
  };
  const footfall = (window.footfall = Object.assign((...command: Command) => void push(command), {
    loaded: true as const,
    q: { push },
  }));

  const live = (): void => {
    // A page that is rendered ahead, or opened in a tab behind, is no view until it is shown.
    if (document.hidden && !flag("prerender")) {
      document.addEventListener("visibilitychange", live, { once: true });
      return;
    }
    begin(!flag("local") && LOCAL.test(location.hostname) && (console.warn("Footfall: data-local"), true));
    online(); // what earlier pages could not send
    listen("online", online);
    next();
    follow(landing);
    next();
  };
  // The page goes on first. Where an application leads on meanwhile, its visitor has come by this address.
  setTimeout(live);
  return footfall;
};
