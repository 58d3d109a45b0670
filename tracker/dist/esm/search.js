// src/modules/lib/text.ts
var EMAIL = /[\p{L}\w.+-]+(?:@|%40)[\p{L}\w.-]+\.\p{L}{2,}/gu;
var DIGITS = /\d(?:[ .,/()-]{0,2}\d){6,}/g;
var bounded = (text, most) => text.slice(0, most).replace(/\p{Cs}/gu, "");
var line = (text, most) => bounded(text.slice(0, 2e3).replace(/\s+/g, " ").trim().replace(EMAIL, "[email]").replace(DIGITS, "[number]"), most);
var parsed = (href, base) => {
  try {
    return new URL(href, base);
  } catch {
    return void 0;
  }
};

// src/modules/search.ts
var REST_MS = 1e3;
var search = (api) => {
  const names = (api.option("searchParams") || "q,query,s,search").split(/[\s,]+/).filter(Boolean);
  let before = "";
  let page;
  let timer = 0;
  const termOf = (url) => line(names.map((name) => url?.searchParams.get(name)).find((value) => value?.trim()) || "", 100);
  const tell = () => {
    clearTimeout(timer);
    const term = termOf(page);
    if (term && term !== before) api.send("site_search", { term });
    before = term;
  };
  const look = (address) => {
    page = parsed(address);
    clearTimeout(timer);
    timer = setTimeout(tell, REST_MS);
  };
  api.on("view", look);
  api.on("address", look);
  api.on("leave", () => {
    if (location.pathname !== page?.pathname || termOf(parsed(location.href)) === termOf(page)) tell();
  });
};
export {
  search
};
