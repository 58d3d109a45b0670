/** The click id that an affiliate network put on the landing page, kept first-party for the conversion. */

import type { Module } from "../api";
import networks from "./affiliate.json";
import { matcher, owned, type Pattern } from "./lib/matcher";

const KEY = "affiliate";

interface Kept {
  network: string;
  id: string;
  until: number; // ms since 1970
}

export const affiliate: Module = (api) => {
  // The owner's patterns stand first: they may say otherwise of a parameter that is known here.
  const match = matcher([...owned(api.option("affiliate") || ""), ...(networks as Pattern[])]);
  const named = (api.option("affiliateEvents") || "").split(/\s*,\s*/);
  let held: Kept | null; // where nothing may be kept, this page's memory is all

  const click = (): Kept | undefined => {
    let kept = held;
    try {
      kept = kept || JSON.parse(api.read(KEY) || "null");
    } catch {
      // cut, or somebody else's: as if there were none
    }
    const whole = [kept?.network, kept?.id].every((part) => typeof part === "string");
    if (whole && kept!.until > Date.now()) return kept!;
    if (kept) api.write(KEY, (held = null));
    return undefined;
  };

  api.on("view", (url) => {
    const found = match(url);
    const before = click();
    // A reloaded landing page is the same click: neither told again nor kept longer.
    if (!found || (before?.network === found.network && before.id === found.id)) return;
    const { network, parameter, id, days } = found;
    held = { network, id, until: Date.now() + days * 864e5 };
    api.write(KEY, JSON.stringify(held));
    api.send("affiliate_click", { network, parameter, click_id: id }, { interactive: false });
  });

  api.on("event", (event) => {
    const kept = event.revenue || named.includes(event.name) ? click() : undefined;
    if (kept) event.props = { ...event.props, affiliate_network: kept.network, affiliate_click_id: kept.id };
  });
};
