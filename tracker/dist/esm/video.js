// src/modules/lib/text.ts
var EMAIL = /[\p{L}\w.+-]+(?:@|%40)[\p{L}\w.-]+\.\p{L}{2,}/gu;
var DIGITS = /\d(?:[ .,/()-]{0,2}\d){6,}/g;
var bounded = (text, most) => text.slice(0, most).replace(/\p{Cs}/gu, "");
var line = (text, most) => bounded(text.slice(0, 2e3).replace(/\s+/g, " ").trim().replace(EMAIL, "[email]").replace(DIGITS, "[number]"), most);

// src/modules/lib/elements.ts
var listen = (type, run) => addEventListener(type, run, true);
var heard = [];
var known = /* @__PURE__ */ new WeakSet();
var know = (root) => {
  if (!(root instanceof ShadowRoot) || known.has(root)) return;
  known.add(root);
  for (const [type, run] of heard) {
    const own = (event) => target(event)?.getRootNode() === root && run(event);
    root.addEventListener(type, own, true);
  }
};
var search = (from = document) => from.querySelectorAll("*").forEach(({ shadowRoot }) => {
  if (!shadowRoot) return;
  know(shadowRoot);
  search(shadowRoot);
});
var listenInside = (...one) => {
  const touched = (event) => event.composedPath().forEach(know);
  if (!heard.length) for (const type of ["pointerdown", "focusin", "keydown"]) listen(type, touched);
  heard.push(one);
  listen(...one);
};
var target = (event) => {
  const found = event.composedPath()[0];
  return found instanceof Element ? found : null;
};
var up = (element, selector) => element ? element.closest(selector) || up(element.getRootNode().host, selector) : null;
var ignored = (element) => !!up(element, "[data-footfall-ignore]");

// src/modules/video.ts
var video = (api) => {
  const seen = /* @__PURE__ */ new WeakMap();
  const follow = (event) => {
    const { type } = event;
    const one = target(event);
    if (!(one instanceof HTMLVideoElement) || ignored(one)) return;
    const { currentSrc: source, duration, played, autoplay } = one;
    if (autoplay && one.muted && one.loop) return;
    const tell = (what, percent) => {
      const name = one.dataset.title || one.getAttribute("aria-label") || one.title || one.id;
      const props = {
        video: line(name || source.split(/[?#]/)[0].split("/").pop(), 128) || "unnamed",
        duration: isFinite(duration) ? Math.round(duration) : void 0,
        // a live stream has no end
        percent
      };
      api.send(`video_${what}`, props, { interactive: what === "start" && !autoplay });
    };
    let state = seen.get(one);
    if (type !== "ended" && !one.paused && state?.source !== source) {
      seen.set(one, state = { source, step: 25 });
      tell("start");
    }
    if (state?.source !== source) return;
    let seconds = 0;
    for (let i = 0; i < played.length; i++) seconds += played.end(i) - played.start(i);
    for (; state.step < 100 && 100 * seconds / duration >= state.step; state.step += 25) tell("progress", state.step);
    if (type === "ended" && state.step < 125) {
      state.step = 125;
      tell("complete");
    }
  };
  for (const type of ["playing", "timeupdate", "ended"]) listenInside(type, follow);
  search();
  api.on("view", () => setTimeout(search, 1e3));
};
export {
  video
};
