/** Only a share of the visitors is counted; each event says how many it stands for. */

import type { Module } from "../api";
import { fraction } from "./lib/hash";

export const sampling: Module = (api) => {
  const given = Number(api.option("sample"));
  if (!(given > 0 && given <= 1)) return console.warn("Footfall: data-sample is no share such as 0.1, all is sent");
  const rate = Math.max(given, 0.001); // an event counts for at most 1,000
  let taken: boolean | undefined;
  api.on("event", (event) => {
    // Decided once a page load: a visitor who becomes known in between is not half counted.
    if (taken === undefined) {
      const visitor = api.visitor();
      taken = (visitor ? fraction(`sample/${visitor}`) : Math.random()) < rate;
    }
    event.props = { ...event.props, sample_weight: 1 / rate };
    return taken;
  });
};
