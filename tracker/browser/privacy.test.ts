import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { LAUNCH, type Page, type Row, scene, type Stage, STUB, until } from "./harness";

const FIRST_PARTY = "data-identity=first-party";
const kept = (page: Page): Promise<string[]> => page.evaluate(() => Object.keys(localStorage).sort());
const who = (event: Row | undefined): unknown[] => [event?.client_id, event?.session_id, event?.user_id];
const nobody = [undefined, undefined, undefined];

/** Visits of those who have been on this host, as they are stored. */
const visits = (stage: Stage): Promise<Row[]> =>
  stage.query(`select toUInt32(pageviews) as pageviews, entry_page as entry from visits_merged
    where visitor_id in (select visitor_id from events where hostname = '${stage.host}') order by started`);

const flush = async (page: Page): Promise<void> => {
  await page.evaluate("new Promise((done) => footfall('event', 'flushed', {callback: done}))");
};

scene("two tabs are one visitor, one session and one visit", async (stage) => {
  const first = await stage.open(stage.page("/a", { attributes: FIRST_PARTY }));
  const second = await stage.open(stage.page("/b", { attributes: FIRST_PARTY }));
  await flush(first);
  await flush(second);
  await stage.leave(first);
  await stage.leave(second);
  const events = await stage.events(6);
  for (const field of ["client_id", "session_id"]) {
    const given = new Set(stage.sent().map((event) => event[field]));
    equal(given.size, 1, field);
    match([...given][0], /^[0-9a-f-]{36}$/);
  }
  for (const field of ["visitor_id", "visit_id", "session_id"]) equal(new Set(events.map((event) => event[field])).size, 1, field);
  deepEqual(await visits(stage), [{ pageviews: 2, entry: "/a" }]);
});

scene("after thirty minutes without an event another session and another visit begin", async (stage) => {
  const page = await (await stage.context()).newPage();
  await page.clock.install();
  await page.goto(stage.page("/a", { attributes: FIRST_PARTY }));
  await flush(page); // nothing waits for an answer while the clock runs on
  await page.clock.runFor(20 * 60_000);
  await flush(page);
  await page.clock.runFor(31 * 60_000);
  await page.evaluate("history.pushState({}, '', '/b')");
  await stage.leave(page);
  const told = await stage.accepted(6);
  const sent = (name: string, n = 0) => told.filter((event) => event.name === name)[n];
  equal(sent("flushed", 1)?.session_id, sent("page_view")?.session_id);
  notEqual(sent("page_view", 1)?.session_id, sent("page_view")?.session_id);
  equal(sent("page_view", 1)?.client_id, sent("page_view")?.client_id);
  equal(new Set(told.map((event) => event.session_id)).size, 2);
});

scene("two visits, as the collector counts them", async (stage) => {
  const page = await (await stage.context()).newPage();
  await page.clock.install();
  await page.goto(stage.page("/a", { attributes: FIRST_PARTY }));
  await page.clock.fastForward(31 * 60_000); // before anything is sent: one request tells of both
  await page.evaluate("history.pushState({}, '', '/b')");
  await stage.leave(page);
  const events = (await stage.events(3)).filter((event) => event.name === "page_view");
  deepEqual(events.map((event) => event.path), ["/a", "/b"]);
  equal(new Set(events.map((event) => event.visitor_id)).size, 1);
  equal(new Set(events.map((event) => event.visit_id)).size, 2);
  equal(new Set(events.map((event) => event.session_id)).size, 2);
  deepEqual(await visits(stage), [{ pageviews: 1, entry: "/a" }, { pageviews: 1, entry: "/b" }]);
});

