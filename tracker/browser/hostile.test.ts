import { deepEqual, equal, ok } from "node:assert/strict";
import { type Page, type Row, scene, SITE, STUB, until } from "./harness";

const FIRST_PARTY = "data-identity=first-party";
const head = (code: string): string => `<script>${code}</script>${STUB}`;
const names = (events: Row[]): string[] => events.map((event) => event.name).sort();
const keys = (page: Page): Promise<string[]> => page.evaluate(() => Object.keys(localStorage).sort());

scene("what others have written under the tracker's names in the storage harms nothing", async (stage) => {
  const left = { name: "left", url: stage.url("/x"), timestamp: Date.now(), event_id: crypto.randomUUID() };
  const values: Record<string, unknown> = {
    "q.1": 5, "q.2": { at: 0, events: "text" }, "q.3": { at: 0, events: [null] }, "q.4": [], "q.5": { at: 0, events: [left] },
    "q.6": { at: Date.now() + 9e9, events: [{ ...left, event_id: crypto.randomUUID() }] }, // by a clock that was wrong
    consent: true, id: 7, affiliate: [1], optout: "",
  };
  stage.serve("/blank", () => ({ body: "" }));
  const page = await stage.open(stage.url("/blank"));
  await page.evaluate((values) => {
    for (const name in values) localStorage.setItem(`footfall.${name}`, JSON.stringify(values[name]));
    localStorage.setItem("footfall.optout", "");
    localStorage.setItem("footfall.q.7", "{ torn");
  }, values);
  await page.goto(stage.page("/a", { attributes: FIRST_PARTY }));
  await stage.leave(page);
  deepEqual(names(await stage.accepted(4)), ["engagement", "left", "left", "page_view"]);
  await page.goto(stage.url("/blank"));
  await until(async () => !(await keys(page)).some((key) => /^footfall\.q\.\d$/.test(key)), "what is no copy is removed");
});

for (const [what, value] of [["a word", "granted"], ["another's object", '{"marketing":true,"region":["EU"]}'], ["a list", '["x"]'], ["a number", "1"]] as const) {
  scene(`consent that the site keeps under the tracker's name, ${what}, harms no event`, async (stage) => {
    const page = await stage.open(stage.page("/a", { head: head(`localStorage.setItem("footfall.consent", ${JSON.stringify(value)})`) }));
    await stage.leave(page);
    deepEqual(names(await stage.accepted(2)), ["engagement", "page_view"]);
    for (const { answered, status } of stage.posted()) deepEqual([status, answered?.["content-type"]], [202, "application/json"]);
    equal((await stage.events(2)).length, 2);
  });
}

scene("what is no state of consent, as banners give it along, is left out", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("footfall('consent', {analytics_storage: 'granted', ad_user_data: true, wait_for_update: 500, region: ['DE'], marketing: 'yes'})");
  await page.evaluate("footfall('event', 'after'); footfall('flush')");
  await stage.leave(page);
  const events = await stage.events(3);
  equal(events.find((event) => event.name === "after")?.consent, "ad_user_data=granted,analytics_storage=granted");
});

scene("a page whose scripts extend what every object and list has", async (stage) => {
  const code = `
    Array.prototype.toJSON = function () { return "[" + this.join() + "]"; };
    Array.prototype.each = function () {};
    Object.prototype.extra = function () {};
    history.pushState = history.pushState; Object.freeze(history);
    window.footfall = { q: "rubbish", loaded: 0 };`;
  stage.gate(() => ({ status: 503 }));
  const page = await stage.open(stage.page("/a", { head: `<script>${code}</script>` }));
  await page.evaluate("footfall('event', 'own', {props: {n: 1}}); footfall('consent', {ad_storage: true})");
  await page.evaluate("footfall('flush')");
  await until(() => stage.posted()[0]?.status, "refused");
  await stage.leave(page);
  stage.gate();
  const next = await stage.open(stage.page("/b", { head: `<script>${code}</script>` }));
  await stage.untilSent("page_view", 3);
  await stage.leave(next);
  const events = await stage.events(5);
  deepEqual(names(events), ["engagement", "engagement", "own", "page_view", "page_view"]);
  const own = events.find((event) => event.name === "own");
  deepEqual([own?.props, own?.props_number], [{}, { n: 1 }]);
});

for (const code of ["footfall = {q: {}}", "footfall = {q: [null, 5, 'text', {}]}", "footfall = 'text'", "footfall = null", "footfall = () => {}; footfall.q = 7"]) {
  scene(`something else that is called footfall: ${code}`, async (stage) => {
    const page = await stage.open(stage.page("/a", { head: `<script>window.${code}</script>` }));
    await page.evaluate("footfall('event', 'after')");
    await stage.leave(page);
    deepEqual(names(await stage.accepted(3)), ["after", "engagement", "page_view"]);
  });
}

