import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Page, type Row, scene, until } from "../harness";
import { once, typed } from "./stored";

const FIRST_PARTY = 'data-identity="first-party"';
const named = (events: Row[], name: string) => events.filter((event) => event.name === name).map(typed);

const asked = (page: Page, name: string, variants: unknown, options?: unknown): Promise<string> =>
  page.evaluate(
    ([name, variants, options]) =>
      new Promise<string>((done) => (window as any).footfall("experiment", name, variants, done, options)),
    [name, variants, options] as const,
  );

scene("experiments: the golden answers, for units of the owner's", async (stage) => {
  const golden = JSON.parse(readFileSync(`${process.env.TRACKER}/../tests/golden/experiments.json`, "utf8")) as any[];
  const page = await stage.open(stage.page("/a", { modules: "experiments" }));
  const cases = golden.filter(({ visitor }) => visitor).slice(0, 60);
  for (const { experiment, visitor, variants, variant } of cases) {
    const named = variants.every(([name]: [string]) => !/^\d+$/.test(name));
    if (named) equal(await asked(page, experiment, Object.fromEntries(variants), { unit: visitor }), variant, experiment);
  }
});

scene("experiments: one exposure a page view, asked before the script is there", async (stage) => {
  const head = `<script>window.footfall=window.footfall||function(){(footfall.q=footfall.q||[]).push(arguments)}
    for (let i = 0; i < 3; i++) footfall("experiment", "hero", ["control", "blue"], (v) => (window.seen = [...(window.seen || []), v]))</script>`;
  const page = await stage.open(stage.page("/a", { modules: "experiments", attributes: `${FIRST_PARTY}`, head }));
  await page.waitForFunction(() => (window as any).seen?.length === 3);
  const seen = new Set(await page.evaluate(() => (window as any).seen as string[]));
  equal(seen.size, 1);
  await page.evaluate(() => history.pushState(0, "", "/b"));
  const again = await asked(page, "hero", { control: 1, blue: 1 });
  await stage.leave(page);
  const found = (await stage.events(5)).filter((event) => event.name === "experiment_exposure");
  deepEqual(found.map((event) => [event.path, typed(event).experiment, typed(event).variant]), [
    ["/a", "hero", again],
    ["/b", "hero", again],
  ]);
  deepEqual([...seen], [again]);
});

scene("experiments: where nobody may know the visitor, the first variant and no exposure", async (stage) => {
  const page = await stage.newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  await page.goto(stage.page("/a", { modules: "experiments" }));
  for (const name of ["one", "two"]) equal(await asked(page, name, ["control", "blue"]), "control");
  await stage.leave(page);
  deepEqual((await stage.events(2)).map((event) => event.name).sort(), ["engagement", "page_view"]);
  equal(said.filter((text) => text.includes("first variant")).length, 1);
});

for (const [share, kept] of [
  ["0.000001", false],
  ["0.999999", true],
] as const) {
  for (const identity of ["", FIRST_PARTY]) {
    scene(`sampling: ${share} ${identity || "cookieless"}`, async (stage) => {
      const attributes = `data-sample="${share}" ${identity}`;
      const page = await stage.open(stage.page("/a", { modules: "sampling,clicks", attributes, body: "<button onclick=\"this.dataset.n=1\">Go</button>" }));
      await page.click("button");
      await page.evaluate(() => (window as any).footfall("event", "mine"));
      await stage.leave(page);
      if (kept) {
        const events = await stage.events(4);
        deepEqual(events.map((event) => event.name).sort(), ["click", "engagement", "mine", "page_view"]);
        for (const event of events) ok(Math.abs(typed(event).sample_weight - 1 / Number(share)) < 1e-9);
      } else {
        // Another page of the same visitor's, counted in full, shows that the first one's events are not just late.
        const next = await stage.open(stage.page("/b"));
        await stage.leave(next);
        deepEqual((await stage.events(2)).map((event) => event.path), ["/b", "/b"]);
        equal(stage.sent().filter((event) => event.url.includes("/a")).length, 0);
      }
    });
  }
}

