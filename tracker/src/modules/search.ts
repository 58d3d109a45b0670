/** site_search: a page shows what was searched for. */

import type { Module } from "../api";
import { line, parsed } from "./lib/text";

const REST_MS = 1_000; // applications that search while somebody types change the address letter by letter

export const search: Module = (api) => {
  const names = (api.option("searchParams") || "q,query,s,search").split(/[\s,]+/).filter(Boolean);
  let before = "";
  let page: URL | undefined;
  let timer = 0;

  const termOf = (url: URL | undefined): string =>
    line(names.map((name) => url?.searchParams.get(name)).find((value) => value?.trim()) || "", 100);

  const tell = (): void => {
    clearTimeout(timer);
    const term = termOf(page);
    // The second page of results is no second search.
    if (term && term !== before) api.send("site_search", { term });
    before = term;
  };

  const look = (address: string): void => {
    page = parsed(address);
    clearTimeout(timer);
    timer = setTimeout(tell, REST_MS) as unknown as number;
  };
  api.on("view", look);
  api.on("address", look);
  api.on("leave", () => {
    // Another term in the same place: somebody is typing.
    if (location.pathname !== page?.pathname || termOf(parsed(location.href)) === termOf(page)) tell();
  });
};
