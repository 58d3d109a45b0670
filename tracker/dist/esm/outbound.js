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
var place = (url) => line(url.host + url.pathname, 512);

// src/modules/lib/elements.ts
var listen = (type, run) => addEventListener(type, run, true);
var target = (event) => {
  const found = event.composedPath()[0];
  return found instanceof Element ? found : null;
};
var up = (element, selector) => element ? element.closest(selector) || up(element.getRootNode().host, selector) : null;
var ignored = (element) => !!up(element, "[data-footfall-ignore]");
var FIELDS = "input,textarea,select,[contenteditable]";
var LINKS = "a[*|href],area[href]";
var reference = (link) => link.getAttribute("href") ?? link.getAttribute("xlink:href") ?? "";
var FIELD = "\0";
var said = (node) => {
  if (node instanceof Text) return node.data;
  const { shadowRoot, localName } = node;
  if (/^(?:style|script|template)$/.test(localName)) return "";
  if (node instanceof Element && node.matches(FIELDS)) return FIELD;
  const slotted = localName === "slot" ? node.assignedNodes() : [];
  return Array.from(slotted.length ? slotted : (shadowRoot || node).childNodes, said).join("");
};
var label = (element, most = 64) => {
  const text = said(element).trim();
  const theirs = text.includes(FIELD) || up(element, FIELDS);
  const alt = element.querySelector("[alt]")?.getAttribute("alt");
  return line(!theirs && text || element.getAttribute("aria-label") || alt || "", most);
};
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

// src/modules/outbound.ts
var bare = (host) => (parsed(`http://${host.trim()}`)?.hostname || "").replace(/^www\./, "");
var outbound = (api) => {
  const given = [location.hostname, api.option("site"), api.option("outboundOwn")];
  const own = given.join().split(",").map(bare).filter(Boolean);
  onLinks((element, url) => {
    const host = `.${bare(url.hostname)}`;
    if (/^http/.test(url.protocol) && !own.some((one) => host.endsWith(`.${one}`)))
      api.send("outbound_click", { url: place(url), text: label(element) });
  });
};
export {
  outbound
};
