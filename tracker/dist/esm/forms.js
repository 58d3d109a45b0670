// src/modules/lib/classify.ts
var classifier = (rules, parts) => {
  const compiled = rules.map(([kind, confidence, ...tests]) => ({
    answer: { kind, confidence, rule: `${tests.filter((_, i) => i % 2 === 0).join("+")}:${kind}` },
    tests: tests.map((test, i) => {
      const source = test.replace(/\$([a-z]+)/g, (_, name) => parts[name]);
      return new RegExp(tests[i - 1] === "says" ? `^(?:${source})$` : source);
    }),
    names: tests.map((name) => name === "says" ? "text" : name)
  }));
  const none = { kind: "other", confidence: "low", rule: "none" };
  return (facts2) => compiled.find(({ tests, names }) => tests.every((fits, i) => i % 2 === 0 || fits.test(facts2[names[i - 1]])))?.answer || none;
};

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
var FIELDS = "input,textarea,select,[contenteditable]";
var inside = (root, selector) => Array.from(root.querySelectorAll("*")).flatMap((one) => [
  ...one.matches(selector) ? [one] : [],
  ...one.shadowRoot ? inside(one.shadowRoot, selector) : []
]);
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
var explicit = (element, send, more) => {
  const name = element.getAttribute("data-footfall-event");
  const props = {};
  for (const { name: name2, value } of Array.from(element.attributes).slice(0, 40)) {
    const prop = /^data-footfall-prop-(.{1,64})$/.exec(name2);
    if (prop) props[prop[1].replace(/-/g, "_")] = bounded(value, 1024);
  }
  if (name) send(bounded(name, 128), { ...props, ...more, confidence: "high", rule: "attribute" });
  return !!name;
};

// src/modules/rules.json
var fillers = "\\b(?:my|your|our|the|this|an?|for(?= free)|kostenlos|gratis|jetzt|mon|ma|le|la|el|una?|mi|tu|ein|items?|secure) ";
var forms = [
  ["other", "high", "any", "unsubscribe|abmelden|\\b(?:forgot|reset|recover|vergessen|oublie|olvid)|\\b(?:comment|commentform|review|reply|kommentar|bewertung|commentaire|avis|comentario)s?\\b"],
  ["other", "high", "fields", "^(?:new |password )+new$|^new password$|password password password"],
  ["other", "medium", "fields", "card|password|message|address", "text", "^(?:save(?! and)|add|update|change|delete|apply|publish|speichern|andern|bewerben|enregistrer|modifier|postuler|guardar|cambiar)\\b"],
  ["purchase", "high", "text", "^(?:pay|payer|pagar|bezahlen|donate|spenden|(?:confirm|valider) (?:and|et) pay|(?:place|submit|complete|confirm|confirmer|realizar|confirmar) (?:order|purchase|commande|pedido))|pflichtig bestellen|obligation de paiement"],
  ["search", "high", "fields", "^(?:choice )*search$"],
  ["search", "high", "says", "search|suchen?|rechercher?|buscar"],
  ["sign_up", "high", "fields", "(?:email|text).*(?:new|password password)|new.*text|password password.*text"],
  ["sign_up", "high", "fields", "new|password", "any", "\\bsign ?up|\\bregist|inscri|create account|\\bjoin\\b|get started|konto (?:erst|anl)|creer compte|crear cuenta"],
  ["purchase", "medium", "fields", "card"],
  ["log_in", "high", "fields", "(?:email|text).*password|password.*text", "any", "\\b(?:log|sign) ?in\\b|login|session|anmelden|einloggen|conne[xc]|sesion|acceder"],
  ["log_in", "medium", "fields", "^(?:choice )*(?:email password|password text)"],
  ["add_to_cart", "high", "any", "\\badd to (?:cart|bag|basket|trolley)\\b|in den (?:warenk|einkaufsw)|ajouter (?:au )?panier|(?:anadir|agregar) (?:al carrito|cesta)|cart add"],
  ["checkout", "high", "fields", "address", "any", "\\b(?:checkout|kasse|commande|compra|shipping|versand|livraison|envio)\\b"],
  ["subscribe", "high", "fields", "^(?:choice )*email(?: text)*$", "any", "newsletter|subscri|abonn|suscri|boletin|mailing list"],
  ["contact", "high", "fields", "message", "any", "\\bconta[ck]t|wpcf|(?:send|envoyer|enviar) (?:us )?(?:message|mensaje)|nachricht senden"],
  ["contact", "medium", "fields", "email message|message tel"],
  ["subscribe", "low", "fields", "^(?:choice )*email$"]
];

