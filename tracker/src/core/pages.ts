/** The page that is looked at: each view once, however the page came to be seen. */
import { address, show, url } from "./address";
import { sendNow } from "./delivery";
import { report, restart, touch, watch } from "./engagement";
import { emit } from "./events";
import { call, guarded } from "./hooks";
import { follow as of, title } from "./title";

let away = false;

const open = (referrer: string): void => {
  const now = show();
  away = false;
  restart();
  of(emit({ name: "page_view", referrer, title: title() }));
  call("view", now);
};

const close = (): void => {
  call("leave");
  const engagement = report();
  if (engagement) emit({ name: "engagement", ...engagement });
};

/** A view of the present address, whatever was seen before. */
export const pageview = (): void => {
  const left = url();
  close();
  open(left);
};

const route = (): void => {
  if (address() !== url()) pageview();
};

/** Browsers say that a page is left, and then that it is hidden. */
const hide = (): void => {
  if (!away) {
    away = true;
    close();
  }
  sendNow();
};

const back = (): void => {
  away = false;
  touch();
};

export const follow = (): void => {
  for (const method of ["pushState", "replaceState"] as const) {
    const original = history[method];
    // A page may have frozen it.
    guarded(() => {
      history[method] = function (...args) {
        original.apply(this, args);
        route();
      };
    });
  }
  for (const type of ["popstate", "hashchange"]) addEventListener(type, route);
  addEventListener("pageshow", (event) => {
    if (event.persisted) open(document.referrer); // back from the browser's memory: seen once more
    else back();
  });
  addEventListener("pagehide", hide);
  document.addEventListener("visibilitychange", () => (document.hidden ? hide() : back()));
  watch();
  open(document.referrer);
};
