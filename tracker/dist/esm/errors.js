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

// src/modules/errors.ts
var MOST = 10;
var APART_MS = 1e3;
var FOREIGN = /-extension:/;
var cleaned = (text, most) => line(text.replace(/[?#][^\s:)"']+/g, ""), most);
var source = (address) => {
  const url = parsed(address);
  return url && /^http/.test(url.protocol) ? place(url) : "";
};
var described = (thrown, message, file = "") => {
  const stack = String(thrown?.stack || "");
  const first = stack.split("\n").find((frame) => /:\d+:\d/.test(frame)) || "";
  if (FOREIGN.test(file + first)) return void 0;
  const said = thrown?.message === void 0 ? message : `${thrown.name}: ${thrown.message}`;
  return { message: cleaned(said, 256), stack: cleaned(stack.replace(/\n\s*/g, " | "), 1e3) || void 0 };
};
var errors = (api) => {
  const seen = repeats(
    MOST,
    APART_MS,
    (props, count) => api.send("js_error", { ...props, count }, { interactive: false })
  );
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
      const { target, message, error, filename, lineno, colno } = event;
      if (target instanceof Element) {
        const { src, href } = target;
        const failed = source(src || href);
        if (failed) take("resource", () => ({ message: target.localName, source: failed }));
      } else if (/^Script error/.test(message)) take("error", () => ({ message }));
      else
        take("error", () => {
          const props = described(error, message, filename);
          return props && { ...props, source: source(filename) || void 0, line: lineno, column: colno };
        });
    },
    true
  );
  addEventListener("unhandledrejection", ({ reason }) => take("rejection", () => described(reason, String(reason))));
  api.on("leave", seen.rest);
  api.on("view", seen.clear);
};
export {
  cleaned,
  described,
  errors
};
