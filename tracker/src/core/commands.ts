/** footfall(command, …): what a page may say. */
import type { Module, More, Props } from "../api";
import { decide, held, mayKeep, optIn, optOut, silent, type State } from "./consent";
import { now, online } from "./delivery";
import { release, send } from "./events";
import { identify, reset } from "./identity";
import { use } from "./modules";
import { pageview } from "./pages";
import { clear } from "./queue";

type Run = (...args: any[]) => unknown;

const commands: Record<string, Run> = {
  __proto__: null as never,
  event: (name: string, more: More & { props?: Props } = {}) => send(name, more.props, more),
  identify(id: string, traits?: Props) {
    if (!`${id ?? ""}`) return; // nobody is called "undefined"
    identify(String(id));
    if (mayKeep() || held()) send("identify", traits, { interactive: false });
  },
  reset,
  pageview,
  flush: now,
  consent(given: Record<string, State | boolean>) {
    const waited = held();
    decide(given);
    if (silent()) clear();
    if (waited && !held()) {
      release();
      online();
    }
  },
  optOut() {
    optOut();
    clear();
  },
  optIn,
  use: (module: Module, name?: string) => use(module, (command, run) => (commands[command] = run), name),
};

export const run = (name: string, ...args: unknown[]): void => {
  if (commands[name]) commands[name](...args);
  else console.warn("Footfall: no command", name);
};
