/** site_search: a page shows what was searched for. */

import type { Module } from "../api";
import { line, parsed } from "./lib/text";

export const search: Module = (api) => {
  const names = (api.option("searchParams") || "q,query,s,search").split(/[\s,]+/).filter(Boolean);
  let before = "";
  api.on("view", (address) => {
    const given = parsed(address)?.searchParams;
    const term = line(names.map((name) => given?.get(name)).find((value) => value?.trim()) || "", 100);
    // The second page of results is no second search.
    if (term && term !== before) api.send("site_search", { term });
    before = term;
  });
};
