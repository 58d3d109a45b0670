import { deepEqual, equal, ok } from "node:assert/strict";
import { Collector } from "./collector";
import { type Page, type Row, scene, until } from "./harness";

const paths = (events: Row[], name = "page_view"): string[] => events.filter((event) => event.name === name).map((event) => event.path);
const ids = (events: Row[]): Set<string> => new Set(events.map((event) => event.event_id));

/** Copies of queues that lie in the browser's storage. */
const copies = (page: Page): Promise<number> =>
  page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("footfall.q.")).length);

scene("ten events make a batch", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("for (let n = 0; n < 8; n++) footfall('event', 'some', {props: {n}})");
  equal(stage.posted().length, 0);
  await page.evaluate("footfall('event', 'tenth')");
  await stage.untilSent("tenth");
  equal(stage.posted()[0]?.body.events.length, 10);
  await stage.leave(page);
  equal((await stage.accepted(11)).length, 11);
});

scene("five seconds make a batch", async (stage) => {
  await stage.open(stage.page("/a"));
  const [view] = await stage.untilSent("page_view");
  const waited = (stage.posted()[0]?.body.sent_at as number) - view?.timestamp;
  ok(waited > 4_950 && waited < 9_000, `${waited} ms`); // timers of a busy machine are late, never early
});

scene("network off, pages viewed, tab closed, network on, page opened: all counted once", async (stage) => {
  const context = await stage.context();
  const page = await stage.open(stage.page("/a"), context);
  await page.evaluate("footfall('flush')");
  await stage.accepted(1);
  await context.setOffline(true);
  await page.evaluate("for (const path of ['/b', '/c', '/d']) history.pushState({}, '', path); footfall('flush')");
  await until(async () => (await copies(page)) === 1, "stored");
  equal(stage.posted().length, 1); // without a network nothing is tried
  await page.close({ runBeforeUnload: true });
  await until(() => !context.pages().length, "the tab is closed");
  await context.setOffline(false);
  const next = await stage.open(stage.page("/e"), context);
  await stage.untilSent("page_view", 4);
  await stage.leave(next);
  await stage.untilSent("page_view", 5);
  const events = await stage.events(6);
  deepEqual(paths(events).sort(), ["/a", "/b", "/c", "/d", "/e"]);
  equal(ids(events).size, events.length);
});

scene("online again: what waits goes at once, of this page and of those that are gone", async (stage) => {
  const context = await stage.context();
  const page = await stage.open(stage.page("/a"), context);
  await page.evaluate("footfall('flush')");
  await stage.untilSent("page_view");
  await context.setOffline(true);
  const gone = { at: 0, events: [{ name: "left_behind", url: stage.url("/x"), timestamp: Date.now(), event_id: crypto.randomUUID() }] };
  await page.evaluate((copy) => localStorage.setItem("footfall.q.gone", JSON.stringify(copy)), gone);
  await page.evaluate("history.pushState({}, '', '/b')");
  const back = Date.now();
  await context.setOffline(false);
  await stage.untilSent("left_behind");
  await stage.untilSent("page_view", 2);
  ok(Date.now() - back < 4_900, "without waiting for the five seconds");
  await until(async () => (await copies(page)) === 0, "nothing is stored any more");
});

for (const status of [503, 429, 0]) {
  scene(`the collector ${status ? `answers ${status}` : "is away"} for a while: all counted once`, async (stage) => {
    let left = 2;
    stage.gate(() => (left-- > 0 ? { status } : undefined));
    // Browsers try again by themselves, at once, where a connection is cut that had served before.
    const page = await stage.open(stage.page("/a"), await stage.context());
    await page.evaluate("footfall('event', 'kept'); footfall('flush')");
    await until(() => stage.posted().length >= 3, "tried again");
    const [first, second, third] = stage.posted().map((batch) => batch.at) as [number, number, number];
    ok(second - first > 450 && second - first < 4_000, `after a second at most: ${second - first}`);
    ok(third - second > 950 && third - second < 5_000, `after two at most: ${third - second}`);
    await stage.leave(page);
    const events = await stage.events(3);
    equal(events.length, 3);
    equal(ids(events).size, 3);
  });
}

