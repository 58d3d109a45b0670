import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FLAGS, program, type Row, scene, SITE, STUB, until } from "./harness";

const names = (events: Row[]): string[] => events.map((event) => event.name);
const views = (events: Row[]): Row[] => events.filter((event) => event.name === "page_view");

scene("the first page view", async (stage) => {
  const started = Date.now();
  const page = await stage.open(`${stage.page("/a")}?utm_source=x#part`);
  deepEqual(await page.evaluate("footfall.loaded"), true);
  await stage.leave(page);
  const [event] = views(await stage.events(2));
  const [batch] = stage.posted();
  const sent = batch?.body.events[0] as Row;
  equal(batch?.status, 202);
  equal(batch?.body.site, SITE);
  equal(batch?.path, "/v1/in"); // which filter lists do not know
  ok(!("key" in (batch?.body as object)));
  equal(sent.url, `${stage.url("/a")}?utm_source=x`);
  deepEqual([sent.title, sent.referrer], ["Title of /a", ""]);
  ok(sent.language);
  match(sent.screen, /^\d+x\d+$/);
  ok(started - 1000 <= sent.timestamp && sent.timestamp <= (batch?.body.sent_at as number));
  ok(!("client_id" in sent || "session_id" in sent || "user_id" in sent || "consent" in sent));
  deepEqual([event?.path, event?.utm_source, event?.title], ["/a", "x", "Title of /a"]);
});

scene("no preflight, no cookie, and nothing stored once all is delivered", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("footfall('flush')");
  await stage.untilSent("page_view");
  await until(() => page.evaluate("document.cookie === '' && localStorage.length + sessionStorage.length === 0"), "nothing stored");
  await stage.leave(page);
  await stage.accepted(2);
  for (const { headers } of stage.posted()) {
    match(headers["content-type"], /^text\/plain/);
    equal(headers.cookie, undefined);
  }
});

scene("a route of an application is a page, an address that stays the same is none", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate(async () => {
    history.pushState({}, "", "/b");
    history.pushState({}, "", "/b");
    history.replaceState({}, "", "/b");
    history.replaceState({}, "", "/b#part");
    history.pushState({}, "", "/c?ref=1");
    const back = new Promise((done) => addEventListener("popstate", done, { once: true }));
    history.back();
    await back;
    location.hash = "#other";
  });
  await stage.leave(page);
  const sent = views(await stage.accepted(5));
  const base = stage.url("");
  deepEqual(sent.map((view) => view.url), [`${base}/a`, `${base}/b`, `${base}/c?ref=1`, `${base}/b`]);
  deepEqual(sent.map((view) => view.referrer), ["", `${base}/a`, `${base}/b`, `${base}/c?ref=1`]);
});

scene("with data-hash what follows # is the page", async (stage) => {
  const page = await stage.open(`${stage.page("/", { attributes: "data-hash" })}#/start`);
  await page.evaluate(async () => {
    const seen = () => new Promise((done) => addEventListener("hashchange", done, { once: true }));
    await new Promise((done) => setTimeout(done, 5));
    location.hash = "#/about?token=secret";
    await seen();
    await new Promise((done) => setTimeout(done, 5)); // views are told apart by their time
    const back = seen();
    history.back();
    await back;
  });
  await stage.leave(page);
  const events = await stage.events(5);
  deepEqual(views(events).map((event) => event.path), ["/start", "/about", "/start"]);
  ok(!JSON.stringify(stage.sent()).includes("secret"));
});

scene("an application sets its title after the address", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("history.pushState({}, '', '/b'); document.title = 'The title of b'");
  await stage.leave(page);
  deepEqual(views(await stage.accepted(3)).map((view) => view.title), ["Title of /a", "The title of b"]);
});

scene("commands from before the script, and through the function from before", async (stage) => {
  const early = "<script>footfall('event', 'early', {props: {n: 1}}); kept = footfall</script>";
  const page = await stage.open(stage.page("/a", { head: STUB + early }));
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  await page.evaluate(`kept('event', 'late'); footfall('nonsense'); footfall('constructor');
    footfall('event', 'last', {props: {o: {}, list: [1, 2], u: undefined, z: null, big: 5n, yes: true}})`);
  await page.evaluate("footfall('pageview')");
  await stage.leave(page);
  const events = await stage.events(6);
  deepEqual(names(stage.sent()).filter((name) => name !== "engagement"), ["page_view", "early", "late", "last", "page_view"]);
  const [last] = events.filter((event) => event.name === "last");
  deepEqual(last?.props, { o: "[object Object]", list: "1,2", big: "5" });
  deepEqual(last?.props_bool, { yes: true });
  deepEqual(said, ["Footfall: no command nonsense", "Footfall: no command constructor"]);
  const again = views(stage.sent())[1];
  equal(again?.referrer, stage.url("/a"));
});

scene("revenue and interactive", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate(`footfall('event', 'order', {props: {plan: 'pro', n: 2}, revenue: {amount: '9.90', currency: 'EUR'}});
    footfall('event', 'teaser', {interactive: false})`);
  await stage.leave(page);
  const events = await stage.events(4);
  const [order] = events.filter((event) => event.name === "order");
  deepEqual([Number(order?.revenue), order?.currency, order?.interactive], [9.9, "EUR", true]);
  deepEqual([order?.props, order?.props_number], [{ plan: "pro" }, { n: 2 }]);
  equal(events.find((event) => event.name === "teaser")?.interactive, false);
});

