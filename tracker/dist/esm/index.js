// src/core/options.ts
var options = {};
var configure = (given) => {
  options = given;
};
var option = (name) => options[name];
var flag = (name) => option(name) !== void 0;

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
var silent = () => local || out || !!get(OPT_OUT) || required() && analytics() === "denied";
var held = () => required() && analytics() !== "granted";
var mayKeep = () => !silent() && !held() && analytics() !== "denied";
var mayKnow = () => mayKeep() && !navigator.globalPrivacyControl;
var decide = (given) => {
  states = { ...states };
  for (const name of Object.keys(given))
    if (STATE.test(name)) states[name] = given[name] === true || given[name] === "granted" ? "granted" : "denied";
  if (analytics() === "denied") {
    set(KEY, "0");
    wipe();
  } else if (analytics() && mayKnow()) set(KEY, JSON.stringify(states));
};
var begin = (isLocal) => {
  local = isLocal;
  const first = option("consent");
  const given = first && !required() ? { analytics_storage: first } : load(KEY);
  if (given) decide(given);
  addEventListener("storage", ({ key: key2, newValue }) => {
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
var CALLBACK_MS = 1e3;
var IDLE_MS = 6e4;
var SESSION_MS = 18e5;
var NOTED_MS = 1e3;

// src/core/ids.ts
var uuid = () => {
  const random = crypto.getRandomValues(new Uint8Array(36));
  return "10000000-1000-4000-8000-100000000000".replace(
    /[018]/g,
    (digit, at) => (digit ^ random[at] & 15 >> digit / 4).toString(16)
  );
};

// src/core/kept.ts
var OTHERS = /&(?!(gclsrc|li_fat_id|gbraid|wbraid|mc_cid|rdt_cid|sccid|irclicid|igshid|irclickid|msclkid|fbclid|dclid|gclid|qclid|ttclid|twclid|yclid|gad_campaignid|source|gad_source|utm_source|ref|epik|utm_term|utm_medium|utm_campaign|utm_content|cjevent|_kx)=)[^&]*/gi;
var kept = (address2) => address2?.replace?.(/\?(.*)/, (_, query) => `&${query}`.replace(OTHERS, "").replace("&", "?"));

// src/core/address.ts
var shown = "";
var pageOf = (href, hash) => {
  const url2 = new URL(href);
  if (hash) url2.pathname = (url2.pathname + url2.hash.split(/[?&=]/)[0]).replace(/\/?#!?\/?/, "/");
  url2.hash = "";
  return url2.href.slice(0, ADDRESS);
};
var address = () => pageOf(location.href, flag("hash"));
var url = () => shown || address();
var show = () => shown = address();

// src/core/title.ts
var view;
var title = () => document.title.slice(0, TITLE);
var follow = (event) => {
  view = event;
};
var settle = () => {
  if (view?.url === address()) view.title = title();
};

// src/core/queue.ts
var COPIES = "footfall.q.";
var key = COPIES + uuid();
var saving = 0;
var queue = [];
var flying = [];
var entry = (event, done) => ({
  event_: event,
  size_: new TextEncoder().encode(JSON.stringify(event)).length + 1,
  done_: done
});
var packed = (head, events) => `${JSON.stringify(head).slice(0, -1)},"events":[${events.map(
  (event) => JSON.stringify({ ...event, url: kept(event.url), referrer: kept(event.referrer) })
)}]}`.replace(
  /(\\\\)|\\ud.../g,
  "$1"
);
var excess = (entries, events, bytes) => {
  let from = entries.length;
  while (from && events-- && (bytes -= entries[from - 1].size_) >= 0) from--;
  return from;
};
var lost = (event) => event.props?.dropped_before || 0;
var marked = (event, dropped) => {
  const count = dropped.reduce((sum, gone) => sum + 1 + lost(gone.event_), lost(event));
  return count ? { ...event, props: { ...event.props, dropped_before: count } } : event;
};
var bounded = () => {
  const dropped = queue.splice(0, excess(queue, MEMORY_EVENTS, MEMORY_BYTES));
  const [first] = queue;
  if (first && dropped.length) Object.assign(first.event_, marked(first.event_, dropped));
};
var add = (entry2) => {
  queue.push(entry2);
  if (queue.length > MEMORY_EVENTS) bounded();
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
  settle();
  let bytes = BODY_BYTES;
  const taken = queue.filter((entry2) => !(fresh && entry2.told_) && (bytes -= entry2.size_) > 0);
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
  settle();
  const all = [...flying, ...queue];
  const from = excess(all, STORED_EVENTS, STORED_BYTES);
  const [first, ...others] = all.slice(from).map((entry2) => entry2.event_);
  if (!first || !mayKeep()) {
    set(key, null);
    return;
  }
  const at = document.hidden ? 0 : Date.now();
  set(key, packed({ at }, [marked(first, all.slice(0, from)), ...others]));
};
var adopt = () => {
  if (!mayKeep()) return;
  const known = [...flying, ...queue].map((entry2) => entry2.event_.event_id);
  for (const name of names(COPIES)) {
    const copy = load(name);
    if (name === key || copy && Math.abs(Date.now() - copy.at) < GONE_MS) continue;
    quietly(() => putBack(copy.events.filter((event) => !known.includes(event.event_id)).map((event) => entry(event))));
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
var asked = (header, now) => Math.max(0, Math.min(RETRY_ASKED_MS, +header * 1e3 || Date.parse(header) - now || 0));
var body = (entries) => packed(
  { site: option("site"), key: option("key"), sent_at: Date.now() },
  entries.map((entry2) => entry2.event_)
);
var later = (ms) => {
  timer = timer || setTimeout(flush, ms);
};
var open = () => {
  if (silent()) clear();
  return queue.length > 0 && !held() && navigator.onLine && performance.now() >= resume;
};
var push = (entry2) => {
  add(entry2);
  if (entry2.done_ || !failures && queue.length >= BATCH_EVENTS) flush();
  else later(BATCH_MS);
};
var flush = async () => {
  if (flying.length) return;
  clearTimeout(timer);
  timer = 0;
  if (!open()) {
    const rest = resume - performance.now();
    if (rest > 0) later(rest);
    return;
  }
  const sent = take();
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
  if (!status || status === 408 || status === 429 || status >= 500) {
    putBack(sent);
    resume = performance.now() + wait;
    later(Math.max(wait, backoff(failures++)));
  } else {
    failures = 0;
    if (status < 300) confirmed = performance.now();
    saveSoon();
    if (queue.length < BATCH_EVENTS) later(BATCH_MS);
    else flush();
  }
  for (const entry2 of sent) entry2.done_?.();
};
var sendNow = () => {
  const trusted = performance.now() - confirmed < TRUST_MS;
  const doubtful = [];
  while (open()) {
    const sent = take(true);
    if (!sent.length) break;
    const taken = navigator.sendBeacon?.(option("endpoint"), body(sent));
    if (!taken || !trusted) doubtful.push(...sent);
    if (!taken) break;
    for (const entry2 of sent) {
      entry2.told_ = true;
      entry2.done_?.();
    }
  }
  putBack(doubtful);
  save();
  if (queue.length) later(BATCH_MS);
};
var online = () => {
  adopt();
  flush();
};

// src/core/hooks.ts
var hooks = { view: [], leave: [], event: [] };
var guarded = (run2) => {
  try {
    return run2();
  } catch (error) {
    console.warn("Footfall:", error);
    return void 0;
  }
};
var on = (hook, run2) => {
  hooks[hook]?.push(run2);
};
var call = (hook, arg) => hooks[hook].map((run2) => guarded(() => run2(arg)));

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
  if (!mayKnow()) return {};
  if (option("identity") === "first-party") {
    const old = load(KEY2);
    const now = continued(old, at, user);
    const noted = old && now.s === old.s && now.u === old.u && Math.abs(now.t - old.t) < NOTED_MS;
    if (noted || set(KEY2, JSON.stringify(now))) return { client_id: now.c, session_id: now.s, user_id: now.u };
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
      if (made.size_ < EVENT_BYTES) {
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
  for (const held2 of queue) Object.assign(held2, entry(stamp(held2.event_), held2.done_));
};

// src/core/modules.ts
var use = (module, command) => {
  module({
    send,
    option,
    on(hook, run2) {
      on(hook, run2);
      if (hook === "view" && shown) guarded(() => run2(url()));
    },
    visitor,
    read: (key2) => mayKnow() ? get(PREFIX + key2) : null,
    write: (key2, value) => mayKnow() && set(PREFIX + key2, value),
    command
  });
};
var loadModules = (script) => Promise.allSettled(
  (script && option("modules")?.match(/[^\s,]+/g) || []).map(
    (name) => new Promise((done) => {
      const tag = document.createElement("script");
      tag.src = script.src.replace(/\.js(?=$|\?)/, `.${name}.js`);
      tag.nonce = script.nonce;
      tag.onload = done;
      tag.onerror = () => done(console.warn(`Footfall: no module ${name}`));
      document.head.append(tag);
    })
  )
);

// src/core/engagement.ts
var engaged = 0;
var since = 0;
var touched = 0;
var deepest = 0;
var told = 0;
var watched = () => !document.hidden && document.hasFocus();
var tick = () => {
  const now = performance.now();
  if (since) engaged += Math.max(0, Math.min(now, touched + IDLE_MS) - since);
  since = watched() ? now : 0;
};
var touch = () => {
  tick();
  touched = performance.now();
};
var look = () => {
  deepest = Math.max(deepest, scrollY + innerHeight);
};
var restart = () => {
  engaged = since = deepest = told = 0;
  touch();
};
var percent = () => Math.min(100, Math.round(100 * deepest / document.documentElement.scrollHeight));
var report = () => {
  tick();
  look();
  const ms = Math.round(engaged);
  const depth = Math.max(told, percent());
  if (ms < 1 && depth === told) return void 0;
  engaged = 0;
  told = depth;
  const idle = Math.max(0, performance.now() - touched - IDLE_MS);
  return { engagement_ms: ms, scroll_depth: depth, timestamp: Math.round(Date.now() - idle) };
};
var watch = () => {
  addEventListener("blur", tick);
  addEventListener("scroll", look);
  for (const type of "focus scroll pointermove pointerdown keydown touchmove wheel".split(" ")) {
    addEventListener(type, touch, true);
  }
};

// src/core/pages.ts
var away = false;
var open2 = (referrer) => {
  const now = show();
  away = false;
  restart();
  follow(emit({ name: "page_view", referrer, title: title() }));
  call("view", now);
};
var close = () => {
  call("leave");
  const engagement = report();
  if (engagement) emit({ name: "engagement", ...engagement });
};
var pageview = () => {
  const left = url();
  close();
  open2(left);
};
var route = () => {
  if (address() !== url()) pageview();
};
var hide = () => {
  if (!away) {
    away = true;
    close();
  }
  sendNow();
};
var back = () => {
  away = false;
  touch();
};
var follow2 = () => {
  for (const method of ["pushState", "replaceState"]) {
    const original = history[method];
    guarded(() => {
      history[method] = function(...args) {
        original.apply(this, args);
        route();
      };
    });
  }
  for (const type of ["popstate", "hashchange"]) addEventListener(type, route);
  addEventListener("pageshow", (event) => {
    if (event.persisted) open2(document.referrer);
    else back();
  });
  addEventListener("pagehide", hide);
  document.addEventListener("visibilitychange", () => document.hidden ? hide() : back());
  watch();
  open2(document.referrer);
};

// src/core/commands.ts
var commands = {
  __proto__: null,
  event: (name, more = {}) => send(name, more.props, more),
  identify(id, traits) {
    if (!`${id ?? ""}`) return;
    identify(String(id));
    if (mayKnow() || held()) send("identify", traits, { interactive: false });
  },
  reset,
  pageview,
  flush,
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
  use: (module) => use(module, define)
};
var unknown = [];
var settled = false;
var run = (name, ...args) => {
  const command = commands[name];
  if (command) guarded(() => command(...args));
  else {
    unknown.push([name, ...args]);
    if (settled) settle2();
  }
};
var define = (name, command) => {
  commands[name] = command;
  unknown.splice(0).forEach((command2) => run(...command2));
};
var settle2 = () => {
  settled = true;
  for (const [name] of unknown.splice(0)) console.warn(`Footfall: no command ${name}`);
};

// src/core/start.ts
var LOCAL = /^(localhost|127\.[\d.]+|\[::1\]|0\.0\.0\.0|)$|\.(localhost|local|test)$/;
var DECIDING = /^[cou]/;
var start = (options2, script) => {
  const before = window.footfall;
  if (before?.loaded) return before;
  configure(options2);
  const waiting = [].concat(before?.q || []);
  let say = (command) => waiting.push(command);
  const push2 = (command) => guarded(() => say(command));
  const footfall = (...command) => void push2(command);
  window.footfall = Object.assign(footfall, { loaded: true, q: { push: push2 } });
  const live = () => {
    const local2 = !flag("local") && LOCAL.test(location.hostname);
    if (local2) console.warn("Footfall: local, not sent (data-local)");
    begin(local2);
    online();
    addEventListener("online", online);
    const open3 = () => {
      say = (command) => run(...command);
      follow2();
      waiting.forEach(push2);
    };
    say = (command) => DECIDING.test(command[0]) ? run(...command) : waiting.push(command);
    waiting.splice(0).forEach(push2);
    const loaded = loadModules(script);
    if (flag("sample")) loaded.then(open3);
    else open3();
    loaded.then(settle2);
  };
  if (document.prerendering && !flag("prerender")) {
    document.addEventListener("prerenderingchange", live, { once: true });
  } else live();
  return window.footfall;
};

// src/index.ts
var COMMANDS = ["event", "identify", "reset", "pageview", "flush", "consent", "optOut", "optIn", "use"];
var init = (options2) => {
  const { modules = [], ...rest } = options2;
  const command = typeof document === "undefined" ? () => {
  } : (ahead(modules), start(asData(rest)));
  const tracker = { command };
  for (const name of COMMANDS) tracker[name] = (...args) => command(name, ...args);
  return tracker;
};
var ahead = (modules) => {
  const uses = modules.map((module) => ["use", module]);
  const before = window.footfall;
  if (before?.loaded) uses.forEach((use2) => before(...use2));
  else window.footfall = Object.assign(() => {
  }, { q: [...uses, ...before?.q || []] });
};
var asData = ({ ...options2 }) => {
  if (!options2.key && !options2.site) options2.site = location.hostname;
  const told2 = Object.entries(options2).filter(([, value]) => value !== void 0 && value !== null && value !== false);
  return Object.fromEntries(told2.map(([name, value]) => [name, value === true ? "" : String(value)]));
};
export {
  init
};