scene("a collector whose spool is full, and that has room again: all counted once", async (stage) => {
  const collector = new Collector();
  try {
    await collector.start("spool_max_bytes = 1000\n");
    const from = `http://full.example:${collector.port}/footfall.js`;
    const page = await stage.open(stage.page("/a", { script: stage.script({ from }) }));
    const answers: [number, string | undefined][] = [];
    page.on("response", (answer) => answer.request().method() === "POST" && answers.push([answer.status(), answer.headers()["retry-after"]]));
    await page.evaluate("footfall('event', 'kept', {props: {text: 'x'.repeat(1000)}}); footfall('flush')");
    const [, after] = await until(() => answers.find(([status]) => status === 503), "refused");
    ok(Number(after) > 0, after);
    await collector.halt();
    collector.configure();
    await collector.serve();
    await page.evaluate("footfall('flush')"); // by now it may wait for half a minute, as it does where a try is under way
    await until(() => answers.at(-1)?.[0] === 202, "taken", 40);
    await page.evaluate("new Promise((done) => footfall('event', 'later', {callback: done}))");
    await collector.drained();
    const events = await collector.query("select name, event_id from events order by timestamp");
    deepEqual(events.map((event) => event.name), ["page_view", "kept", "later"]);
  } finally {
    await collector.stop();
  }
}, { seconds: 120 });

scene("a 503 that a page is left with: the next page brings it", async (stage) => {
  stage.gate(() => ({ status: 503, headers: { "Retry-After": "60" } }));
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("footfall('flush')");
  await until(() => stage.posted()[0]?.status, "refused");
  await until(async () => (await copies(page)) === 1, "stored");
  await stage.leave(page);
  equal(stage.posted().length, 1); // quiet was asked for: no beacon either
  stage.gate();
  const next = await stage.open(stage.page("/b"));
  await stage.untilSent("engagement");
  await stage.leave(next);
  const events = await stage.events(4);
  deepEqual(paths(events).sort(), ["/a", "/b"]);
  equal(events.length, 4);
});

scene("Retry-After is honoured", async (stage) => {
  let shut = true;
  stage.gate(() => (shut ? { status: 503, headers: { "Retry-After": "4" } } : undefined));
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("footfall('flush')");
  const refused = await until(() => stage.posted()[0], "refused");
  shut = false;
  await page.evaluate("for (let n = 0; n < 20; n++) footfall('event', 'more'); footfall('flush')");
  await until(() => stage.posted()[1], "tried again");
  const waited = (stage.posted()[1]?.at as number) - refused.at;
  ok(waited >= 3_950 && waited < 9_000, `${waited} ms`);
  await stage.leave(page);
  equal((await stage.accepted(22)).length, 22);
});

scene("what was refused for good does not come again", async (stage) => {
  stage.gate(() => ({ status: 400 }));
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("footfall('flush')");
  await until(() => stage.posted()[0]?.status, "refused");
  stage.gate();
  await until(async () => (await copies(page)) === 0, "nothing is stored");
  await page.evaluate("footfall('event', 'next')");
  await stage.leave(page);
  deepEqual((await stage.accepted(2)).map((event) => event.name).sort(), ["engagement", "next"]);
});

scene("a beacon is trusted only after an answer; what is sent twice counts once", async (stage) => {
  const first = await stage.open(stage.page("/a"));
  await stage.leave(first); // before any answer: stays stored
  await stage.untilSent("engagement");
  const second = await stage.open(stage.page("/b"));
  await stage.untilSent("engagement", 2); // the same again, by fetch
  await until(() => stage.posted().length >= 2 && stage.posted()[1]?.status === 202, "answered");
  await second.evaluate("footfall('event', 'trusted')");
  await stage.leave(second);
  await stage.untilSent("trusted");
  const third = await stage.open(stage.page("/c"));
  await until(async () => (await copies(third)) <= 1, "adopted");
  await stage.leave(third);
  await stage.untilSent("engagement", 4);
  const events = await stage.events(7);
  equal(events.length, 7);
  equal(stage.sent().filter((event) => event.name === "trusted").length, 1);
  equal(stage.sent().filter((event) => event.url.endsWith("/a")).length, 4);
});

scene("the callback runs once it is delivered, and after a second where it is not", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  const timed = (name: string) =>
    page.evaluate((name) => {
      const started = performance.now();
      return new Promise<number>((done) => window.footfall?.("event", name, { callback: () => done(performance.now() - started) }));
    }, name);
  await timed("delivered");
  equal(stage.posted().length, 1);
  equal(stage.posted()[0]?.status, 202);
  let answer = (): void => {};
  const late = new Promise<void>((done) => (answer = done));
  await page.route("**/v1/in", async (route) => (await late, await route.continue()));
  const waited = await timed("late");
  ok(waited > 950 && waited < 4_000, `${waited} ms`);
  answer();
  await page.unrouteAll({ behavior: "wait" });
  const thrown = await page.evaluate("footfall('event', 'bad', {callback: () => { throw new Error('theirs') }}); 1");
  equal(thrown, 1);
  await stage.untilSent("bad");
  await page.evaluate("footfall('event', 'after')");
  await stage.leave(page);
  equal((await stage.accepted(6)).length, 6);
});

