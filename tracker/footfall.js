// Footfall's tracker: page views, engagement and events of one site. Guide: docs/tracker.md.
(() => {
  "use strict";

  const IDLE_MS = 60_000; // without a touch this long, nobody is taken to read
  const BATCH_MS = 1_000;
  const BATCH_EVENTS = 50;
  const BODY_BYTES = 60_000; // a browser takes 64 KiB in all for requests that outlive the page
  const KEPT_EVENTS = 500; // while the collector cannot be reached
  const RETRY_MS = [2_000, 10_000, 30_000, 60_000];

  const before = window.footfall;
  if (before && before.loaded) return; // the script stands on the page twice
  const script = document.currentScript || document.querySelector("script[data-site],script[data-key]");
  const options = script ? script.dataset : {};
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|)$|\.(localhost|local|test)$/;

  if (!("local" in options) && (local.test(location.hostname) || location.protocol === "file:")) {
    window.footfall = Object.assign(() => {}, { loaded: true });
    console.info("Footfall: nothing is sent from a local address (data-local turns it on).");
    return;
  }

  const endpoint = options.endpoint || new URL("/v1/events", script ? script.src : location.href).href;
  const key = options.key || "";
  const site = options.site || (key ? "" : location.hostname);

  // ---- sending: batches by fetch, and by beacon when the page goes

  let queue = [];
  let timer = 0;
  let busy = false; // one request at a time: what outlives the page has 64 KiB together
  let failures = 0;

  const uuid = () => {
    if (crypto.randomUUID) return crypto.randomUUID(); // absent on pages without TLS
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };

  const later = (ms) => {
    if (!timer) timer = setTimeout(flush, ms);
  };

  const enqueue = (event) => {
    queue.push(event);
    if (queue.length > KEPT_EVENTS) queue.splice(0, queue.length - KEPT_EVENTS);
    if (!busy && !failures && queue.length >= BATCH_EVENTS) flush();
    else later(BATCH_MS);
  };

  const take = () => {
    const events = [];
    let bytes = 0;
    while (queue.length && events.length < BATCH_EVENTS) {
      bytes += new TextEncoder().encode(JSON.stringify(queue[0])).length + 1;
      if (events.length && bytes > BODY_BYTES) break;
      events.push(queue.shift());
    }
    return events;
  };

  const body = (events) => {
    const batch = { site, sent_at: Date.now(), events };
    if (key) batch.key = key;
    return JSON.stringify(batch);
  };

  // What is tried again keeps its event_id, so that the collector counts it once.
  const again = (events) => {
    queue = events.concat(queue).slice(-KEPT_EVENTS);
    later(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
  };

  const post = async (events) => {
    let status = 0;
    busy = true;
    try {
      // Text needs no preflight request; no cookie is wanted.
      const request = { method: "POST", body: body(events), keepalive: true, credentials: "omit" };
      status = (await fetch(endpoint, request)).status;
    } catch {
      // not reached
    }
    busy = false;
    if (!status || status === 429 || status >= 500) return again(events);
    failures = 0; // other refusals would not be taken back at a second try either
    if (queue.length) later(queue.length < BATCH_EVENTS ? BATCH_MS : 0);
  };

  function flush() {
    clearTimeout(timer);
    timer = 0;
    if (busy) return;
    settleTitle();
    const events = take();
    if (events.length) post(events);
  }

  const flushNow = () => {
    clearTimeout(timer);
    timer = 0;
    settleTitle();
    while (queue.length) {
      const events = take();
      if (!navigator.sendBeacon(endpoint, body(events))) {
        post(events); // the browser's share for beacons is used up
        break;
      }
    }
    if (queue.length) later(BATCH_MS);
  };

  // ---- the page that is looked at

  let view = null; // its page_view event
  let shown = ""; // its address without the fragment
  let engaged = 0; // ms, not yet sent
  let since = 0; // when the running stretch began; 0: the clock stands
  let touched = 0; // when somebody last did something
  let deepest = 0; // px from the top
  let sentDepth = 0; // percent

  const address = () => location.href.split("#")[0];

  const make = (name, more) =>
    Object.assign(
      {
        name,
        url: view ? view.url : location.href,
        timestamp: Date.now(),
        event_id: uuid(),
        screen: `${screen.width}x${screen.height}`,
        language: navigator.language || "",
      },
      more,
    );

  // Applications set the title after the address: it is read when the event leaves.
  const settleTitle = () => {
    if (view && address() === shown) view.title = document.title;
  };

  const watched = () => document.visibilityState === "visible" && document.hasFocus();

  const tick = () => {
    const now = performance.now();
    if (since) engaged += Math.max(0, Math.min(now, touched + IDLE_MS) - since);
    since = watched() ? now : 0;
  };

  const touch = () => {
    tick();
    touched = performance.now();
  };

  const look = () => {
    deepest = Math.max(deepest, window.scrollY + window.innerHeight);
  };

  const depth = () => {
    const height = Math.max(document.documentElement.scrollHeight, document.body ? document.body.scrollHeight : 0);
    return height ? Math.min(100, Math.round((100 * deepest) / height)) : 0;
  };

  const reportEngagement = (percent) => {
    tick();
    const ms = Math.round(engaged);
    if (!view || (ms < 1 && percent <= sentDepth)) return;
    engaged = 0;
    sentDepth = Math.max(sentDepth, percent);
    enqueue(make("engagement", { engagement_ms: ms, scroll_depth: sentDepth }));
  };

  const open = (referrer) => {
    shown = address();
    view = null;
    view = make("page_view", { referrer, title: document.title });
    engaged = since = deepest = sentDepth = 0;
    touched = performance.now();
    tick();
    look();
    enqueue(view);
  };

  const route = () => {
    if (address() === shown) return;
    const left = shown;
    reportEngagement(depth());
    open(left);
  };

  const hide = () => {
    look();
    reportEngagement(depth());
    flushNow();
  };

  // ---- what the page may say

  const plain = (value) =>
    value === null || ["string", "number", "boolean"].includes(typeof value) ? value : String(value);

  const commands = {
    event(name, props, more) {
      const event = { props: {} };
      for (const [prop, value] of Object.entries(props || {})) {
        if (value !== undefined) event.props[prop] = plain(value);
      }
      for (const field of ["revenue", "interactive", "user_id"]) {
        if (more && more[field] !== undefined) event[field] = more[field];
      }
      enqueue(make(String(name), event));
    },
    page() {
      const left = shown;
      reportEngagement(depth());
      open(left || document.referrer);
    },
  };

  const run = (command, ...rest) => {
    if (Object.hasOwn(commands, command)) commands[command](...rest);
    else console.warn(`Footfall: there is no command ${command}`);
  };

  const start = () => {
    for (const method of ["pushState", "replaceState"]) {
      const original = history[method];
      history[method] = function (...args) {
        original.apply(this, args);
        route();
      };
    }
    addEventListener("popstate", route);
    addEventListener("pageshow", (event) => {
      if (event.persisted) open(document.referrer); // back from the browser's memory: seen once more
    });
    addEventListener("pagehide", hide);
    document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? hide() : touch()));
    addEventListener("focus", touch);
    addEventListener("blur", tick);
    addEventListener("scroll", look, { passive: true });
    for (const type of ["scroll", "pointermove", "pointerdown", "keydown", "touchmove", "wheel"]) {
      addEventListener(type, touch, { passive: true, capture: true });
    }
    open(document.referrer);
    window.footfall = Object.assign((...args) => run(...args), { loaded: true, q: waiting });
    for (const args of waiting.splice(0)) run(...args);
    waiting.push = (args) => run(...args); // the stub from before asks for q
  };

  const waiting = (before && before.q) || [];
  window.footfall = Object.assign((...args) => waiting.push(args), { loaded: true });

  // A page rendered ahead of the click is no view until it is shown.
  if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
  else start();
})();
