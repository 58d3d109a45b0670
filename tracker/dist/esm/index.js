// src/core/hooks.ts
var hooks = {};
var guarded = (run2) => {
  try {
    return run2();
  } catch (error) {
    console.warn("Footfall:", error);
    return void 0;
  }
};
var listen = (types, run2) => types.split(" ").forEach((type) => addEventListener(type, run2, true));
var on = (hook, run2) => {
  (hooks[hook] = hooks[hook] || []).push(run2);
};
var call = (hook, arg) => (hooks[hook] || []).map((run2) => guarded(() => run2(arg)));

// src/core/options.ts
var options = {};
var configure = (given) => {
  options = given;
};
var option = (name) => options[name];
var flag = (name) => option(name) != null;

// src/core/storage.ts
var PREFIX = "footfall.";
var OPT_OUT = "footfall.optout";
var quietly = (run2) => {
  try {
    return run2();
  } catch {
    return null;
  }
};
var get = (key2) => quietly(() => localStorage[key2] ?? null);
var set = (key2, value) => !!quietly(() => (value === null ? delete localStorage[key2] : localStorage[key2] = value) || true);
var load = (key2) => quietly(() => JSON.parse(get(key2)));
var names = (start2) => Object.keys(quietly(() => localStorage) || {}).filter((key2) => key2.startsWith(start2));
var wipe = () => {
  for (const key2 of names(PREFIX)) if (key2 !== OPT_OUT) set(key2, null);
};

// src/core/consent.ts
var KEY = "footfall.consent";
var STATE = /^ad_|_storage$/;
var states;
var out = false;
var local = false;
var consentStates = () => states;
var analytics = () => states?.analytics_storage;
var required = () => option("consent") === "required";
var silent = () => local || out || get(OPT_OUT) || navigator.globalPrivacyControl || required() && analytics() === "denied";
var held = () => required() && analytics() !== "granted";
var mayKeep = () => !silent() && !held() && analytics() !== "denied";
var decide = (given) => {
  states = { ...states };
  for (const name in given)
    if (STATE.test(name)) states[name] = given[name] === true || given[name] === "granted" ? "granted" : "denied";
  if (analytics() === "denied") {
    set(KEY, "0");
    wipe();
  } else if (analytics() && mayKeep()) set(KEY, JSON.stringify(states));
};
var begin = (isLocal) => {
  local = isLocal;
  const first = option("consent");
  const given = first && !required() ? { analytics_storage: first } : load(KEY);
  if (given) decide(given);
  listen("storage", ({ key: key2, newValue }) => {
    if (key2 === KEY && !newValue && analytics() !== "denied") decide({ analytics_storage: "denied" });
  });
};
var optOut = () => {
  out = true;
  wipe();
  set(OPT_OUT, "1");
};
var optIn = () => {
  out = false;
  set(OPT_OUT, null);
};

// src/core/limits.ts
var BATCH_EVENTS = 10;
var BATCH_MS = 5e3;
var BODY_BYTES = 6e4;
var EVENT_BYTES = 32e3;
var ADDRESS = 4096;
var TITLE = 1024;
var RETRY_FIRST_MS = 1e3;
var RETRY_LAST_MS = 3e4;
var RETRY_ASKED_MS = 864e5;
var ANSWER_MS = 3e4;
var TRUST_MS = 3e4;
var MEMORY_EVENTS = 2e3;
var MEMORY_BYTES = 2e6;
var STORED_EVENTS = 500;
var STORED_BYTES = 262144;
var SAVE_MS = 200;
var GONE_MS = 4e4;
var LOOK_MS = 250;
var LOOKS = 8;
var CALLBACK_MS = 1e3;
var IDLE_MS = 6e4;
var SESSION_MS = 18e5;
var NOTED_MS = 1e3;

// src/core/ids.ts
var uuid = () => "10000000-1000-4000-8000-100000000000".replace(
  /[018]/g,
  (digit) => (+digit ^ Math.random() * 16 >> +digit / 4).toString(16)
);

