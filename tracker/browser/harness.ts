/**
 * A stage for one test: a host of its own on a real site, a real browser, and the events that reached the engine.
 *
 *   scene("outbound links", async (stage) => {
 *     const page = await stage.open(stage.page("/a", { modules: "outbound" }));
 *     …
 *     await stage.leave(page);
 *     deepEqual((await stage.events(2)).map((event) => event.name), ["page_view", "outbound"]);
 *   });
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, describe, test } from "node:test";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { Collector, type Row, SITE, until } from "./collector";
import { type Answer, type Batch, built, STUB, Web } from "./web";

export { SITE, STUB, until };
export type { Answer, Batch, Page, Row };

// Not the headless shell: it keeps no page for the way back and renders none ahead.
const PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

export const program = (): string | undefined =>
  process.env.FOOTFALL_TEST_CHROMIUM ||
  PROGRAMS.flatMap((name) => (process.env.PATH || "").split(delimiter).map((folder) => join(folder, name))).find((path) =>
    existsSync(path),
  );

export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  // As people have it. Said here, since beacons of pages that are gone do not carry what a context claims.
  "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
  "--host-resolver-rules=MAP *.example 127.0.0.1",
];

export const LAUNCH = {
  executablePath: program() as string,
  headless: true,
  args: FLAGS,
  ignoreDefaultArgs: ["--disable-back-forward-cache"],
};

interface Set {
  collector: Collector;
  web: Web;
  browser: Browser;
  /** Browsers that no test has at the moment. */
  free: BrowserContext[];
}

let set: Promise<Set> | undefined;
const endings: (() => unknown)[] = [];

/** One collector and one browser for all tests of a run. */
const build = async (): Promise<Set> => {
  const collector = new Collector();
  endings.push(() => collector.stop());
  await collector.start();
  const web = await new Web(collector).start();
  endings.push(() => web.stop());
  const browser = await chromium.launch(LAUNCH);
  endings.push(() => browser.close());
  return { collector, web, browser, free: [] };
};

after(async () => {
  for (const end of endings.reverse()) await end();
});

let scenes = 0;

export class Stage {
  private readonly opened: (BrowserContext | Page)[] = [];
  private shared: BrowserContext | undefined;
  readonly number = ++scenes;
  readonly host = `s${this.number}.${SITE}`;

  constructor(private readonly set: Set) {}

  get web(): Web {
    return this.set.web;
  }

  /** The site's write key. */
  get key(): string {
    return this.set.collector.key;
  }

  get port(): number {
    return this.set.web.port;
  }

  url(path: string, host = this.host): string {
    return `http://${host}:${this.port}${path}`;
  }

  /** The script's tag. The core and its modules come from the collector, like everything that is sent. */
  script({ attributes = "", modules = "", from = this.url("/footfall.js", "collector.example") } = {}): string {
    return `<script defer src="${from}${modules && `?m=${modules}`}" data-site=${SITE} ${attributes}></script>`;
  }

  /** Serve a page with the tracker on it, and give its address. */
  page(path: string, { attributes = "", modules = "", body = "", head = STUB, script = this.script({ attributes, modules }), headers = {} } = {}): string {
    const title = `<title>Title of ${path}</title>`;
    const text = `<!doctype html><html><head>${title}${head}${script}</head><body style="margin:0">${body}</body></html>`;
    this.serve(path, () => ({ headers, body: text }));
    return this.url(path);
  }

  serve(path: string, answer: () => Answer | Promise<Answer>): void {
    this.web.served.set(this.host + path, answer);
  }