scene("the script twice on a page", async (stage) => {
  const page = await stage.open(stage.page("/a", { body: stage.script() }));
  await stage.leave(page);
  deepEqual(names(await stage.accepted(2)).sort(), ["engagement", "page_view"]);
});

scene("back from the browser's memory", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("window.mark = 1; addEventListener('pageshow', (event) => { window.back = event.persisted })");
  await page.goto(stage.page("/b"));
  await page.goBack({ waitUntil: "commit" });
  deepEqual(await page.evaluate("[window.mark, window.back]"), [1, true]); // kept, not loaded again
  await stage.leave(page);
  const stored = views(await stage.events(6));
  deepEqual(stored.map((view) => view.path).sort(), ["/a", "/a", "/b"]);
  // In order by the page's clock: a request that travels long moves its events in the collector's.
  const seen = views(stage.told()).sort((one, other) => one.timestamp - other.timestamp);
  deepEqual(seen.map((view) => new URL(view.url).pathname), ["/a", "/b", "/a"]);
  notEqual(seen[0]?.event_id, seen[2]?.event_id);
});

scene("a page rendered ahead is seen when it is shown", async (stage) => {
  // An attached debugger forbids rendering ahead, so the two pages play this alone.
  const rendered = stage.url("/rendered");
  let ready = (): void => {};
  const ahead = new Promise<void>((done) => (ready = done));
  stage.serve("/rendered", () => (ready(), { status: 204 }));
  stage.serve("/after", async () => (await ahead, { status: 204 }));
  stage.page("/ahead", { body: `<script>onload = () => document.prerendering && fetch('${rendered}')</script>` });
  const click = "fetch('/after').then(() => { footfall('event', 'click'); location.href = '/ahead' })";
  const rules = JSON.stringify({ prerender: [{ urls: ["/ahead"], eagerness: "immediate" }] });
  const first = stage.page("/a", { body: `<script>${click}</script><script type=speculationrules>${rules}</script>` });
  const profile = mkdtempSync(join(tmpdir(), "footfall-ahead-"));
  const browser = spawn(program() as string, ["--headless=new", ...FLAGS, `--user-data-dir=${profile}`, first], {
    stdio: "ignore",
    detached: true, // Debian's is a shell script around the browser: both end together
  });
  const ended = new Promise((done) => browser.once("exit", done));
  // What a beacon took goes again from the next page, under its id.
  const once = () => [...new Map(views(stage.sent()).map((view) => [view.event_id, view])).values()];
  try {
    await until(() => once().length === 2, "both pages are seen");
  } finally {
    process.kill(-(browser.pid as number), "SIGTERM");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20 });
  }
  const seen = once();
  deepEqual(seen.map((view) => view.url), [first, stage.url("/ahead")]);
  const [clicked] = stage.sent().filter((event) => event.name === "click");
  ok(seen[1]?.timestamp >= clicked?.timestamp);
  const fetched = stage.web.asked.filter(({ host, path }) => host === stage.host && path === "/ahead");
  equal(fetched.length, 1); // what was shown is what was rendered ahead
  match(fetched[0]?.headers["sec-purpose"], /prerender/);
});

scene("local pages send nothing, unless told", async (stage) => {
  const [quiet, loud] = [`/quiet-${stage.number}`, `/loud-${stage.number}`];
  stage.page(quiet);
  stage.page(loud, { script: `<script defer src="${stage.url("/footfall.js", "collector.example")}" data-key=${stage.key} data-local></script>` });
  for (const path of [quiet, loud]) {
    stage.web.served.set(`127.0.0.1${path}`, stage.web.served.get(stage.host + path) as never);
    const page = await stage.open(stage.url(path, "127.0.0.1"));
    await page.evaluate("new Promise((done) => footfall('event', 'x', {callback: done}))"); // links wait for no answer
    await stage.leave(page);
  }
  const sent = () => stage.web.posted("127.0.0.1");
  await until(() => sent().some((batch) => batch.body.events.some((event) => event.name === "engagement") && batch.status), "sent");
  deepEqual(new Set(sent().flatMap((batch) => batch.body.events.map((event) => event.url))), new Set([stage.url(loud, "127.0.0.1")]));
  await stage.web.quiet();
  for (const { status, body } of sent()) deepEqual([status, body.key, body.site], [202, stage.key, undefined]);
});

scene("the site is the host where none is named", async (stage) => {
  const script = `<script defer src="${stage.url("/footfall.js", "collector.example")}"></script>`;
  const page = await stage.open(stage.page("/a", { script }));
  await stage.leave(page);
  await stage.untilSent("engagement");
  equal(stage.posted()[0]?.body.site, stage.host);
});

scene("another endpoint", async (stage) => {
  stage.gate(() => ({ status: 202 }));
  const page = await stage.open(stage.page("/a", { attributes: `data-endpoint=${stage.url("/other/events", "collector.example")}` }));
  await stage.leave(page);
  await stage.untilSent("engagement");
  deepEqual([...new Set(stage.posted().map((batch) => batch.path))], ["/other/events"]);
});
