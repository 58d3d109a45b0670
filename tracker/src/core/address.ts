/** The address of the page that is looked at. */
import { ADDRESS } from "./limits";
import { flag } from "./options";

export let shown = ""; // "" before the first page view

/** Without what follows #; where that is the page, as a path: collectors keep no fragment. */
export const pageOf = (href: string, hash: boolean): string => {
  const url = new URL(href);
  if (hash) url.pathname = (url.pathname + url.hash.split(/[?&=]/)[0]).replace(/\/?#!?\/?/, "/");
  url.hash = "";
  return url.href.slice(0, ADDRESS); // what follows is some state of an application's
};

/** Of the browser, now. */
export const address = (): string => pageOf(location.href, flag("hash"));

/** Of the page view that is open; an application may have gone on already. */
export const url = (): string => shown || address();

export const show = (): string => (shown = address());
