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

// src/modules/lib/elements.ts
var listen = (type, run) => addEventListener(type, run, true);
var target = (event) => {
  const found = event.composedPath()[0];
  return found instanceof Element ? found : null;
};
var up = (element, selector) => element ? element.closest(selector) || up(element.getRootNode().host, selector) : null;
var ignored = (element) => !!up(element, "[data-footfall-ignore]");
var LINKS = "a[*|href],area[href]";
var reference = (link) => link.getAttribute("href") ?? link.getAttribute("xlink:href") ?? "";
var onLinks = (run) => {
  const follow = (event) => {
    const element = up(target(event), LINKS);
    if (event.button > 1 || !element || ignored(element)) return;
    const url = parsed(reference(element), document.baseURI);
    if (url) setTimeout(() => event.defaultPrevented || run(element, url));
  };
  listen("click", follow);
  listen("auxclick", follow);
};

// src/modules/downloads.ts
var KNOWN = "pdf zip gz tgz rar 7z dmg exe msi pkg apk deb rpm iso csv xls xlsx doc docx ppt pptx odt ods odp rtf txt epub ics mp3 wav mp4 mov";
var downloads = (api) => {
  const extensions = (api.option("downloads") || KNOWN).toLowerCase().split(/[\s,.]+/);
  onLinks((element, url) => {
    const given = element.getAttribute("download");
    const last = /^http/.test(url.protocol) ? url.pathname.split("/").pop() : "";
    const file = given || last.replace(/%20/g, " ");
    const extension = (/\.(\w{1,10})$/.exec(file)?.[1] || "").toLowerCase();
    if (given !== null || extensions.includes(extension))
      api.send("file_download", { file: line(file, 256) || "unnamed", extension });
  });
};
export {
  downloads
};