scene("half a character, a title and an address beyond all bounds cost no event", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate(() => {
    const { footfall } = window as any;
    footfall("event", "half", { props: { text: "wave \ud83d", back: "C:\\ud83d", whole: "\ud83d\ude00" } });
    document.title = `${"long ".repeat(20_000)}\udc00`;
    history.pushState({}, "", `/b?utm_source=x&state=${"y".repeat(10_000)}`);
    footfall("event", "there");
    history.pushState({}, "", "/c");
  });
  await stage.leave(page);
  const events = await stage.events(8);
  deepEqual(names(events), ["engagement", "engagement", "engagement", "half", "page_view", "page_view", "page_view", "there"].filter((name, n) => name !== "engagement" || n < 3));
  deepEqual(events.find((event) => event.name === "half")?.props, { text: "wave ", back: "C:\\ud83d", whole: "\ud83d\ude00" });
  deepEqual(events.filter((event) => event.name === "page_view").map((event) => [event.path, event.utm_source]), [["/a", ""], ["/b", "x"], ["/c", ""]]);
});

scene("properties that cannot be read cost themselves alone, and the callback runs", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate(() => {
    const round: any = { n: 1 };
    round.self = round;
    const props = { n: 1, round, bare: Object.create(null), symbol: Symbol("s"), nan: NaN, get thrown() { throw new Error("theirs"); } };
    return new Promise<void>((callback) => (window as any).footfall("event", "odd", { props, callback }));
  });
  await stage.leave(page);
  const odd = (await stage.events(3)).find((event) => event.name === "odd");
  deepEqual([odd?.props, odd?.props_number], [{ round: "[object Object]" }, { n: 1 }]);
});

scene("nobody is called undefined", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("footfall('identify'); footfall('identify', null); footfall('identify', ''); footfall('event', 'one'); footfall('identify', 0); footfall('event', 'two')");
  await stage.leave(page);
  await stage.accepted(5);
  const ids = (name: string) => stage.told().filter((event) => event.name === name).map((event) => event.user_id);
  deepEqual([ids("identify"), ids("one"), ids("two")], [["0"], [undefined], ["0"]]);
});

scene("a clock that is set back by hours holds nothing up", async (stage) => {
  let left = 1;
  stage.gate(() => (left-- > 0 ? { status: 503 } : undefined));
  const page = await stage.open(stage.page("/a", { attributes: FIRST_PARTY }));
  await page.evaluate("footfall('flush')");
  await until(() => stage.posted()[0]?.status, "refused");
  await page.evaluate("const now = Date.now; Date.now = () => now() - 5 * 3_600_000; footfall('event', 'later')");
  await until(() => stage.posted()[1], "tried again");
  await stage.leave(page);
  const events = await stage.events(3);
  equal(events.length, 3);
  equal(new Set(stage.sent().map((event) => event.session_id)).size, 1);
});

scene("where there are no beacons, the next page brings what a page was left with", async (stage) => {
  const head = `${STUB}<script>Navigator.prototype.sendBeacon = undefined</script>`;
  const page = await stage.open(stage.page("/a", { head }));
  await page.evaluate("footfall('event', 'last')");
  await stage.leave(page);
  equal(stage.posted().length, 0);
  await stage.open(stage.page("/b"));
  const found = await stage.untilSent("page_view", 2);
  deepEqual(found.map((event) => new URL(event.url).pathname), ["/a", "/b"]);
  deepEqual(names(stage.told()), ["engagement", "last", "page_view", "page_view"]);
});

scene("a no in one tab holds in the others, also where nobody had said yes", async (stage) => {
  const [first, second] = [await stage.open(stage.page("/a", { attributes: FIRST_PARTY })), await stage.open(stage.page("/b", { attributes: FIRST_PARTY }))] as const;
  const third = await stage.open(stage.page("/c", { attributes: FIRST_PARTY }));
  await second.evaluate("window.times = 0; addEventListener('storage', () => times++); footfall('consent', {analytics_storage: 'denied'})");
  for (const page of [first, third]) await page.evaluate("new Promise((done) => footfall('event', 'after', {callback: done}))");
  deepEqual(await keys(first), []);
  for (const event of stage.sent().filter(({ name }) => name === "after")) deepEqual([event.client_id, event.session_id], [undefined, undefined]);
  ok(Number(await second.evaluate("times")) < 20, "tabs do not answer each other for ever");
});

scene("a policy that forbids addresses of scripts as text costs nothing", async (stage) => {
  const headers = { "Content-Security-Policy": "require-trusted-types-for 'script'" };
  const page = await stage.open(stage.page("/a", { modules: "outbound,sampling", attributes: "data-sample=1", headers }));
  await until(() => page.evaluate("!!window.footfall?.loaded"), "loaded");
  await stage.leave(page);
  deepEqual(names(await stage.accepted(2)), ["engagement", "page_view"]);
  ok(stage.told().every(({ props }) => props?.sample_weight === 1));
});

scene("a relative endpoint is one at the script's host, whatever the page's base is", async (stage) => {
  stage.gate(() => ({ status: 202 }));
  const page = await stage.open(stage.page("/a/b", { attributes: "data-endpoint=/other/events", head: `<base href="http://nowhere.example/">${STUB}` }));
  await stage.leave(page);
  await stage.untilSent("engagement");
  deepEqual([...new Set(stage.posted().map((batch) => batch.path))], ["/other/events"]);
});