// src/core/kept.ts
var OTHERS = /&(?!(gclsrc|li_fat_id|gbraid|wbraid|mc_cid|rdt_cid|sccid|irclicid|igshid|irclickid|msclkid|fbclid|dclid|gclid|qclid|ttclid|twclid|yclid|gad_campaignid|source|gad_source|utm_source|ref|epik|utm_term|utm_medium|utm_campaign|utm_content|cjevent|_kx)=)[^&]*/gi;
var kept = (address2) => address2?.replace?.(/\?(.*)/, (_, query) => `&${query}`.replace(OTHERS, "").replace("&", "?"));

// src/core/address.ts
var shown = "";
var pageOf = (href, hash) => {
  const url2 = new URL(href);
  if (hash && url2.hash) {
    if (/^#[/!]/.test(url2.hash)) url2.pathname = (url2.pathname + url2.hash.split(/[?&=]/)[0]).replace(/\/?#!?\/?/, "/");
    else if (shown) return shown;
  }
  url2.hash = "";
  return url2.href.slice(0, ADDRESS);
};
var address = (href = location.href) => pageOf(href, flag("hash"));
var landed = (to, from) => to + (to.includes("?") ? "&" : "?") + (from.split("?")[1] || "");
var url = () => shown || address();
var show = (href) => shown = address(href);

// src/core/document.ts
var own = (name) => Reflect.get(Document.prototype, name, document);

// src/core/title.ts
var view;
var look = (event, looks) => {
  if (event !== view) return;
  if (view && url() === address()) view.title = own("title").slice(0, TITLE);
  if (looks) setTimeout(look, LOOK_MS, event, looks - 1);
  else view = void 0;
};
var follow = (event) => look(view = event, LOOKS);
var settle = () => look(view, 0);

// src/core/queue.ts
var COPIES = "footfall.q.";
var encoder = new TextEncoder();
var key = COPIES + uuid();
var saving = 0;
var queue = [];
var flying = [];
var entry = (event, done) => ({
  event,
  size: encoder.encode(JSON.stringify(event)).length + 1,
  done
});
var packed = (head, events) => `${JSON.stringify(head).slice(0, -1)},"events":[${events.map(
  (event) => JSON.stringify({ ...event, url: kept(event.url), referrer: kept(event.referrer) })
)}]}`.replace(
  /(\\\\)|\\ud.../g,
  "$1"
);
var excess = (entries, events, bytes) => {
  let from = entries.length;
  while (from && events-- && (bytes -= entries[from - 1].size) >= 0) from--;
  return from;
};
var lost = (event) => event.props?.dropped_before || 0;
var marked = (event, dropped) => {
  const count = dropped.reduce((sum, gone) => sum + 1 + lost(gone.event), lost(event));
  return count ? { ...event, props: { ...event.props, dropped_before: count } } : event;
};
var bounded = () => {
  const dropped = queue.splice(0, excess(queue, MEMORY_EVENTS, MEMORY_BYTES));
  const [first] = queue;
  if (first && dropped.length) Object.assign(first.event, marked(first.event, dropped));
};
var add = (entry2) => {
  queue.push(entry2);
  saveSoon();
};
var putBack = (entries) => {
  queue.unshift(...entries);
  saveSoon();
};
var clear = () => {
  queue = [];
};
var take = (fresh) => {
  let bytes = BODY_BYTES;
  const taken = queue.filter((entry2) => {
    if (entry2.event === view) bytes = 0;
    return !(fresh && entry2.told) && (bytes -= entry2.size) > 0;
  });
  queue = queue.filter((entry2) => !taken.includes(entry2));
  saveSoon();
  return taken;
};
var saveSoon = () => {
  saving = saving || setTimeout(save, SAVE_MS);
};
var save = () => {
  clearTimeout(saving);
  saving = 0;
  bounded();
  const all = [...flying, ...queue];
  const from = excess(all, STORED_EVENTS, STORED_BYTES);
  const [first, ...others] = all.slice(from).map((entry2) => entry2.event);
  if (!first || !mayKeep()) {
    set(key, null);
    return;
  }
  const at = document.hidden ? 0 : Date.now();
  set(key, packed({ at }, [marked(first, all.slice(0, from)), ...others]));
};
var adopt = () => {
  if (!mayKeep()) return;
  for (const name of names(COPIES)) {
    const copy = load(name);
    if (name === key || copy && Math.abs(Date.now() - copy.at) < GONE_MS) continue;
    quietly(() => putBack(copy.events.map(({ ...event }) => entry(event))));
    save();
    set(name, null);
  }
};

// src/core/delivery.ts
var timer = 0;
var failures = 0;
var resume = 0;
var confirmed = -Infinity;
var backoff = (failures2, chance = Math.random()) => Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** failures2) * (0.5 + chance / 2);
var asked = (header, now2) => Math.max(0, Math.min(RETRY_ASKED_MS, +header * 1e3 || Date.parse(header) - now2 || 0));
var body = (entries) => packed(
  { site: option("site"), key: option("key"), sent_at: Date.now() },
  entries.map((entry2) => entry2.event)
);
var later = (ms) => {
  timer = timer || setTimeout(flush, ms);
};
var open = () => {
  if (silent()) clear();
  return !held() && navigator.onLine && performance.now() >= resume;
};
var push = (entry2) => {
  add(entry2);
  if (entry2.done) queueMicrotask(now);
  else if (failures || queue.length < BATCH_EVENTS) later(BATCH_MS);
  else queueMicrotask(flush);
};
var flush = async () => {
  if (flying.length) return;
  clearTimeout(timer);
  timer = 0;
  const sent = open() ? take() : [];
  if (!sent.length) {
    if (queue.length) later(BATCH_MS);
    return;
  }
  flying.push(...sent);
  let status = 0;
  let wait = 0;
  try {
    const answer = await fetch(option("endpoint"), {
      method: "POST",
      body: body(sent),
      keepalive: true,
      credentials: "omit",
      signal: AbortSignal.timeout?.(ANSWER_MS)
      // older browsers have none
    });
    status = answer.status;
    wait = asked(answer.headers.get("Retry-After"), Date.now());
  } catch {
  }
  flying.length = 0;
  if (status && status !== 408 && status !== 429 && status < 500) {
    failures = 0;
    if (status < 300) confirmed = performance.now();
    saveSoon();
    if (queue.length < BATCH_EVENTS) later(BATCH_MS);
    else flush();
  } else {
    putBack(sent);
    resume = performance.now() + wait;
    later(Math.max(wait, backoff(failures++)));
  }
  for (const entry2 of sent) entry2.done?.();
};
var now = () => {
  settle();
  flush();
};
var sendNow = () => {
  settle();
  const trusted = performance.now() - confirmed < TRUST_MS;
  const doubtful = [];
  while (open()) {
    const sent = take(true);
    if (!sent.length) break;
    const taken = navigator.sendBeacon?.(option("endpoint"), body(sent));
    if (!taken || !trusted) doubtful.push(...sent);
    if (!taken) break;
    for (const entry2 of sent) {
      entry2.told = true;
      entry2.done?.();
    }
  }
  putBack(doubtful);
  save();
  if (queue.length) later(BATCH_MS);
};
var online = () => {
  adopt();
  now();
};

