/** The page that is looked at: each view once, however the page came to be seen. */
import { address, landed, show, url } from "./address";
import { sendNow } from "./delivery";
import { own } from "./document";
import { look, report, restart, touch, watch } from "./engagement";
import { emit } from "./events";
import { call, listen } from "./hooks";
import { flag } from "./options";
import { follow as of, view } from "./title";

let away = false;

const open = (referrer: string, href?: string): void => {
  const now = show(href);
  away = false;
  restart();
  of(emit({ name: "page_view", referrer }));
  call("view", now);
};

const close = (): void => {
  call("leave");
  const engagement = report();
  if (engagement) emit(engagement);
};

/** A view of the present address, whatever was seen before. */
export const pageview = (): void => {
  const left = url();
  close();
  open(left);
};

/** The application has gone to another address, or has put one in the place of the one before. */
const route = (replaced: unknown): void => {
  const left = url();
  const now = address();
  if (now === left) return;
  if (replaced === true && (view || (!flag("query") && now.split("?")[0] === left.split("?")[0]))) {
    show();
    // Nobody has seen the page that led on: its view is this one's.
    if (view) view.url = landed(now, view.url);
    call("address", now);
  } else pageview();
};

/** Browsers say that a page is left, and then that it is hidden. */
const hide = (): void => {
  if (!away) {
    away = true;
    look();
    close();
  }
  sendNow();
};

const back = (): void => {
  away = false;
  touch();
};

export const follow = (landing: string): void => {
  for (const method of ["pushState", "replaceState"] as const) {
    const original = history[method];
    // A page may have frozen it: then nothing is set, and nothing thrown.
    Reflect.set(history, method, function (this: History, ...args: Parameters<History["pushState"]>) {
      original.apply(this, args);
      route(method > "r");
    });
  }
  listen("popstate", route);
  // Links that an application takes over, without a word to history.
  window.navigation?.addEventListener("currententrychange", ({ navigationType }) => route(navigationType === "replace"));
  listen("pageshow", ({ persisted }) => {
    if (persisted) open(own("referrer")); // back from the browser's memory: seen once more
    else back();
  });
  listen("pagehide", hide);
  // After all on the window, where modules have their last word.
  document.addEventListener("visibilitychange", () => (document.hidden ? hide() : back()));
  watch();
  open(own("referrer"), landing);
  route(true);
};
