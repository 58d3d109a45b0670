/** outbound_click: a link to another site is followed. */

import type { Module } from "../api";
import { label, onLinks } from "./lib/elements";
import { parsed, place } from "./lib/text";

/** As browsers write hosts: in small letters, and those that are not ASCII by their code. */
const bare = (host: string): string => (parsed(`http://${host.trim()}`)?.hostname || "").replace(/^www\./, "");

export const outbound: Module = (api) => {
  const given = [location.hostname, api.option("site"), api.option("outboundOwn")];
  const own = given.join().split(",").map(bare).filter(Boolean);
  onLinks((element, url) => {
    const host = `.${bare(url.hostname)}`;
    if (/^http/.test(url.protocol) && !own.some((one) => host.endsWith(`.${one}`)))
      api.send("outbound_click", { url: place(url), text: label(element) });
  });
};