// src/core/identity.ts
var KEY2 = "footfall.id";
var user;
var continued = (old, at, name) => {
  const last = Math.min(old?.t || 0, Date.now());
  return {
    c: old?.c || uuid(),
    s: old && at - last < SESSION_MS && old.s || uuid(),
    t: Math.max(at, last),
    u: name || old?.u
  };
};
var who = (at) => {
  if (!mayKeep()) return {};
  if (option("identity") === "first-party") {
    const now2 = continued(load(KEY2), at - at % NOTED_MS, user);
    const text = JSON.stringify(now2);
    if (text === get(KEY2) || set(KEY2, text)) return { client_id: now2.c, session_id: now2.s, user_id: now2.u };
  }
  return { user_id: user };
};
var visitor = () => {
  const { client_id, user_id } = who(load(KEY2)?.t || Date.now());
  return client_id || user_id || "";
};
var identify = (id) => {
  user = id;
};
var reset = () => {
  user = void 0;
  set(KEY2, null);
};

// src/core/events.ts
var bounded2 = (run2) => {
  const once = () => {
    if (run2) guarded(run2);
    run2 = void 0;
  };
  setTimeout(once, CALLBACK_MS);
  return once;
};
var stamp = (event) => Object.assign(event, who(event.timestamp), { consent: consentStates() });
var emit = (fields, callback) => {
  if (!silent()) {
    const event = stamp({
      url: url(),
      timestamp: Date.now(),
      event_id: uuid(),
      screen: `${screen.width}x${screen.height}`,
      language: navigator.language,
      ...fields
    });
    if (!call("event", event).includes(false)) {
      const made = entry(event, callback && bounded2(callback));
      if (made.size < EVENT_BYTES) {
        push(made);
        return event;
      }
      console.warn("Footfall: too large", event.name);
    }
  }
  callback?.();
  return void 0;
};
var plain = (value) => Object(value) === value || typeof value === "bigint" ? String(value) : value;
var send = (name, props, more = {}) => {
  const { revenue, interactive, callback } = more;
  const values = {};
  for (const prop of Object.keys(props || {})) values[prop] = guarded(() => plain(props[prop]));
  emit({ name: String(name), props: values, revenue, interactive }, callback);
};
var release = () => {
  for (const held2 of queue) Object.assign(held2, entry(stamp(held2.event), held2.done));
};

