import { deepEqual, equal, ok } from "node:assert/strict";
import { type Page, type Row, scene, STUB, until } from "./harness";

const near = (value: number, wanted: number, by: number, what: string): void =>
  ok(Math.abs(value - wanted) <= by, `${what}: ${value}, expected ${wanted} ± ${by}`);

/** Let somebody look for so long, and say how long that was for the clock of the test. */
const look = async (page: Page, ms: number): Promise<void> => {
  await page.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), ms);
};

const scrollTo = async (page: Page, bottom: number): Promise<void> => {
  await page.evaluate(
    (bottom) =>
      new Promise((done) => {
        addEventListener("scroll", done, { once: true });
        window.scrollTo(0, bottom - innerHeight);
      }),
    bottom,
  );
};

/** What a page says of itself: name, path, and for engagement how long and how far. */
const story = (events: Row[]): string[] => events.map((event) => `${event.name} ${event.path}`);

scene(
  "a site of several pages: exactly what was seen, in order, for how long and how far",
  async (stage) => {
    // The page's own watch, from the tracker's start on; what a busy machine adds before and after is not looked at.
    const watch = "{ const begun = performance.now(); addEventListener('pagehide', () => (localStorage.seen = `${localStorage.seen || ''} ${performance.now() - begun}`)) }";
    stage.serve("/watch.js", () => ({ headers: { "Content-Type": "text/javascript" }, body: watch }));
    stage.serve("/blank", () => ({}));
    const tall = { body: '<script defer src=/watch.js></script><div style="height:8000px"></div>' };
    const addresses = ["/a", "/b", "/c"].map((path) => stage.page(path, tall));
    const page = await stage.open(addresses[0] as string);
    const depths: number[] = [];
    const visit = async (ms: number, depth: number, leave: () => Promise<unknown>) => {
      await scrollTo(page, depth * 80);
      await scrollTo(page, depth * 80 - 500); // up again: the deepest counts
      await look(page, ms);
      depths.push(depth);
      await leave();
    };
    await visit(900, 50, () => page.goto(addresses[1] as string));
    await visit(400, 90, () => page.goto(addresses[2] as string));
    await visit(700, 30, () => page.goto(stage.url("/blank")));
    const seen = (await page.evaluate<string>("localStorage.seen")).trim().split(" ").map(Number);
    const events = await stage.events(6);
    deepEqual(story(events), ["page_view /a", "engagement /a", "page_view /b", "engagement /b", "page_view /c", "engagement /c"]);
    const engaged = events.filter((event) => event.name === "engagement");
    depths.forEach((depth, n) => {
      near(engaged[n]?.engagement_ms, seen[n] as number, 300, `engagement of page ${n}`);
      near(engaged[n]?.scroll_depth, depth, 5, `depth of page ${n}`);
    });
    equal(new Set(events.map((event) => event.visit_id)).size, 1);
  },
  { measures: true },
);

scene(
  "an application of one page: the same, route by route",
  async (stage) => {
    const page = await stage.open(stage.page("/app", { body: '<div id=box style="height:8000px"></div>' }));
    const go = (path: string, height: number) =>
      page.evaluate(([path, height]) => {
        history.pushState({}, "", path as string);
        (document.querySelector("#box") as HTMLElement).style.height = `${height}px`;
        window.scrollTo(0, 0);
      }, [path, height]);
    const times: number[] = [];
    let since = performance.now();
    const turn = async (path: string, height: number) => {
      times.push(performance.now() - since);
      await go(path, height);
      since = performance.now();
    };
    await scrollTo(page, 6000);
    await look(page, 600);
    await turn("/app/list", 4000);
    await scrollTo(page, 1600);
    await look(page, 300);
    await turn("/app/item", 4000);
    await look(page, 500);
    times.push(performance.now() - since);
    await stage.leave(page);
    const events = await stage.events(6);
    deepEqual(story(events), [
      "page_view /app", "engagement /app", "page_view /app/list", "engagement /app/list", "page_view /app/item", "engagement /app/item",
    ]);
    const told = events.filter((event) => event.name === "engagement");
    times.forEach((ms, n) => near(told[n]?.engagement_ms, ms, 300, `engagement of route ${n}`));
    near(told[0]?.scroll_depth, 75, 5, "depth of /app");
    near(told[1]?.scroll_depth, 40, 5, "depth of /app/list");
    near(told[2]?.scroll_depth, (100 * 720) / 4000, 5, "depth of /app/item");
  },
  { measures: true },
);

scene(
  "nobody is engaged with a page that is hidden",
  async (stage) => {
    // A browser without a window has nothing that could hide it: the page is told so.
    const head = `${STUB}<script>
      let seen = true;
      Object.defineProperty(document, "visibilityState", { get: () => (seen ? "visible" : "hidden") });
      Object.defineProperty(document, "hidden", { get: () => !seen });
      document.hasFocus = () => seen;
      window.turn = (now) => { seen = now; document.dispatchEvent(new Event("visibilitychange")); };
    </script>`;
    const page = await stage.open(stage.page("/a", { head }));
    const seen = performance.now();
    await look(page, 400);
    await page.evaluate("turn(false)");
    let looked = performance.now() - seen;
    await stage.untilSent("engagement");
    await look(page, 900);
    const again = performance.now();
    await page.evaluate("turn(true)");
    await look(page, 300);
    looked += performance.now() - again;
    await stage.leave(page);
    const told = (await stage.accepted(3)).filter((event) => event.name === "engagement");
    near(told.reduce((sum, event) => sum + event.engagement_ms, 0), looked, 300, "engagement without the time away");
  },
  { measures: true },
);

scene("nobody is engaged with a page without focus", async (stage) => {
  const page = await stage.open(stage.page("/a", { head: "<script>document.hasFocus = () => false</script>" }));
  await stage.leave(page);
  const told = (await stage.accepted(2)).filter((event) => event.name === "engagement");
  deepEqual(told.map((event) => [event.engagement_ms, event.scroll_depth]), [[0, 100]]);
});

scene("nobody is engaged who has done nothing for a minute, and who leaves late has left early", async (stage) => {
  const page = await (await stage.context()).newPage();
  await page.clock.install();
  await page.goto(stage.page("/a"));
  // Nothing waits for an answer while the clock runs on.
  await page.evaluate("new Promise((done) => footfall('event', 'flushed', {callback: done}))");
  await page.clock.runFor(10_000);
  await page.evaluate("addEventListener('pointermove', () => { window.touched = Date.now() })");
  let moves = 0;
  const touched = await until(async () => {
    await page.mouse.move(5, ++moves); // one may come before the page is drawn, and is lost
    return page.evaluate<number>("window.touched");
  }, "the page has felt it");
  const idle = touched + 60_000;
  await page.clock.runFor(20 * 60_000);
  await stage.leave(page);
  const sent = await stage.accepted(3);
  const [view, told] = ["page_view", "engagement"].map((name) => sent.find((event) => event.name === name));
  near(told?.timestamp, idle, 300, "when it ended");
  near(told?.engagement_ms, idle - view?.timestamp, 300, "engagement");
});
