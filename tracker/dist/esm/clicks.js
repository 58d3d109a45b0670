// src/modules/lib/burst.ts
var MS = 1e3;
var PX = 30;
var burst = () => {
  let count = 0;
  let [t, px, py] = [-MS * 2, 0, 0];
  return (time, x, y) => {
    count = time - t <= MS && Math.hypot(x - px, y - py) <= PX ? count + 1 : 1;
    [t, px, py] = [time, x, y];
    return count === 3;
  };
};

// src/modules/lib/classify.ts
var classifier = (rules, parts2) => {
  const compiled = rules.map(([kind, confidence, ...tests]) => ({
    answer: { kind, confidence, rule: `${tests.filter((_, i) => i % 2 === 0).join("+")}:${kind}` },
    tests: tests.map((test, i) => {
      const source = test.replace(/\$([a-z]+)/g, (_, name) => parts2[name]);
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
var up = (element, selector2) => element ? element.closest(selector2) || up(element.getRootNode().host, selector2) : null;
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
var parts = {
  cart: "add to (?:shopping )?(?:cart|bag|basket|trolley)|in den (?:warenkorb|einkaufswagen)(?: legen)?|zum (?:warenkorb|einkaufswagen) hinzufugen|ajouter (?:au )?panier|(?:anadir|agregar) (?:al carrito|cesta|bolsa)",
  download: "export (?:csv|pdf|excel)|download(?: (?:now|pdf|app|file|brochure|csv|guide|white ?paper))?|(?:\\w+ )?herunterladen|telecharger(?: (?:pdf|fichier))?|descargar(?: (?:pdf|archivo))?",
  with: " (?:with|mit|avec|con) (?:google|apple|facebook|git ?hub|microsoft|linked ?in|e ?mail)",
  start: "(?:^|\\|)(?:\\w+ ){0,2}",
  end: "(?: (?:button|btn|link|submit|cta|action))*(?:$|\\|)",
  stop: "(?:\\.\\w+)?(?:[?#]|$)"
};
var clicks = [
  ["share", "high", "href", "^mailto:(?:$|\\?)|^//[^/]*(?:facebook\\.com/(?:sharer|dialog/share)|(?:twitter|x)\\.com/(?:intent|share)|linkedin\\.com/shar|(?:wa\\.me|whatsapp\\.com/send)\\?|t\\.me/share|/pin/create|/submit\\?)"],
  ["contact", "high", "href", "^(?:mailto|tel|sms):|^//wa\\.me/\\d"],
  ["download", "high", "href", "^download:|\\.(?:pdf|zip|t?gz|rar|7z|dmg|exe|msi|pkg|apk|deb|rpm|iso|csv|xlsx?|docx?|pptx?|od[tsp]|epub|ics|mp[34])(?:[?#]|$)"],
  ["add_to_cart", "high", "href", "[?&]add-to-cart(?:&|$)|/cart/add$"],
  ["other", "medium", "tag", "button", "any", "\\btab\\b"],
  ["add_to_cart", "high", "says", "$cart"],
  ["purchase", "high", "says", "(?:place|submit|complete|confirm) (?:order|purchase)|pay (?:now|securely|with (?:card|paypal))|confirm and pay|\\w+pflichtig bestellen|kaufen und bezahlen|payer maintenant|valider et payer|confirmer commande|.*obligation de paiement|pagar ahora|(?:realizar|confirmar) pedido"],
  ["purchase", "high", "marks", "$start(?:place order|pay now)$end"],
  ["checkout", "high", "says", "(?:(?:proceed|continue|go) )?(?:to )?check ?out(?: now)?|buy(?: it)? now|(?:weiter )?zur kasse(?: gehen)?|acheter maintenant|passer commande|comprar ahora|(?:proceder|passer) au paiement|ir caja|finalizar compra|tramitar pedido"],
  ["subscribe", "high", "says", "subscribe(?: now)?(?: (?:to|for) newsletter)?|(?:newsletter )?abonnieren|newsletter (?:anmelden|bestellen)|s abonner(?: newsletter)?|suscrib(?:irse|ete)(?: (?:al )?(?:newsletter|boletin))?|(?:sign ?up (?:to|for)|join|get) (?:newsletter|mailing list)|je m (?:inscris|abonne) newsletter"],
  ["sign_up", "high", "says", "sign ?up(?: (?:now|today|free))?|(?:sign ?up|register)$with|(?:create|open) (?:new |free )?account|start (?:free )?trial|register now|(?:neu )?registrieren|(?:neues )?konto (?:erstellen|anlegen)|s inscrire|creer compte|registra(?:te|rse)|crear cuenta"],
  ["log_in", "high", "says", "(?:(?:log|sign) ?in|continue|anmelden|weiter|se connecter)$with|(?:log|sign) ?in|einloggen|se connecter|iniciar sesion"],
  ["contact", "high", "says", "contact(?: us| sales| support|ez nous|anos|a con nosotros)|get in touch|kontakt aufnehmen|schreiben sie uns|(?:talk|write|chat) (?:to|with) us|(?:nous )?contacter|send (?:us )?message|nachricht (?:senden|schicken)|(?:envoyer|enviar) (?:message|mensaje)"],
  ["search", "high", "says", "(?:advanced )?search|suchen?|rechercher?|buscar"],
  ["download", "high", "tag", "button|input", "says", "$download"],
  ["download", "medium", "says", "$download"],
  ["share", "high", "says", "copy link|link kopieren|share(?: (?:page|article|post))?(?: (?:on|via|with|by) (?:facebook|x|twitter|linked ?in|whats ?app|pinterest|e ?mail))?|tweet|(?:auf \\w+ )?teilen|partager(?: sur \\w+)?|compartir(?: en \\w+)?"],
  ["add_to_cart", "high", "marks", "$start(?:add to (?:cart|bag|basket))$end"],
  ["add_to_cart", "medium", "tag", "button|input", "says", "(?:\\w+ )?(?:$cart)(?: (?:and|und|et|y) .*)?"],
  ["other", "medium", "href", "/(?:blog|help|faqs?|docs?|guides?|news|articles?|tips|jobs|conference|events?)(?:/|\\?|$)"],
  ["checkout", "medium", "marks", "$start(?:checkout)$end"],
  ["sign_up", "medium", "marks", "$start(?:sign ?up|register)$end"],
  ["log_in", "medium", "marks", "$start(?:log|sign) ?in$end"],
  ["checkout", "medium", "href", "/(?:checkouts?|kasse|finalizar-compra|caisse|commande)(?:[/?]|$)"],
  ["sign_up", "medium", "href", "/(?:sign[-_]?up|regist(?:er|ration)|registrier(?:en|ung)|inscription|registro|create-account|join)$stop"],
  ["log_in", "medium", "href", "/(?:(?:log|sign)[-_]?in|anmelden|connexion|iniciar-sesion)$stop"],
  ["contact", "medium", "href", "/(?:contact(?:[-_]us)?|kontakt(?:formular)?|contacto|nous-contacter)$stop"],
  ["subscribe", "medium", "href", "/(?:newsletter|subscribe)$stop"],
  ["checkout", "medium", "says", "commander|acheter|comprar|kaufen|buy|order|bestellen|guest checkout"],
  ["purchase", "medium", "says", "pay|payer|pagar|bezahlen"],
  ["sign_up", "medium", "says", "register|become member|unete|get started(?: now| free)?|join(?: us)?(?: (?:now|today|free))?|inscription|registro|(?:start|try)(?: it)? free|.* (?:registrieren|create account|sign up)"],
  ["log_in", "medium", "says", "anmelden|connexion|acceder|entrar|ingresar|account|(?:mein )?konto|compte|cuenta|identifiez vous|hello sign in"],
  ["other", "low", "classes", "\\b(?:close|remove|delete|clear|dismiss|toggle|cancel)\\b"],
  ["add_to_cart", "low", "classes", "\\badd ?to ?(?:cart|bag|basket)\\b"],
  ["subscribe", "low", "classes", "\\b(?:newsletter|subscribe)\\b.*\\b(?:submit|button|btn)\\b"],
  ["search", "low", "classes", "\\bsearch (?:form )?(?:submit|button|btn)\\b"]
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

// src/modules/lib/reactions.ts
var MS2 = 1e3;
var SIGNS = "submit invalid input change focusin scroll visibilitychange blur copy toggle play pause fullscreenchange";
var reactions = (roots, dead) => {
  const address = () => location.href.replace(/#$/, "");
  const before = address();
  const signs = SIGNS.split(" ");
  const end = () => {
    clearTimeout(timer);
    changes.disconnect();
    for (const sign of signs) removeEventListener(sign, end, true);
  };
  const changes = new MutationObserver(end);
  const timer = setTimeout(() => {
    end();
    if (address() === before && getSelection()?.type !== "Range") dead();
  }, MS2);
  for (const sign of signs) addEventListener(sign, end, true);
  for (const node of [document, ...roots])
    changes.observe(node, { subtree: true, childList: true, attributes: true, characterData: true });
};

// src/modules/lib/selector.ts
var MOST = 128;
var written = (name) => /^[a-z][\w-]{1,40}$/i.test(name) && !/^(?:css|sc|jsx|svelte|emotion|ember|radix|mui|ng|react)[-_\d]|\d[a-z]|\d{3}/i.test(name) && !/^(?=.{5,7}$)[a-z]+[A-Z][a-z]*[A-Z]/.test(name);
var step = (element) => {
  if (element.id && written(element.id)) return `#${element.id}`;
  const test = element.getAttribute("data-testid");
  if (test && test.length <= 64) return `[data-testid=${JSON.stringify(line(test, 64))}]`;
  const tag = element.localName;
  const same = Array.from(element.parentNode?.children || []).filter((other) => other.localName === tag);
  const place = same.length > 1 ? `:nth-of-type(${same.indexOf(element) + 1})` : "";
  return [tag, ...Array.from(element.classList).filter(written).slice(0, 2)].join(".") + place;
};
var selector = (element) => {
  let path = "";
  for (let at = element; at && at !== document.body; at = at.parentElement || (at.getRootNode().host ?? null)) {
    const longer = step(at) + (path && ` > ${path}`);
    if (path && longer.length > MOST) break;
    path = longer;
    if (/^[#[]/.test(path)) break;
  }
  return bounded(path, MOST);
};

// src/modules/clicks.ts
var MOST2 = { click: 100, rage: 5, dead: 5 };
var BUTTONS = `${LINKS},button,summary,[role=button],[role=link],[role=menuitem],[role=tab],[onclick]`;
var SUBMITS = "input[type=submit],input[type=button],input[type=image]";
var BUSY = `${FIELDS},option,label,video,audio,canvas,iframe,embed,object,[disabled],[aria-disabled=true]`;
var STEPS = /^(?:[^\p{L}]{0,2}|next|prev(?:ious)?|more|less|weiter|zurück|suivant|précédent|siguiente|anterior)$/iu;
var component = (button) => {
  const root = button.getRootNode();
  return root instanceof ShadowRoot && root.querySelectorAll(BUTTONS).length === 1 ? root.host : button;
};
var clicks2 = (api) => {
  const known = api.option("clicks") === "known";
  const classify = classifier(clicks, parts);
  const quiet = { interactive: false };
  let left = { ...MOST2 };
  let waiting = 0;
  const enraged = burst();
  api.on("view", () => {
    left = { ...MOST2 };
  });
  let entered = null;
  listen("keydown", (event) => entered = event.key === "Enter" ? target(event) : null);
  for (const type of ["keyup", "pointerdown"]) listen(type, () => entered = null);
  listen("click", (event) => {
    const from = target(event);
    if (!event.isTrusted || !from || ignored(from)) return;
    if (!event.detail && entered && entered !== from && entered.matches(FIELDS)) return;
    const element = up(from, `[data-footfall-event]:not(form),${BUTTONS},${SUBMITS}`);
    const near = element || from;
    const outer = component(near);
    const told = { selector: selector(near), text: element ? label(near) || label(outer) : void 0 };
    if (element && left.click-- > 0 && ![element, outer].some((one) => explicit(one, api.send, told))) {
      const { value, alt } = element;
      const read = element.matches(SUBMITS) ? value || alt : label(element, 200) || label(outer, 200);
      const get = (name) => element.getAttribute(name) ?? outer.getAttribute(name);
      const href = reference(element) && parsed(reference(element), document.baseURI)?.href;
      const tag = get("role") === "button" ? "button" : element.localName;
      const way = (get("download") === null ? "" : "download:") + (href || "");
      const answer = classify(facts(tag, get, read, way, location.origin));
      if (!known || answer.kind !== "other") api.send("click", { ...answer, ...told });
    }
    if (!event.detail || up(from, BUSY)) return;
    const enough = enraged(event.timeStamp, event.clientX, event.clientY);
    if (enough && !STEPS.test(label(near)) && getSelection()?.type !== "Range" && left.rage-- > 0)
      api.send("rage_click", told, quiet);
    const modified = event.ctrlKey || event.metaKey || event.shiftKey;
    if (event.timeStamp < waiting || modified || !element && getComputedStyle(near).cursor !== "pointer") return;
    waiting = event.timeStamp + 1e3;
    reactions(event.composedPath().filter((one) => one instanceof ShadowRoot), () => {
      const leads = /^(?!#|javascript:)./i.test(reference(near));
      if ((!leads || event.defaultPrevented) && left.dead-- > 0) api.send("dead_click", told, quiet);
    });
  });
};
export {
  clicks2 as clicks
};