scene("who the visitor is: said, kept with first-party identity, forgotten", async (stage) => {
  const page = await stage.open(stage.page("/a", { attributes: FIRST_PARTY }));
  await page.evaluate("footfall('identify', 'u-17', {plan: 'pro'}); footfall('event', 'bought')");
  await flush(page);
  await page.goto(stage.page("/b", { attributes: FIRST_PARTY }));
  await page.evaluate("footfall('event', 'still')");
  await page.evaluate("footfall('reset'); footfall('event', 'somebody')");
  await stage.leave(page);
  const events = await stage.accepted(7);
  const sent = (name: string) => stage.sent().find((event) => event.name === name);
  deepEqual(sent("identify")?.props, { plan: "pro" });
  equal(events.find((event) => event.name === "identify")?.interactive, false);
  const [client, session] = who(sent("page_view"));
  for (const name of ["identify", "bought", "still"]) deepEqual(who(sent(name)), [client, session, "u-17"], name);
  equal(sent("page_view")?.user_id, undefined);
  const after = sent("somebody");
  ok(after?.client_id && after.client_id !== client && after.session_id !== session && !after.user_id);
});

scene("without first-party identity a name holds for the page, and nothing is stored of it", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("footfall('identify', 17)");
  await flush(page);
  deepEqual(who(stage.sent().find((event) => event.name === "flushed")), [undefined, undefined, "17"]);
  await until(async () => !(await kept(page)).length, "nothing stored");
  await page.goto(stage.page("/b"));
  await stage.leave(page);
  await stage.accepted(5);
  deepEqual(who(stage.sent().find((event) => event.url.endsWith("/b"))), nobody);
});

const probe = `<script>footfall('use', (api) => { window.probe = api })</script>`;

scene("Global Privacy Control: nothing is sent, and nothing stored", async (stage) => {
  const context = await stage.context({ extraHTTPHeaders: { "Sec-GPC": "1" } });
  await context.addInitScript("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})");
  const page = await stage.open(stage.page("/a", { attributes: FIRST_PARTY, head: STUB + probe }), context);
  await page.evaluate("footfall('identify', 'u-17', {plan: 'pro'})");
  deepEqual(await page.evaluate("[probe.write('x', '1'), probe.read('x'), probe.visitor()]"), [false, null, ""]);
  await page.evaluate("footfall('consent', {analytics_storage: 'granted'})");
  await page.evaluate("new Promise((done) => footfall('event', 'no', {callback: done}))"); // a link does not wait
  deepEqual(await kept(page), []);
  await page.goto(stage.page("/b", { attributes: "data-consent=required" }));
  await page.evaluate("footfall('consent', {analytics_storage: true}); footfall('flush')");
  await stage.leave(page);
  // Somebody else's visit shows that theirs is not just late.
  await stage.leave(await stage.open(stage.page("/other")));
  await stage.untilSent("engagement");
  deepEqual([...new Set(stage.sent().map(({ url }) => new URL(url).pathname))], ["/other"]);
});

scene("opted out: nothing is sent, nothing is stored but the wish, also by the next page and another tab", async (stage) => {
  const other = await stage.open(stage.page("/other", { attributes: FIRST_PARTY }));
  const page = await stage.open(stage.page("/a", { attributes: FIRST_PARTY }));
  await flush(page);
  const before = stage.sent().length;
  await page.evaluate("footfall('event', 'waits'); footfall('optOut'); footfall('event', 'no'); footfall('flush')");
  deepEqual(await kept(page), ["footfall.optout"]);
  await page.evaluate("new Promise((done) => footfall('event', 'no', {callback: done}))"); // a link does not wait
  await other.evaluate("footfall('event', 'no')");
  await stage.leave(other);
  await page.goto(stage.page("/b", { attributes: FIRST_PARTY }));
  await page.evaluate("footfall('event', 'no'); footfall('identify', 'u'); footfall('flush')");
  deepEqual(await kept(page), ["footfall.optout"]);
  equal(stage.sent().length, before);
  await page.evaluate("footfall('optIn')");
  await flush(page);
  await stage.leave(page);
  await stage.untilSent("flushed", 2);
  ok(!stage.sent().some((event) => ["no", "waits"].includes(event.name)));
});

