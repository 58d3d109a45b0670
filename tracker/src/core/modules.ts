/** Modules: each a function that takes the core's API. */
import type { Api, Module } from "../api";
import { shown } from "./address";
import { mayKeep } from "./consent";
import { send } from "./events";
import { guarded, on } from "./hooks";
import { visitor } from "./identity";
import { option } from "./options";
import { get, PREFIX, set } from "./storage";

const used = new Set<unknown>();

/** Once each: by its name, as files of modules say it, or else as the function that it is. */
export const use = (module: Module, command: Api["command"], name: unknown = module): void => {
  if (used.has(name)) return;
  used.add(name);
  module({
    send,
    option,
    on(hook: string, run: (arg?: any) => unknown) {
      on(hook, run);
      if (hook === "view" && shown) guarded(() => run(shown));
    },
    visitor,
    read: (key) => (mayKeep() ? get(PREFIX + key) : null),
    write: (key, value) => mayKeep() && set(PREFIX + key, value),
    command,
  });
};
