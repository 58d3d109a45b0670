import { deepEqual, equal, ok } from "node:assert/strict";
import { type Page, type Row, scene } from "./harness";

const views = (events: Row[]): Row[] => events.filter((event) => event.name === "page_view");
const pages = (events: Row[]): string[] => views(events).map((view) => `${new URL(view.url).pathname} ${view.title}`);
const pause = (page: Page, ms: number): Promise<unknown> => page.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), ms);

scene("a title that comes long after the address, behind a placeholder, is the view's, though ten events wait", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate(async () => {
    const { footfall } = window as any;
    const later = (title: string, ms: number) => setTimeout(() => (document.title = title), ms);
    for (let n = 0; n < 9; n++) footfall("event", `early${n}`);
    later("Loading", 300);
    later("The title of b", 1_200);
    const fetched = window.fetch;
    let inside = true;
    (window as any).asked = [];
    window.fetch = (...args) => ((window as any).asked.push(inside), fetched(...args));
    history.pushState({}, "", "/b");
    inside = false;
    for (let n = 0; n < 10; n++) footfall("event", `of_b${n}`);
  });
  await stage.untilSent("page_view", 2);
  deepEqual(pages(stage.told()), ["/a Title of /a", "/b The title of b"]);
  deepEqual([...new Set(await page.evaluate<boolean[]>("asked"))], [false]); // nothing is sent within pushState
  const names = stage.told().filter((event) => event.name !== "engagement").map((event) => event.name);
  const at = names.lastIndexOf("page_view");
  ok(names.slice(at + 1).every((name) => name.startsWith("of_b")) && !names.slice(0, at).some((name) => name.startsWith("of_b")), names.join());
});

scene("the first view of a load waits for its title too", async (stage) => {
  const head = "<script>setTimeout(() => (document.title = 'Loaded'), 700)</script>";
  const page = await stage.open(stage.page("/a", { head }));
  await page.evaluate("for (let n = 0; n < 12; n++) footfall('event', 'e' + n)");
  await stage.untilSent("e11");
  deepEqual(pages(stage.told()), ["/a Loaded"]);
});

scene("the next page's title, set before its address as well as after, is never that of the page before", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate(() => {
    document.title = "The title of b";
    history.pushState({}, "", "/b");
  });
  await pause(page, 300);
  await page.evaluate(() => {
    history.pushState({}, "", "/c");
    document.title = "The title of c";
  });
  await pause(page, 300);
  await page.evaluate(async () => {
    const shown = new Promise((done) => addEventListener("popstate", done, { once: true }));
    history.back();
    await shown;
    await new Promise((done) => setTimeout(done, 400));
    document.title = "The title of b, again";
  });
  await stage.leave(page);
  await stage.accepted(7);
  deepEqual(pages(stage.told()), ["/a Title of /a", "/b The title of b", "/c The title of c", "/b The title of b, again"]);
});

scene("nothing of a page overtakes its view", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate(() => {
    const { footfall } = window as any;
    for (let n = 0; n < 25; n++) {
      if (n % 5 === 0) history.pushState({}, "", `/p${n}`);
      footfall("event", "seen");
    }
  });
  await stage.leave(page);
  await stage.accepted(31);
  const begun = new Set<string>();
  for (const { name, url } of stage.told()) {
    if (name === "page_view") begun.add(url);
    ok(begun.has(url), `${name} of ${url} came before its view`);
  }
  equal(begun.size, 6);
});
