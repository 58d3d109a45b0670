/** The address of the page that is looked at. */
import { ADDRESS } from "./limits";
import { flag } from "./options";

export let shown = ""; // "" before the first page view

/** Without what follows #; where that is the page, as a path: collectors keep no fragment. */
export const pageOf = (href: string, hash: boolean): string => {
  const url = new URL(href);
  if (hash && url.hash)
    if (/^#[/!]/.test(url.hash)) url.pathname = (url.pathname + url.hash.split(/[?&=]/)[0]).replace(/\/?#!?\/?/, "/");
    else if (shown) return shown; // an anchor on the page that is open
  url.hash = "";
  return url.href.slice(0, ADDRESS); // what follows is some state of an application's
};

/** Of the browser, now. */
export const address = (href = location.href): string => pageOf(href, flag("hash"));

/** The address that a redirect has led to, with the query that somebody came by: it says from where. */
export const landed = (to: string, from: string): string =>
  to + (to.includes("?") ? "&" : "?") + (from.split("?")[1] || "");

/** Of the page view that is open; an application may have gone on already. */
export const url = (): string => shown || address();

export const show = (href?: string): string => (shown = address(href));