scene("large batches stay below what a browser takes, and an event that is too large harms no other", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate(`footfall('event', 'huge', {props: {text: 'x'.repeat(70000)}});
    for (let n = 0; n < 180; n++) footfall('event', 'many', {props: {n, text: 'ü'.repeat(600)}})`);
  await stage.untilSent("many", 180);
  await stage.leave(page);
  const events = await stage.accepted(182);
  deepEqual(events.filter((event) => event.name === "many").map((event) => event.props.n).sort((a, b) => a - b), Array.from({ length: 180 }, (_, n) => n));
  ok(stage.posted().length < 20, `${stage.posted().length} requests`);
  for (const batch of stage.posted()) ok(batch.bytes < 64 * 1024, `${batch.bytes} bytes`);
});

scene(
  "a thousand events at once all arrive, and no task takes longer than 50 ms",
  async (stage) => {
    const page = await stage.open(stage.page("/a"));
    await page.evaluate("footfall('flush')");
    await stage.untilSent("page_view");
    await page.evaluate(() => {
      (window as any).long = [];
      new PerformanceObserver((list) => (window as any).long.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask" });
    });
    // Other programs make tasks longer, never shorter: the best of three tries is what the tracker takes.
    let tries = 0;
    let long: unknown[] = [];
    do {
      await page.evaluate((from) => {
        (window as any).long.length = 0;
        const fire = () => {
          for (let n = from; n < from + 1000; n++) window.footfall?.("event", "burst", { props: { n } });
        };
        return new Promise<void>((done) => setTimeout(() => (fire(), setTimeout(done)))); // a task of its own
      }, 1000 * tries++);
      await stage.untilSent("burst", 1000 * tries);
      await until(async () => (await copies(page)) === 0, "all is delivered");
      long = await page.evaluate<unknown[]>("long");
    } while (long.length && tries < 3);
    deepEqual(long, []);
    await stage.leave(page);
    const events = await stage.events(1000 * tries + 2);
    equal(events.length, 1000 * tries + 2);
    deepEqual(new Set(events.filter((event) => event.name === "burst").map((event) => event.props_number.n)).size, 1000 * tries);
    ok(events.every((event) => !("dropped_before" in event.props_number)));
  },
  { measures: true },
);

scene("beyond the bounds the oldest are dropped and counted", async (stage) => {
  let shut = true;
  stage.gate(() => (shut ? { status: 503 } : undefined));
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("for (let n = 0; n < 2100; n++) footfall('event', 'burst', {props: {n}})");
  // In storage five hundred of two thousand: the rest is counted on the first of them.
  const stored = await until(
    () =>
      page.evaluate(() => {
        const key = Object.keys(localStorage).find((key) => key.startsWith("footfall.q."));
        const copy = key && JSON.parse(localStorage.getItem(key) as string);
        return copy && copy.events.at(-1).props.n === 2099 && { n: copy.events.length, first: copy.events[0], bytes: JSON.stringify(copy).length };
      }),
    "stored",
  );
  ok(stored.n <= 500 && stored.bytes <= 262_144 + 100);
  equal(stored.first.props.dropped_before, 2101 - stored.n);
  // In memory two thousand: a page view and the first of the burst are gone.
  shut = false;
  await page.evaluate("footfall('flush')");
  await until(async () => (await copies(page)) === 0, "all is delivered");
  await stage.leave(page);
  const events = await until(async () => {
    const stored = await stage.events(2001); // how many more depends on what was on its way when the first were dropped
    return stored.some((event) => event.name === "engagement") ? stored : null;
  }, "the last event is stored");
  const burst = events.filter((event) => event.name === "burst");
  const [marked, ...others] = events.filter((event) => "dropped_before" in event.props_number);
  equal(others.length, 0);
  equal(events.length + marked?.props_number.dropped_before, 2102);
  equal(new Set(burst.map((event) => event.props_number.n)).size, burst.length);
  ok(burst.some((event) => event.props_number.n === 2099));
});