// src/core/modules.ts
var used = /* @__PURE__ */ new Set();
var use = (module, command, name = module) => {
  if (used.has(name)) return;
  used.add(name);
  module({
    send,
    option,
    on(hook, run2) {
      on(hook, run2);
      if (hook === "view" && shown) guarded(() => run2(shown));
    },
    visitor,
    read: (key2) => mayKeep() ? get(PREFIX + key2) : null,
    write: (key2, value) => mayKeep() && set(PREFIX + key2, value),
    command
  });
};

// src/core/engagement.ts
var engaged = 0;
var since = 0;
var touched = 0;
var deepest = 0;
var height = 0;
var told = 0;
var watched = () => !document.hidden && document.hasFocus();
var tick = () => {
  const now2 = performance.now();
  if (since) engaged += Math.max(0, Math.min(now2, touched + IDLE_MS) - since);
  since = watched() ? now2 : 0;
};
var touch = () => {
  tick();
  touched = performance.now();
};
var look2 = () => {
  deepest = Math.max(deepest, scrollY + innerHeight);
  height = document.scrollingElement?.scrollHeight || 0;
};
var restart = () => {
  engaged = since = deepest = height = told = 0;
  touch();
};
var report = () => {
  tick();
  if (!height) look2();
  const ms = Math.round(engaged);
  const depth = Math.max(told, height && Math.min(100, Math.round(100 * deepest / height)));
  if (ms < 1 && depth === told) return void 0;
  engaged = 0;
  told = depth;
  const idle = Math.max(0, performance.now() - touched - IDLE_MS);
  return { name: "engagement", engagement_ms: ms, scroll_depth: depth, timestamp: Math.round(Date.now() - idle) };
};
var watch = () => {
  listen("blur", tick);
  listen("scroll pointerdown keydown", () => {
    look2();
    touch();
  });
  listen("focus pointermove", touch);
};

