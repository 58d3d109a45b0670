/** footfall(command, …): what a page may say. */
import type { Module, More, Props } from "../api";
import { decide, held, mayKnow, optIn, optOut, silent, type State } from "./consent";
import { flush, online } from "./delivery";
import { release, send } from "./events";
import { guarded } from "./hooks";
import { identify, reset } from "./identity";
import { use } from "./modules";
import { pageview } from "./pages";
import { clear } from "./queue";

type Run = (...args: any[]) => void;

const commands: Record<string, Run> = {
  __proto__: null as never,
  event: (name: string, more: More & { props?: Props } = {}) => send(name, more.props, more),
  identify(id: string, traits?: Props) {
    if (!`${id ?? ""}`) return; // nobody is called "undefined"
    identify(String(id));
    if (mayKnow() || held()) send("identify", traits, { interactive: false });
  },
  reset,
  pageview,
  flush,
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
  use: (module: Module) => use(module, define),
};

const unknown: [string, ...unknown[]][] = [];
let settled = false; // the files of modules, which may bring commands, have come

export const run = (name: string, ...args: unknown[]): void => {
  const command = commands[name];
  if (command) guarded(() => command(...args));
  else {
    unknown.push([name, ...args]);
    if (settled) settle();
  }
};

const define = (name: string, command: Run): void => {
  commands[name] = command;
  unknown.splice(0).forEach((command) => run(...command));
};

/** No more files come: what nobody knows is an error. */
export const settle = (): void => {
  settled = true;
  for (const [name] of unknown.splice(0)) console.warn(`Footfall: no command ${name}`);
};
