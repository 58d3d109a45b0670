/** outbound_click: a link to another site is followed. */

import type { Module } from "../api";
import { label, onLinks } from "./lib/elements";
import { place } from "./lib/text";

const bare = (host: string): string => host.trim().replace(/^www\./, "");

export const outbound: Module = (api) => {
  const given = [location.hostname, api.option("site"), api.option("outboundOwn")];
  const own = given.join().split(",").map(bare).filter(Boolean);
  onLinks((element, url) => {
    const host = `.${bare(url.hostname)}`;
    if (/^http/.test(url.protocol) && !own.some((one) => host.endsWith(`.${one}`)))
      api.send("outbound_click", { url: place(url), text: label(element) });
  });
};