// src/core/pages.ts
var away = false;
var open2 = (referrer, href) => {
  const now2 = show(href);
  away = false;
  restart();
  follow(emit({ name: "page_view", referrer }));
  call("view", now2);
};
var close = () => {
  call("leave");
  const engagement = report();
  if (engagement) emit(engagement);
};
var pageview = () => {
  const left = url();
  close();
  open2(left);
};
var route = (replaced) => {
  const left = url();
  const now2 = address();
  if (now2 === left) return;
  if (replaced === true && (view || !flag("query") && now2.split("?")[0] === left.split("?")[0])) {
    show();
    if (view) view.url = landed(now2, view.url);
    call("address", now2);
  } else pageview();
};
var hide = () => {
  if (!away) {
    away = true;
    look2();
    close();
  }
  sendNow();
};
var back = () => {
  away = false;
  touch();
};
var follow2 = (landing) => {
  for (const method of ["pushState", "replaceState"]) {
    const original = history[method];
    Reflect.set(history, method, function(...args) {
      original.apply(this, args);
      route(method > "r");
    });
  }
  listen("popstate", route);
  window.navigation?.addEventListener("currententrychange", ({ navigationType }) => route(navigationType === "replace"));
  listen("pageshow", ({ persisted }) => {
    if (persisted) open2(own("referrer"));
    else back();
  });
  listen("pagehide", hide);
  document.addEventListener("visibilitychange", () => document.hidden ? hide() : back());
  watch();
  open2(own("referrer"), landing);
  route(true);
};

// src/core/commands.ts
var commands = {
  __proto__: null,
  event: (name, more = {}) => send(name, more.props, more),
  identify(id, traits) {
    if (!`${id ?? ""}`) return;
    identify(String(id));
    if (mayKeep() || held()) send("identify", traits, { interactive: false });
  },
  reset,
  pageview,
  flush: now,
  consent(given) {
    const waited = held();
    decide(given);
    if (silent()) clear();
    if (waited && !held()) {
      release();
      online();
    }
  },
  optOut() {
    optOut();
    clear();
  },
  optIn,
  use: (module, name) => use(module, (command, run2) => commands[command] = run2, name)
};
var run = (name, ...args) => {
  if (commands[name]) commands[name](...args);
  else console.warn("Footfall: no command", name);
};

// src/core/start.ts
var LOCAL = /^(127\.[\d.]+|\[::1]|)$|(^|\.)(localhost|local|test)$/;
var DECIDING = /^[cou]/;
var start = (options2) => {
  const before = window.footfall;
  if (before?.loaded === true) return before;
  configure(options2);
  const landing = location.href;
  const waiting = [].concat(before?.q || []);
  let stage = 0;
  const push2 = (command) => guarded(
    () => stage > (DECIDING.test(command[0]) ? 0 : 1) ? run(...command) : waiting.push(command)
  );
  const next = () => {
    stage++;
    waiting.splice(0).forEach(push2);
  };
  const footfall = window.footfall = Object.assign((...command) => void push2(command), {
    loaded: true,
    q: { push: push2 }
  });
  const live = () => {
    if (document.hidden && !flag("prerender")) {
      document.addEventListener("visibilitychange", live, { once: true });
      return;
    }
    begin(!flag("local") && LOCAL.test(location.hostname) && (console.warn("Footfall: data-local"), true));
    online();
    listen("online", online);
    next();
    follow2(landing);
    next();
  };
  setTimeout(live);
  return footfall;
};

// src/index.ts
var COMMANDS = ["event", "identify", "reset", "pageview", "flush", "consent", "optOut", "optIn", "use"];
var running;
var init = (options2) => {
  if (running) return running;
  if (typeof document === "undefined") return saying(() => {
  });
  const { modules = [], ...rest } = options2;
  ahead(modules);
  return running = saying(start(asData(rest)));
};
var saying = (command) => {
  const tracker = { command };
  for (const name of COMMANDS) tracker[name] = (...args) => command(name, ...args);
  return tracker;
};
var ahead = (modules) => {
  const uses = modules.map((module) => ["use", module]);
  const before = window.footfall;
  if (before?.loaded === true) uses.forEach((use2) => before(...use2));
  else window.footfall = Object.assign(() => {
  }, { q: [].concat(uses, before?.q || []) });
};
var asData = ({ ...options2 }) => {
  if (!options2.key && !options2.site) options2.site = location.hostname;
  const told2 = Object.entries(options2).filter(([, value]) => value !== void 0 && value !== null && value !== false);
  return Object.fromEntries(told2.map(([name, value]) => [name, value === true ? "" : String(value)]));
};
export {
  init
};
