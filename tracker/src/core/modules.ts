/** Modules: files of their own beside the script's, each a function that takes the core's API. */
import type { Api, Module } from "../api";
import { url } from "./address";
import { mayKnow } from "./consent";
import { send } from "./events";
import { guarded, on } from "./hooks";
import { visitor } from "./identity";
import { option } from "./options";
import { get, set } from "./storage";

export const use = (module: Module, command: Api["command"]): void => {
  module({
    send,
    option,
    on(hook: string, run: (arg?: any) => unknown) {
      on(hook, run);
      if (hook === "view") guarded(() => run(url()));
    },
    visitor,
    read: (key) => (mayKnow() ? get(key) : null),
    write: (key, value) => mayKnow() && set(key, value),
    command,
  });
};

/** Load the files of the modules that data-modules names; `coming` counts them. */
export const loadModules = (script: HTMLScriptElement, coming: (more: number) => void): void => {
  for (const name of (option("modules") || "").split(/[\s,]+/).filter(Boolean)) {
    const tag = document.createElement("script");
    tag.src = script.src.replace(/\.js(?=$|\?)/, `.${name}.js`);
    tag.nonce = script.nonce;
    tag.onload = () => coming(-1);
    tag.onerror = () => {
      console.warn(`Footfall: no module ${name}`);
      coming(-1);
    };
    coming(1);
    document.head.append(tag);
  }
};
