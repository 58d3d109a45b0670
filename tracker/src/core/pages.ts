/** The page that is looked at: each view once, however the page came to be seen. */
import type { Sent } from "../api";
import { address, show, url } from "./address";
import { sendNow } from "./delivery";
import { report, restart, touch, watch } from "./engagement";
import { emit } from "./events";
import { call } from "./hooks";
import { beforeLeaving } from "./queue";

let view: Sent | undefined; // its page_view event
let away = false;

/** Applications set the title after the address: it is read when the event leaves. */
const settle = (): void => {
  if (view && address() === url()) view.title = document.title;
};

const open = (referrer: string): void => {
  const now = show();
  away = false;
  restart();
  view = undefined;
  view = emit({ name: "page_view", referrer, title: document.title });
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
    history[method] = function (...args) {
      original.apply(this, args);
      route();
    };
  }
  for (const type of ["popstate", "hashchange"]) addEventListener(type, route);
  addEventListener("pageshow", (event) => {
    if (event.persisted) open(document.referrer); // back from the browser's memory: seen once more
  });
  addEventListener("pagehide", hide);
  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? hide() : back()));
  beforeLeaving(settle);
  watch();
  open(document.referrer);
};