scene("a wish said before the script is there holds for the first page view", async (stage) => {
  const early = "<script>footfall('event', 'early'); footfall('consent', {analytics_storage: 'denied', ad_storage: false})</script>";
  const page = await stage.open(stage.page("/a", { attributes: FIRST_PARTY, head: STUB + early }));
  await flush(page);
  deepEqual(await kept(page), []);
  deepEqual(stage.sent().map((event) => event.name), ["page_view", "early", "flushed"]);
  for (const event of stage.sent()) {
    deepEqual(who(event), nobody);
    deepEqual(event.consent, { analytics_storage: "denied", ad_storage: "denied" });
  }
  await stage.leave(page);
  equal((await stage.events(4))[0]?.consent, "ad_storage=denied,analytics_storage=denied");
});

scene("consent denied: counted without identity, and nothing is kept, not even what waits", async (stage) => {
  const other = await stage.open(stage.page("/other", { attributes: FIRST_PARTY }));
  const page = await stage.open(stage.page("/a", { attributes: FIRST_PARTY, head: STUB + probe }));
  await page.evaluate("footfall('consent', {analytics_storage: 'granted'}); probe.write('seen', '1')");
  await flush(page);
  deepEqual((await kept(page)).filter((key) => !key.startsWith("footfall.q.")), ["footfall.consent", "footfall.id", "footfall.seen"]);
  await page.evaluate("footfall('consent', {analytics_storage: 'denied'})");
  deepEqual(await kept(page), []);
  stage.gate(() => ({ status: 503 }));
  await page.evaluate("footfall('identify', 'u-17'); footfall('event', 'waits'); footfall('flush')");
  await until(() => stage.posted().at(-1)?.status === 503, "refused");
  deepEqual(await page.evaluate("[probe.write('x', '1'), probe.read('seen'), probe.visitor()]"), [false, null, ""]);
  await flush(other); // an answer in one tab holds in the others
  deepEqual(await kept(page), []);
  stage.gate();
  await stage.untilSent("waits", 2);
  deepEqual(who(stage.sent().find((event) => event.name === "waits")), nobody);
  deepEqual(who(stage.sent().filter((event) => event.name === "flushed").at(-1)), nobody);
  ok(!stage.sent().some((event) => event.name === "identify"));
});

scene("data-consent=denied at the start takes away what was kept", async (stage) => {
  const page = await stage.open(stage.page("/a", { attributes: FIRST_PARTY }));
  await flush(page);
  await until(async () => (await kept(page)).join() === "footfall.id", "only the id is stored");
  await page.goto(stage.page("/b", { attributes: `${FIRST_PARTY} data-consent=denied` }));
  await flush(page);
  deepEqual(await kept(page), []);
  deepEqual(who(stage.sent().at(-1)), nobody);
});

scene("consent required: nothing is sent until it is granted, then all of it, and remembered", async (stage) => {
  const attributes = `${FIRST_PARTY} data-consent=required`;
  const page = await stage.open(stage.page("/a", { attributes }));
  await page.evaluate("footfall('identify', 'u-17'); for (let n = 0; n < 12; n++) footfall('event', 'waits', {props: {n}}); footfall('flush')");
  await page.evaluate("history.pushState({}, '', '/b')");
  deepEqual(await kept(page), []);
  equal(stage.posted().length, 0);
  await page.evaluate("footfall('consent', {analytics_storage: 'granted'})");
  await stage.untilSent("waits", 12);
  await page.goto(stage.page("/c", { attributes })); // nobody asks again
  await flush(page);
  await stage.leave(page);
  await stage.untilSent("page_view", 3);
  const clients = new Set(stage.sent().map((event) => event.client_id));
  equal(clients.size, 1);
  ok(![...clients].includes(undefined));
  for (const event of stage.sent()) deepEqual([event.consent, event.user_id], [{ analytics_storage: "granted" }, "u-17"]);
});