// src/modules/lib/facts.ts
var FILLERS = new RegExp(fillers, "g");
var MARKS = "id name role data-action data-testid data-test data-qa data-event data-track data-cta".split(" ");
var words = (text) => (text || "").slice(0, 300).replace(/([a-z])(?=[A-Z])/g, "$1 ").toLowerCase().replace(/ß/g, "ss").normalize("NFD").replace(/\p{M}/gu, "").replace(/[^\p{L}]+/gu, " ").trim();
var facts = (tag, get, read, address, origin) => {
  const marks = MARKS.map((name) => words(get(name))).join("|");
  const classes = words(get("class"));
  const text = `${words(read)} `.replace(FILLERS, "").trim();
  const href = address.replace(origin, "").replace(/^https?:|=[^&#]*|\/(?=$|[?#])/g, "").toLowerCase();
  return { tag, text, marks, classes, href, fields: "", any: [marks, classes, words(href), text].join("|") };
};
var fieldsOf = (fields) => fields.map(({ localName, type, name, autocomplete }) => {
  const is = (what) => what.test(autocomplete) || what.test(name);
  if (is(/\bcc-|card.?num|\bcv[cv]/i)) return "card";
  if (type === "password") return is(/^new-/) ? "new" : type;
  if (type === "email" || is(/^(?:e?-?mail|courriel|correo)/i)) return "email";
  if (type === "search" || is(/^(?:q|s|query|search)$/i)) return "search";
  if (localName === "textarea") return "message";
  if (is(/address|postal|street|strasse|\bzip|^plz$/i)) return "address";
  return /^(?:number|tel|file)$/.test(type) ? type : /^(?:select|check|radio)/.test(type) ? "choice" : "text";
}).sort().join(" ");

// src/modules/lib/fields.ts
var SECRET = /^(?:password|hidden|submit|button|image|reset) |\bcc-|pass|pwd|\botp|one-time|card|\bcv[cv]|kennwort|\bpin\b|iban|\bssn\b|secret|token|captcha/i;
var secret = (type, use, name) => SECRET.test(`${type} ${use} ${name}`);
var fieldName = (field) => {
  const { type, name, id, autocomplete } = field;
  const silent = !field.matches("input,select,textarea") || ignored(field);
  return silent || secret(type, autocomplete, `${name} ${id}`) ? "" : line(name || id || type, 48);
};
var stays = () => {
  const times = /* @__PURE__ */ new Map();
  let at = "";
  let since = 0;
  return {
    times,
    go(name, now) {
      if (at) times.set(at, Math.round(times.get(at) + now - since));
      since = now;
      at = times.has(name) || times.size < 30 ? name : "";
      if (at) times.set(at, times.get(at) || 0);
    }
  };
};

// src/modules/forms.ts
var MOST = 10;
var TRIED_MS = 100;
var ANSWER_MS = 1e3;
var NAMED = "input,select,textarea";
var MARKED = "[aria-invalid=true],[data-invalid],[data-user-invalid],.is-invalid";
var begin = () => ({
  ...stays(),
  ...{},
  started: 0,
  tried: -TRIED_MS,
  errors: 0,
  done: false,
  // sent or abandoned
  faults: /* @__PURE__ */ new Map()
  // of the try that runs
});
var fieldsIn = (form) => Array.from(/* @__PURE__ */ new Set([...Array.from(form.elements), ...inside(form, NAMED)])).filter(
  (one) => one.matches(NAMED)
);
var blame = ({ faults }, field) => {
  let error = "";
  for (const name in field.validity) if (field.validity[name] === true) error = name;
  faults.set(fieldName(field), error);
};
var forms2 = (api) => {
  const classify = classifier(forms, {});
  const works = /* @__PURE__ */ new Map();
  api.on("view", () => {
    works.clear();
    setTimeout(search, 1e3);
  });
  const described = (form) => {
    const get = (name) => form.getAttribute(name);
    const button = form.querySelector("button:not([type=button]):not([type=reset]),[type=submit],[type=image]");
    const text = button ? button.value || label(button, 200) : "";
    const action = get("action") || "";
    const fields = fieldsIn(form).filter((one) => !/^(?:hidden|submit|button|image|reset)$/.test(one.type));
    const seen = facts("form", get, text, action, location.origin);
    const nth = `form ${Array.from(form.getRootNode().querySelectorAll("form")).indexOf(form) + 1}`;
    return {
      form: line(get("id") || get("name") || action.split(/[?#]/)[0] || nth, 128),
      ...classify({ ...seen, fields: fieldsOf(fields) })
    };
  };
  const told = (form, work) => {
    const now = performance.now();
    work.go("", now);
    const names = Array.from(work.times.keys());
    const fields = bounded(names.join(), 1024);
    const props = { fields, ms: Math.round(now - (work.started || now)), last_field: names.pop() };
    work.times.forEach((ms, name) => props[`ms_${name}`] = ms);
    return { ...props, ...described(form) };
  };
  const fault = (form, { faults, errors }) => {
    const fields = bounded(Array.from(faults.keys()).join(), 1024);
    if (faults.size && errors <= MOST)
      api.send("form_error", { ...described(form), fields, errors: Array.from(new Set(faults.values())).join() });
    faults.clear();
  };
  const on = (type, run) => (/^(?:submit|invalid)$/.test(type) ? listenInside : listen)(type, (event) => {
    const element = target(event);
    const form = [element?.form, up(element, "form")].find((one) => one instanceof HTMLFormElement);
    if (!form || ignored(form)) return;
    const work = works.get(form) || begin();
    works.set(form, work);
    run(form, work, element, event);
  });
  on("focusin", (_, work, element) => work.go(fieldName(element), performance.now()));
  on("focusout", (_, work) => work.go("", performance.now()));
  on("input", (form, work, _, event) => {
    if (!event.isTrusted || work.started) return;
    work.started = performance.now();
    api.send("form_start", described(form));
  });
  for (const type of ["click", "keydown"])
    on(type, (_, work, __, event) => {
      if (event.isTrusted) work.tried = performance.now();
    });
  on("invalid", (form, work, element) => {
    if (performance.now() - work.tried > TRIED_MS) return;
    if (!work.faults.size && work.errors++ < MOST) setTimeout(fault, 0, form, work);
    blame(work, element);
  });
  const marked = (form, { faults }) => {
    for (const field of inside(form, MARKED).slice(0, 30)) faults.set(fieldName(field), "aria-invalid");
  };
  on("submit", (form, work, _, event) => {
    const props = told(form, work);
    const wrong = form.noValidate ? fieldsIn(form).filter(({ willValidate, validity }) => willValidate && !validity.valid) : [];
    const send = () => {
      if (work.send !== send) return;
      work.send = void 0;
      work.done = true;
      api.send("form_submit", props);
      explicit(form, api.send, { form: props.form });
      setTimeout(() => {
        marked(form, work);
        work.errors++;
        if (form.isConnected) fault(form, work);
      }, ANSWER_MS);
    };
    const refuse = () => {
      work.send = void 0;
      work.errors++;
      fault(form, work);
    };
    work.send = send;
    setTimeout(() => {
      if (!event.defaultPrevented) return send();
      wrong.forEach((field) => blame(work, field));
      if (work.faults.size) return refuse();
      setTimeout(() => {
        if (work.send !== send) return;
        marked(form, work);
        if (work.faults.size && form.isConnected) refuse();
        else send();
      }, TRIED_MS);
    });
  });
  api.on(
    "leave",
    () => works.forEach((work, form) => {
      work.send?.();
      if (!work.started || work.done) return;
      work.done = true;
      api.send("form_abandon", told(form, work), { interactive: false });
    })
  );
};
export {
  forms2 as forms
};