  /** A browser that no other test has had, for what holds for all its pages: its network, its clock. */
  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.set.browser.newContext(options);
    this.opened.push(context);
    return context;
  }

  /** A tab of a browser that other tests have had: each has a host of its own, and browsers store by host. */
  async newPage(): Promise<Page> {
    this.shared = this.shared || this.set.free.pop() || (await this.set.browser.newContext());
    const page = await this.shared.newPage();
    this.opened.push(page);
    page.on("popup", (other) => this.opened.push(other));
    return page;
  }

  async open(url: string, context: Pick<BrowserContext, "newPage"> = this): Promise<Page> {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }

  /** Leave the page, which makes the tracker send what it holds. */
  async leave(page: Page): Promise<void> {
    await page.goto("about:blank");
  }

  /** Batches that pages of this host have posted. */
  posted(): Batch[] {
    return this.web.posted(this.host);
  }

  /** Events that pages have sent so far, however they were answered, and however often each. */
  sent(): Row[] {
    return this.posted().flatMap((batch) => batch.body.events);
  }

  /** Each of them once. */
  told(): Row[] {
    return [...new Map(this.sent().map((event) => [event.event_id, event])).values()];
  }

  /** Wait until an event of that name has been sent. */
  async untilSent(name: string, count = 1): Promise<Row[]> {
    const found = (): Row[] => this.sent().filter((event) => event.name === name);
    return await until(() => (found().length < count ? null : found()), `${count} of ${name} are sent`);
  }

  /** Events that the collector has taken, each once, as soon as there are so many. Quicker than asking the engine. */
  async accepted(count: number): Promise<Row[]> {
    const taken = (): Row[] => {
      const events = this.posted().flatMap((batch) => (batch.status === 202 ? batch.body.events : []));
      return [...new Map(events.map((event) => [event.event_id, event])).values()];
    };
    const what = () => `${count} events are accepted; sent: ${this.sent().map((event) => event.name)}`;
    const found = await until(() => (taken().length < count ? null : taken()), what);
    await this.web.quiet();
    return taken().length === found.length ? found : taken();
  }

  /** Shut the gate before the collector for this host; without an answer, open it. */
  gate(shut?: (batch: Batch) => Answer | undefined): void {
    this.web.gate(this.host, shut);
  }

  /** All events of this host that the engine holds, once there are so many and nothing is on its way any more. */
  async events(count: number): Promise<Row[]> {
    const { collector, web } = this.set;
    const counted = async () => {
      const [row] = await collector.query(`select count() as n from events where hostname = '${this.host}'`);
      return Number(row?.n) >= count;
    };
    await until(counted, () => `${count} events are stored; sent: ${this.sent().map((event) => event.name)}`);
    await web.quiet();
    await collector.drained();
    return await this.stored();
  }

  async stored(): Promise<Row[]> {
    return await this.set.collector.query(
      `select *, toUnixTimestamp64Milli(timestamp) as at from events where hostname = '${this.host}' order by timestamp, name = 'page_view', event_id`,
    );
  }

  async query(sql: string): Promise<Row[]> {
    return await this.set.collector.query(sql);
  }

  async end(): Promise<void> {
    for (const one of this.opened) await one.close();
    if (this.shared) this.set.free.push(this.shared);
  }
}

type Play = (stage: Stage) => Promise<void>;

const together: [string, Play, number][] = [];
const alone: [string, Play, number][] = [];

/** A test on a stage of its own. Most of a scene is waiting, so some are played at once; not those that measure time. */
export const scene = (name: string, play: Play, { measures = false, seconds = 60 } = {}): void => {
  (measures ? alone : together).push([name, play, seconds]);
};

const perform = ([name, play, seconds]: [string, Play, number]): void => {
  const skip = program() ? false : `no Chromium (${PROGRAMS}; or FOOTFALL_TEST_CHROMIUM)`;
  const once = async (): Promise<void> => {
    set = set || build();
    const stage = new Stage(await set);
    try {
      await play(stage);
    } finally {
      await stage.end();
    }
  };
  // Six browsers and a collector on two processors: what fails amid that is played once more, and said to have been.
  test(name, { timeout: 2 * seconds * 1_000, skip }, async (t) => {
    try {
      await once();
    } catch (error) {
      t.diagnostic(`played again: ${error}`);
      await once();
    }
  });
};

/** Play what the files of tests have named. */
export const performAll = (): void => {
  describe("what measures time", () => alone.forEach(perform));
  describe("the rest", { concurrency: 6 }, () => together.forEach(perform));
};

export { built };
