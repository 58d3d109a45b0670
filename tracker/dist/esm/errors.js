// src/modules/lib/repeats.ts
var repeats = (most, apart, tell) => {
  const seen = /* @__PURE__ */ new Map();
  let last = -Infinity;
  return {
    add(key, what, now) {
      const known = seen.get(key);
      if (known) known.count++;
      else if (seen.size < most) {
        const due = now - last >= apart;
        seen.set(key, { what, count: due ? 0 : 1 });
        if (!due) return;
        last = now;
        tell(what, 1);
      }
    },
    rest() {
      seen.forEach((one) => {
        if (one.count) tell(one.what, one.count);
        one.count = 0;
      });
    },
    clear: () => seen.clear()
  };
};

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
var FIELDS = "input,textarea,select,[contenteditable]";

// src/modules/lib/values.ts
var MASK = "[field]";
var LEAST = 3;
var MOST = 50;
var LONG = 1e3;
var WORDS = /[\p{L}\p{N}]{5,}/gu;
var QUOTED = /"[^]*"(?=\S* is not valid JSON)|(JSON Parse error).*/g;
var held = (field) => {
  const { value, type } = field;
  return /^(?:submit|button|image|reset|checkbox|radio)$/.test(type) ? "" : `${value ?? field.textContent}`.trim();
};
var lower = (text) => text.toLowerCase();
var pattern = (value) => {
  const source2 = value.slice(0, LONG).replace(/[^\p{L}\p{N}\s]/gu, "\\$&").replace(/\s+/g, "\\s+");
  return new RegExp(value.length > LONG ? `${source2}[^]*` : source2, "gi");
};
var withoutValues = () => {
  const typed = /* @__PURE__ */ new Map();
  listen("input", (event) => {
    const field = target(event);
    if (!field) return;
    typed.delete(field);
    typed.set(field, held(field));
    if (typed.size > MOST) typed.delete(typed.keys().next().value);
  });
  return (text) => {
    const fields = Array.from(document.querySelectorAll(FIELDS)).slice(0, MOST);
    const values = [...fields.map(held), ...typed.values()].filter((value) => value.length >= LEAST);
    const words = new Set(values.flatMap((value) => lower(value).match(WORDS) || []));
    return values.sort((a, b) => b.length - a.length).reduce((rest, value) => rest.replace(pattern(value), MASK), text.slice(0, 1e4)).replace(WORDS, (word) => words.has(lower(word)) ? MASK : word).replace(QUOTED, `$1${MASK}`);
  };
};

// src/modules/errors.ts
var MOST2 = 10;
var APART_MS = 1e3;
var FOREIGN = /-extension:/;
var cleaned = (text, most) => line(text.replace(/[?#][^\s:)"']+/g, ""), most);
var source = (address) => {
  const url = parsed(address);
  return url && /^http/.test(url.protocol) ? place(url) : "";
};
var described = (thrown, message, file, clean) => {
  const stack = String(thrown?.stack || "");
  const first = stack.split("\n").find((frame) => /:\d+:\d/.test(frame)) || "";
  if (FOREIGN.test(file + first)) return void 0;
  const said = thrown?.message === void 0 ? message : `${thrown.name}: ${thrown.message}`;
  return {
    message: cleaned(clean(said), 256),
    stack: cleaned(clean(stack).replace(/\n\s*/g, " | "), 1e3) || void 0
  };
};
var errors = (api) => {
  const seen = repeats(
    MOST2,
    APART_MS,
    (props, count) => api.send("js_error", { ...props, count }, { interactive: false })
  );
  const clean = withoutValues();
  const take = (kind, describe) => {
    let props;
    try {
      props = describe();
    } catch {
    }
    if (props) seen.add([kind, props.message, props.source, props.line].join(), { kind, ...props }, performance.now());
  };
  addEventListener(
    "error",
    (event) => {
      const { target: target2, message, error, filename, lineno, colno } = event;
      if (target2 instanceof Element) {
        const { src, href } = target2;
        const failed = source(src || href);
        if (failed) take("resource", () => ({ message: target2.localName, source: clean(failed) }));
      } else if (/^Script error/.test(message)) take("error", () => ({ message }));
      else
        take("error", () => {
          const props = described(error, message, filename, clean);
          return props && { ...props, source: source(filename) || void 0, line: lineno, column: colno };
        });
    },
    true
  );
  addEventListener("unhandledrejection", ({ reason }) => take("rejection", () => described(reason, String(reason), "", clean)));
  api.on("leave", seen.rest);
  api.on("view", seen.clear);
};
export {
  cleaned,
  described,
  errors
};