scene("sampling: a visitor is in or out on all pages", async (stage) => {
  const attributes = `data-sample="0.5" ${FIRST_PARTY}`;
  for (const path of ["/a", "/b", "/c", "/d", "/e", "/f"]) {
    const page = await stage.open(stage.page(path, { modules: "sampling", attributes }));
    await stage.leave(page);
  }
  const end = await stage.open(stage.page("/end"));
  await stage.leave(end);
  await stage.events(2);
  const paths = new Set(stage.sent().map((event) => new URL(event.url).pathname));
  ok(paths.size === 1 || paths.size === 7, [...paths].join());
});

scene("sampling: what is no share samples nothing", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "sampling", attributes: 'data-sample="ten"' }));
  await stage.leave(page);
  ok((await stage.events(2)).every((event) => !("sample_weight" in typed(event))));
});

scene("sampling: a page whose module cannot be had is counted", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "nonesuch", attributes: 'data-sample="0.5"' }));
  await stage.leave(page);
  equal((await stage.events(2)).length, 2);
});

const AFFILIATE = { modules: "affiliate", attributes: 'data-affiliate-events="lead"' };

scene("affiliate: the click id goes with conversions on later pages, and is told once a landing", async (stage) => {
  const landing = stage.page("/a", AFFILIATE);
  for (let i = 0; i < 2; i++) {
    const page = await stage.open(`${landing}?cjevent=ab12cd34`);
    await stage.leave(page);
  }
  const page = await stage.open(stage.page("/thanks", AFFILIATE));
  await page.evaluate(() => {
    const { footfall } = window as any;
    footfall("event", "order", { revenue: { amount: "9.50", currency: "EUR" }, props: { plan: "pro" } });
    footfall("event", "lead");
    footfall("event", "other");
  });
  await stage.leave(page);
  const events = await stage.events(10);
  deepEqual(named(events, "affiliate_click"), [{ network: "cj", parameter: "cjevent", click_id: "ab12cd34" }]);
  const told = { affiliate_network: "cj", affiliate_click_id: "ab12cd34" };
  deepEqual(named(events, "order"), [{ plan: "pro", ...told }]);
  deepEqual(named(events, "lead"), [told]);
  deepEqual(named(events, "other"), [{}]);
  ok(named(events, "page_view").every((props) => !props.affiliate_click_id));
});

scene("affiliate: a click counts for its window, and the newest one counts", async (stage) => {
  const url = stage.page("/a", { ...AFFILIATE, attributes: `${AFFILIATE.attributes} data-affiliate="shop:ref:2"` });
  const context = await stage.context();
  const lead = async (query: string, later = 0): Promise<void> => {
    const page = await context.newPage();
    if (later) await page.clock.setFixedTime(Date.now() + later);
    await page.goto(url + query);
    await page.evaluate(() => (window as any).footfall("event", "lead"));
    await stage.leave(page);
  };
  await lead("?cjevent=first");
  await lead("?ref=second");
  await lead("");
  await lead("", 1.9 * 864e5);
  await lead("", 2.1 * 864e5);
  const leads = () => once(stage.sent()).filter(({ name }) => name === "lead");
  await until(() => leads().length === 5, "five leads are sent");
  const ids = leads().map((event) => event.props.affiliate_click_id);
  deepEqual(ids, ["first", "second", "second", "second", undefined]);
});

scene("affiliate: where nothing may be kept, it is known on its own page alone", async (stage) => {
  const url = stage.page("/a", { ...AFFILIATE, attributes: `${AFFILIATE.attributes} data-consent=denied` });
  for (const query of ["?irclickid=x1", ""]) {
    const page = await stage.open(url + query);
    await page.evaluate(() => (window as any).footfall("event", "lead"));
    equal(await page.evaluate(() => localStorage.getItem("footfall.affiliate")), null);
    await stage.leave(page);
  }
  const events = await stage.events(7);
  deepEqual(named(events, "lead").map((props) => props.affiliate_click_id), ["x1", undefined]);
});
