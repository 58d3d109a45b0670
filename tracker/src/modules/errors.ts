/** js_error: what went wrong in the page, each kind of trouble once, and how often when the page is left. */

import type { Module, Props } from "../api";
import { repeats } from "./lib/repeats";
import { line, parsed, place } from "./lib/text";
import { withoutValues } from "./lib/values";

const MOST = 10; // different errors a page view
const APART_MS = 1_000;
const FOREIGN = /-extension:/;

/** Addresses lose query and fragment, where they stand in a text too; what may say who somebody is is masked. */
export const cleaned = (text: string, most: number): string => line(text.replace(/[?#][^\s:)"']+/g, ""), most);

const source = (address: string): string => {
  const url = parsed(address);
  return url && /^http/.test(url.protocol) ? place(url) : "";
};

/** What was thrown; nothing where it came from an extension of the browser. `clean` is for whole texts, before they are cut. */
export const described = (
  thrown: any,
  message: string,
  file: string,
  clean: (text: string) => string,
): Props | undefined => {
  const stack = String(thrown?.stack || "");
  // Whose error it is says the place where it was thrown, not everybody on the way.
  const first = stack.split("\n").find((frame) => /:\d+:\d/.test(frame)) || "";
  if (FOREIGN.test(file + first)) return undefined;
  const said = thrown?.message === undefined ? message : `${thrown.name}: ${thrown.message}`;
  return {
    message: cleaned(clean(said), 256),
    stack: cleaned(clean(stack).replace(/\n\s*/g, " | "), 1_000) || undefined,
  };
};

export const errors: Module = (api) => {
  const seen = repeats<Props>(MOST, APART_MS, (props, count) =>
    api.send("js_error", { ...props, count }, { interactive: false }),
  );

  const clean = withoutValues();

  const take = (kind: string, describe: () => Props | undefined): void => {
    let props: Props | undefined;
    try {
      props = describe();
    } catch {
      // what was thrown cannot be put into words
    }
    if (props) seen.add([kind, props.message, props.source, props.line].join(), { kind, ...props }, performance.now());
  };

  // Failures of resources do not bubble.
  addEventListener(
    "error",
    (event) => {
      const { target, message, error, filename, lineno, colno } = event;
      if (target instanceof Element) {
        const { src, href } = target as HTMLImageElement & HTMLLinkElement;
        const failed = source(src || href);
        if (failed) take("resource", () => ({ message: target.localName, source: clean(failed) }));
      } else if (/^Script error/.test(message)) take("error", () => ({ message })); // of another origin: nothing else is said
      else
        take("error", () => {
          const props = described(error, message, filename, clean);
          return props && { ...props, source: source(filename) || undefined, line: lineno, column: colno };
        });
    },
    true,
  );
  addEventListener("unhandledrejection", ({ reason }) => take("rejection", () => described(reason, String(reason), "", clean)));

  api.on("leave", seen.rest);
  api.on("view", seen.clear);
};