scene("a page that changes its address a thousand times a second goes on", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("for (let n = 0; n < 1000; n++) { history.replaceState({}, '', '/a/' + n); history.replaceState({}, '', '/a/' + n) }");
  await page.evaluate("footfall('event', 'last')");
  await stage.untilSent("last");
  const views = stage.told().filter((event) => event.name === "page_view").map((event) => event.url);
  equal(new Set(views).size, views.length);
});

scene("shown again after it was left, without having been kept, a page still tells how long it was seen", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate(async () => {
    dispatchEvent(new PageTransitionEvent("pagehide"));
    dispatchEvent(new PageTransitionEvent("pageshow"));
    await new Promise((done) => setTimeout(done, 300));
  });
  await stage.leave(page);
  await stage.accepted(3);
  const told = stage.told();
  deepEqual(names(told), ["engagement", "engagement", "page_view"]);
  ok(told.filter(({ name }) => name === "engagement").reduce((sum, event) => sum + event.engagement_ms, 0) >= 300);
});

for (const [what, more] of [
  ["in an XHTML page", { headers: { "Content-Type": "application/xhtml+xml" } }],
  ["written by the page", { write: true }],
  ["put in later", { later: true }],
  ["at the end of the body, without defer", { end: true }],
] as const) {
  scene(`the script ${what}`, async (stage) => {
    const src = stage.url("/footfall.js?m=outbound", "collector.example");
    const tag = `<script src="${src}" data-site="${SITE}"></script>`;
    const { headers, write, later, end } = more as Record<string, any>;
    const body = headers
      ? `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Title</title>${tag}</head><body>Text</body></html>`
      : `<!doctype html><title>Title</title><body>${end ? tag : write ? `<script>document.write(${JSON.stringify(tag).replace("</script>", "<\\/script>")})</script>` : later ? `<script>
          const tag = Object.assign(document.createElement("script"), { src: "${src}" });
          tag.dataset.site = "${SITE}";
          setTimeout(() => document.body.append(tag), 200)</script>` : ""}`;
    stage.serve("/a", () => ({ headers, body }));
    const page = await stage.open(stage.url("/a"));
    await until(() => page.evaluate("!!window.footfall?.loaded"), "started");
    await stage.leave(page);
    const events = await stage.accepted(2);
    deepEqual(names(events), ["engagement", "page_view"]);
    equal(events.find((event) => event.name === "page_view")?.title, "Title");
  });
}

const EVIL = (stage: { url(path: string, host?: string): string }): string => stage.url("/footfall.js", "evil.example");

for (const [what, body] of [
  ["by an image", (src: string) => `<img name=currentScript src="${src}" data-site=evil data-endpoint="${src}">`],
  ["by a form with an image in it", (src: string) => `<form name=currentScript><input name=src value="${src}"></form>`],
  ["and its title and referrer too", (src: string) => `<img name=currentScript src="${src}"><img name=title src=x><img name=referrer src=x>`],
] as const) {
  scene(`the script's own tag cannot be named by the page's HTML: ${what}`, async (stage) => {
    const page = await stage.open(stage.page("/a", { script: "", body: `${body(EVIL(stage))}${stage.script()}` }));
    await stage.leave(page);
    deepEqual(names(await stage.accepted(2)), ["engagement", "page_view"]);
    equal(stage.told().find(({ name }) => name === "page_view")?.title, "Title of /a");
    equal(stage.posted()[0]?.body.site, SITE);
  });
}

scene("as a module, the script takes its own tag, not another tracker's", async (stage) => {
  const others = `<script type=module src="${EVIL(stage)}" data-site=OTHER></script><script data-key=theirs></script>`;
  const script = `${others}<script type=module src="${stage.url("/footfall.js", "collector.example")}" data-site=${SITE}></script>`;
  stage.serve("/x", () => ({}));
  const page = await stage.open(stage.page("/a", { script }));
  await until(() => page.evaluate("!!window.footfall?.loaded"), "started");
  await stage.leave(page);
  deepEqual(names(await stage.accepted(2)), ["engagement", "page_view"]);
  equal(stage.posted()[0]?.body.site, SITE);
});

for (const element of ["<div id=footfall></div>", "<form id=footfall><input name=loaded><input name=q></form>", "<a id=footfall></a><a id=footfall name=q></a>"]) {
  scene(`an element of the page with the stub's name: ${element}`, async (stage) => {
    const page = await stage.open(stage.page("/a", { head: "", script: "", body: `${element}${STUB}<script>footfall("event", "early")</script>${stage.script()}` }));
    await page.evaluate("footfall('event', 'late')");
    await stage.leave(page);
    deepEqual(names(await stage.accepted(4)), ["early", "engagement", "late", "page_view"]);
  });
}

scene("an element of the page that looks like the tracker, without the stub", async (stage) => {
  const body = "<form id=footfall><input name=loaded><input name=q></form>";
  const page = await stage.open(stage.page("/a", { head: "", script: "", body: body + stage.script() }));
  await stage.leave(page);
  deepEqual(names(await stage.accepted(2)), ["engagement", "page_view"]);
});
