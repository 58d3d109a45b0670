/** Modules: files of their own beside the script's, each a function that takes the core's API. */
import type { Api, Module } from "../api";
import { shown, url } from "./address";
import { mayKnow } from "./consent";
import { send } from "./events";
import { guarded, on } from "./hooks";
import { visitor } from "./identity";
import { option } from "./options";
import { get, PREFIX, set } from "./storage";

export const use = (module: Module, command: Api["command"]): void => {
  module({
    send,
    option,
    on(hook: string, run: (arg?: any) => unknown) {
      on(hook, run);
      if (hook === "view" && shown) guarded(() => run(url()));
    },
    visitor,
    read: (key) => (mayKnow() ? get(PREFIX + key) : null),
    write: (key, value) => mayKnow() && set(PREFIX + key, value),
    command,
  });
};

/** Load the files of the modules that data-modules names, to the last one. */
export const loadModules = (script?: HTMLScriptElement | null): Promise<unknown> =>
  Promise.allSettled(
    ((script && option("modules")?.match(/[^\s,]+/g)) || []).map(
      (name) =>
        new Promise((done) => {
          const tag = document.createElement("script");
          tag.src = script!.src.replace(/\.js(?=$|\?)/, `.${name}.js`);
          tag.nonce = script!.nonce;
          tag.onload = done;
          tag.onerror = () => done(console.warn(`Footfall: no module ${name}`));
          document.head.append(tag);
        }),
    ),
  );