scene("consent required and denied: nothing was ever sent", async (stage) => {
  const page = await stage.open(stage.page("/a", { attributes: "data-consent=required" }));
  await page.evaluate("footfall('event', 'no'); footfall('consent', {analytics_storage: 'denied'}); footfall('event', 'no')");
  await stage.leave(page);
  const other = await stage.open(stage.page("/b", { attributes: "data-consent=required" }));
  await stage.leave(other);
  const plain = await stage.open(stage.page("/c"));
  await stage.leave(plain);
  const events = await stage.accepted(2);
  deepEqual(events.map((event) => new URL(event.url).pathname), ["/c", "/c"]);
  equal(stage.posted().length, 1);
});

scene("of queries only what the collector keeps is sent or stored: of pages, routes, referrers and older copies", async (stage) => {
  const secret = "s3cret";
  const copy = { at: 0, events: [{ name: "left_behind", url: `${stage.url("/x")}?token=${secret}&gclid=9`, timestamp: Date.now(), event_id: crypto.randomUUID() }] };
  let open = false;
  stage.gate(() => (open ? undefined : { status: 503 }));
  stage.page("/a", { modules: "search" });
  const first = await stage.open(`${stage.page("/from", { script: "" })}?token=${secret}`);
  await first.evaluate(([text, to]) => {
    localStorage.setItem("footfall.q.gone", text as string);
    location.href = to as string;
  }, [JSON.stringify(copy), `${stage.url("/a")}?token=${secret}&utm_source=letter&q=tea`]);
  await first.waitForURL(/utm_source/);
  await first.waitForLoadState("load");
  await first.evaluate((to) => history.pushState({}, "", to), `/b?reset=${secret}&ref=menu&x=${secret}`);
  await first.evaluate(() => history.pushState({}, "", "/c"));
  await first.evaluate("footfall('flush')");
  await stage.untilSent("page_view", 3);
  const stored = () => first.evaluate(() => Object.values(localStorage).join());
  await until(async () => (await stored()).includes("left_behind"), "all of it waits in storage");
  ok(!(await stored()).includes(secret));
  open = true;
  await stage.leave(first);
  await stage.open(stage.page("/d")); // takes over what was left
  await stage.untilSent("left_behind");
  await stage.accepted(8);
  ok(!JSON.stringify(stage.posted()).includes(secret));
  const views = stage.told().filter((event) => event.name === "page_view");
  deepEqual(views.slice(0, 3).map((view) => [view.url, view.referrer]), [
    [`${stage.url("/a")}?utm_source=letter`, stage.url("/from")],
    [`${stage.url("/b")}?ref=menu`, `${stage.url("/a")}?utm_source=letter`],
    [stage.url("/c"), `${stage.url("/b")}?ref=menu`],
  ]);
  equal(stage.told().find((event) => event.name === "left_behind")?.url, `${stage.url("/x")}?gclid=9`);
  deepEqual(stage.told().filter((event) => event.name === "site_search").map((event) => event.props.term), ["tea"]);
});

scene("where storage is blocked, everything is counted and sent again", async (stage) => {
  const profile = mkdtempSync(join(tmpdir(), "footfall-blocked-"));
  mkdirSync(join(profile, "Default"));
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  writeFileSync(join(profile, "Default/Preferences"), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, LAUNCH);
  try {
    let left = 1;
    stage.gate(() => (left-- > 0 ? { status: 503 } : undefined));
    const page = await stage.open(stage.page("/a", { attributes: FIRST_PARTY, head: STUB + probe }), context);
    match(await page.evaluate("try { String(localStorage) } catch (error) { error.name }"), /SecurityError/);
    deepEqual(await page.evaluate("[probe.write('x', '1'), probe.read('x'), probe.visitor()]"), [false, null, ""]);
    await page.evaluate("footfall('identify', 'u-17'); footfall('event', 'kept'); footfall('flush')");
    await stage.untilSent("kept", 2);
    await page.evaluate("footfall('optOut'); footfall('event', 'no'); footfall('flush')");
    await stage.leave(page);
    const events = await stage.accepted(3);
    deepEqual(events.map((event) => event.name).sort(), ["identify", "kept", "page_view"]);
    for (const event of stage.sent()) equal(event.client_id, undefined);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 20 });
  }
});
