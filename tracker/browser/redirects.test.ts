import { deepEqual, equal, ok } from "node:assert/strict";
import { type Page, type Row, scene, STUB } from "./harness";

const views = (events: Row[]): Row[] => events.filter((event) => event.name === "page_view");
const paths = (events: Row[]): string[] => views(events).map((view) => new URL(view.url).pathname + new URL(view.url).search);
const pause = (page: Page, ms: number): Promise<unknown> => page.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), ms);

scene("a redirect on landing is one view, of its target, with the campaign and the referrer that led there", async (stage) => {
  const body = `<script>setTimeout(() => { history.replaceState({}, "", "/home?next=1"); document.title = "Home" }, 200)</script>`;
  stage.page("/", { body });
  stage.serve("/from", () => ({ body: `<a href="${stage.url("/?utm_source=news")}">Go</a>` }));
  const page = await stage.open(stage.url("/from"));
  await page.click("a");
  await page.waitForURL("**/home?next=1");
  await pause(page, 300);
  await stage.leave(page);
  const events = await stage.events(2);
  deepEqual(events.map(({ name, path, utm_source, title }) => [name, path, utm_source, title]), [
    ["page_view", "/home", "news", "Home"],
    ["engagement", "/home", "", ""],
  ]);
  equal(views(stage.told())[0]?.referrer, stage.url("/from"));
});

scene("a link to a redirect is one view; another path put in place later is one of its own", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("history.pushState({}, '', '/old')");
  await pause(page, 300);
  await page.evaluate("history.replaceState({}, '', '/new')");
  await pause(page, 2_600);
  await page.evaluate("history.replaceState({}, '', '/article-2')");
  await stage.leave(page);
  await stage.accepted(6);
  deepEqual(paths(stage.told()), ["/a", "/new", "/article-2"]);
  deepEqual(views(stage.told()).map((view) => new URL(view.referrer || "http://none/").pathname), ["/", "/a", "/new"]);
});

for (const [how, attributes] of [["none", ""], ["one once it is asked for", "data-query"]] as const) {
  scene(`another query in the place of the one before is no view, or ${how}`, async (stage) => {
    const page = await stage.open(stage.page("/search", { modules: "search", attributes }));
    await pause(page, 2_600);
    await page.evaluate(async () => {
      for (const term of ["s", "sh", "sho", "shoe", "shoes", "shoe", "shoes"]) {
        history.replaceState({}, "", `/search?q=${term}`);
        await new Promise((done) => setTimeout(done, 60));
      }
    });
    await stage.untilSent("site_search");
    await page.evaluate("history.pushState({}, '', '/search?q=shoes&page=2')");
    await stage.leave(page);
    await stage.accepted(attributes ? 6 : 5);
    const told = stage.told();
    deepEqual(told.filter(({ name }) => name === "site_search").map(({ props }) => props.term), ["shoes"]);
    const [first, ...others] = paths(told);
    equal(first, "/search");
    deepEqual(others, attributes ? ["/search", "/search"] : ["/search"]);
  });
}

scene("what is searched for is told when the page is left before typing has rested", async (stage) => {
  const page = await stage.open(stage.page("/search", { modules: "search" }));
  await page.evaluate("history.replaceState({}, '', '/search?q=hats'); history.pushState({}, '', '/hats/1')");
  await stage.leave(page);
  await stage.accepted(5);
  deepEqual(stage.told().filter(({ name }) => name === "site_search").map(({ props, url }) => [props.term, new URL(url).pathname]), [["hats", "/search"]]);
});

const HIDDEN = `<script>
  let seen = false;
  Object.defineProperty(document, "visibilityState", { get: () => (seen ? "visible" : "hidden") });
  Object.defineProperty(document, "hidden", { get: () => !seen });
  window.show = () => { seen = true; document.dispatchEvent(new Event("visibilitychange")) };
</script>`;

scene("a tab that is opened hidden is seen when it is shown, and sends nothing if it never is", async (stage) => {
  const never = await stage.open(stage.page("/never", { head: HIDDEN + STUB }));
  await never.evaluate("footfall('event', 'own'); footfall('flush'); history.pushState({}, '', '/never/2')");
  await stage.leave(never);
  equal(stage.posted().length, 0);
  const page = await stage.open(stage.page("/later", { head: HIDDEN + STUB }));
  await page.evaluate("show()");
  await stage.leave(page);
  await stage.accepted(2);
  deepEqual(paths(stage.told()), ["/later"]);
});

scene("a link that the application takes over by the Navigation API is a page", async (stage) => {
  const body = `<a id=link href="/b">Go</a><script>navigation.addEventListener("navigate", (event) => {
    if (event.canIntercept && new URL(event.destination.url).pathname !== "/out") event.intercept({ handler: async () => { document.title = "B" } });
  })</script>`;
  const page = await stage.open(stage.page("/a", { body }));
  await page.click("#link");
  await pause(page, 300);
  await page.evaluate("navigation.navigate('/c', { history: 'replace' }).finished");
  await stage.leave(page);
  await stage.accepted(4);
  deepEqual(paths(stage.told()), ["/a", "/c"]);
});

scene("with data-hash an anchor in the page is none", async (stage) => {
  const page = await stage.open(`${stage.page("/", { attributes: "data-hash" })}#/start`);
  for (const hash of ["#part", "#/about", "#top"]) {
    await page.evaluate((hash) => new Promise((done) => { addEventListener("hashchange", done, { once: true }); location.hash = hash; }), hash);
  }
  await stage.leave(page);
  await stage.accepted(4);
  deepEqual(paths(stage.told()), ["/start", "/about"]);
});

scene(
  "how far down a page was seen is measured on that page, though the next is in place before its address",
  async (stage) => {
    const page = await stage.open(stage.page("/long", { body: '<div id=box style="height:8000px"></div>' }));
    await page.evaluate("new Promise((done) => { addEventListener('scroll', done, { once: true }); scrollTo(0, 4000 - innerHeight) })");
    await pause(page, 200);
    await page.evaluate("document.querySelector('#box').style.height = '900px'; history.pushState({}, '', '/short')");
    await stage.leave(page);
    const told = (await stage.accepted(4)).filter(({ name }) => name === "engagement");
    const depth = told.find(({ url }) => url.endsWith("/long"))?.scroll_depth;
    ok(Math.abs(depth - 50) <= 3, `depth of /long: ${depth}`);
  },
  { measures: true },
);
