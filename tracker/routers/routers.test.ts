import { deepEqual, equal, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { type Page, type Stage, scene, until } from "../browser/harness";

const FOLDER = join(process.env.TRACKER || process.cwd(), "routers");
const SEARCH = "https://search.example/find";
// Each scene's visitor is one of its own: cookieless, all browsers of one machine are one.
const FIRST_PARTY = "data-identity=first-party";
const NAMES = ["home", "a", "b", "old"];

interface App {
  name: string;
  entry: string;
  /** Where pages come from: one for all addresses, each from the server, or what a build of its own has made. */
  pages: "one" | "each" | "built";
}

const APPS: App[] = [
  { name: "React Router", entry: "react.jsx", pages: "one" },
  { name: "Vue Router", entry: "vue.js", pages: "one" },
  { name: "SvelteKit", entry: "svelte", pages: "built" },
  { name: "Turbo", entry: "turbo.js", pages: "each" },
  { name: "htmx", entry: "htmx.js", pages: "each" },
];

const built = new Map<string, Promise<string>>();

/** An application as it is shipped, but for React's StrictMode, which is there in development alone. */
const bundled = (entry: string): Promise<string> => {
  const made =
    built.get(entry) ||
    build({
      entryPoints: [join(FOLDER, "apps", entry)],
      bundle: true,
      format: "iife",
      jsx: "automatic",
      write: false,
      logLevel: "error",
      define: {
        "process.env.NODE_ENV": '"development"',
        __VUE_OPTIONS_API__: "false",
        __VUE_PROD_DEVTOOLS__: "false",
        __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
      },
    }).then(({ outputFiles }) => outputFiles[0]?.text as string);
  built.set(entry, made);
  return made;
};

const KIT = join(FOLDER, "node_modules/.svelte");
let kit: Promise<unknown> | undefined;

/** SvelteKit builds itself: files by path, the page among them. */
const ofKit = async (): Promise<Map<string, string>> => {
  const vite = join(FOLDER, "node_modules/vite/bin/vite.js");
  const how = { cwd: join(FOLDER, "apps/svelte"), env: { ...process.env, OUT: KIT } };
  kit = kit || promisify(execFile)(process.execPath, [vite, "build"], how);
  await kit;
  const names = readdirSync(KIT, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(KIT.length), readFileSync(path, "utf8")]));
};

const title = (name: string): string => name[0]?.toUpperCase() + name.slice(1);

/** Serve an application under all its addresses. What a server renders has its title in its head. */
const served = async (stage: Stage, { entry, pages }: App, attributes = ""): Promise<string> => {
  if (pages === "built") {
    const files = await ofKit();
    const page = files.get("/index.html")?.replace("<head>", `<head>${stage.script({ attributes })}`) as string;
    for (const path of ["/", ...NAMES.map((name) => `/${name}`)]) stage.serve(path, () => ({ body: page }));
    for (const [path, body] of files)
      stage.serve(path, () => ({ headers: { "Content-Type": path.endsWith(".js") ? "text/javascript" : "text/html" }, body }));
    return stage.url("/");
  }
  const code = await bundled(entry);
  stage.serve("/app.js", () => ({ headers: { "Content-Type": "text/javascript" }, body: code }));
  const app = '<script defer src="/app.js"></script>';
  if (pages === "one") {
    const page = `<!doctype html><html><head><title>Loading</title>${stage.script({ attributes })}${app}</head><body><div id=app></div></body></html>`;
    for (const path of ["/", ...NAMES.map((name) => `/${name}`)]) stage.serve(path, () => ({ body: page }));
    return stage.url("/");
  }
  const links = NAMES.map((name) => `<a id=${name} href="/${name}">${name}</a>`).join(" ");
  for (const name of NAMES) {
    const head = `<title>${title(name)}</title>${stage.script({ attributes })}${app}`;
    const body = `<!doctype html><html><head>${head}</head><body hx-boost="true" hx-boost:inherited="true">${links}<h1>${title(name)}</h1></body></html>`;
    stage.serve(`/${name}`, async () => {
      await new Promise((done) => setTimeout(done, 200));
      return { body };
    });
  }
  stage.serve("/", () => ({ status: 302, headers: { Location: "/home" } }));
  stage.serve("/old", () => ({ status: 302, headers: { Location: "/b" } }));
  return stage.url("/");
};

const settled = async (page: Page, name: string): Promise<void> => {
  await page.waitForURL((url) => url.pathname === `/${name}`);
  await page.waitForFunction((expected) => document.title === expected, title(name));
  await page.waitForTimeout(300); // the tracker looks ten times a second, and nobody goes on sooner
};

const views = (stage: Stage): [string, string, string][] =>
  stage
    .told()
    .filter(({ name }) => name === "page_view")
    .sort((one, other) => one.timestamp - other.timestamp)
    .map(({ url, title: text, referrer }) => [new URL(url).pathname, text, referrer && new URL(referrer).pathname]);

for (const app of APPS) {
  scene(`${app.name}: each page once, with its path, its title and where it came from`, async (stage) => {
    const page = await (await stage.context()).newPage();
    await page.goto(await served(stage, app), { referer: SEARCH });
    await settled(page, "home");
    for (const name of ["a", "b"]) {
      await page.click(`#${name}`);
      await settled(page, name);
    }
    await page.goBack();
    await settled(page, "a");
    await page.goForward();
    await settled(page, "b");
    await stage.leave(page);
    await stage.accepted(5);
    deepEqual(views(stage), [
      ["/home", "Home", "/find"],
      ["/a", "A", "/home"],
      ["/b", "B", "/a"],
      ["/a", "A", "/b"],
      ["/b", "B", "/a"],
    ]);
  });

  scene(`${app.name}: gone before the title came; nothing has the title of another page`, async (stage) => {
    const page = await (await stage.context()).newPage();
    await page.goto(await served(stage, app));
    await settled(page, "home");
    await page.click("#a");
    await page.waitForURL((url) => url.pathname === "/a");
    await page.click("#b");
    await settled(page, "b");
    await stage.leave(page);
    await stage.accepted(3);
    const found = views(stage);
    deepEqual(found.map(([path]) => path), ["/home", "/a", "/b"]);
    equal(found[2]?.[1], "B");
    ok(found[1]?.[1] !== "B", `the title of /a: ${found[1]?.[1]}`);
  });

  scene(`${app.name}: a redirect is one view, of where it leads; landing on one may stay a bounce`, async (stage) => {
    const page = await (await stage.context()).newPage();
    await page.goto(await served(stage, app, FIRST_PARTY), { referer: SEARCH });
    await settled(page, "home");
    await stage.leave(page);
    const stored = await stage.events(1);
    equal(stored.filter(({ name }) => name === "page_view").length, 1);
    deepEqual(views(stage), [["/home", "Home", "/find"]]);
    const [visit] = await stage.query(
      `select count() as visits, countIf(bounce) as bounces from visits_merged
       where visit_id in (select visit_id from events where hostname = '${stage.host}')`,
    );
    deepEqual([Number(visit?.visits), Number(visit?.bounces)], [1, 1]);
    const again = await (await stage.context()).newPage();
    await again.goto(stage.url("/home"));
    await settled(again, "home");
    await again.click("#old");
    await settled(again, "b");
    await stage.leave(again);
    await stage.accepted(3);
    deepEqual(views(stage).slice(1).map(([path, text]) => [path, text]), [["/home", "Home"], ["/b", "B"]]);
  });

  scene(`${app.name}: engagement belongs to the page on which it was`, async (stage) => {
    const page = await (await stage.context()).newPage();
    await page.goto(await served(stage, app));
    await settled(page, "home");
    await page.mouse.move(20, 200);
    await page.waitForTimeout(400);
    await page.click("#b");
    await settled(page, "b");
    await page.mouse.move(40, 220);
    await page.waitForTimeout(200);
    await stage.leave(page);
    const found = await until(() => {
      const engaged = stage.told().filter(({ name }) => name === "engagement");
      return engaged.length >= 2 ? engaged : null;
    }, "two pages were engaged with");
    deepEqual([...new Set(found.map(({ url }) => new URL(url).pathname))].sort(), ["/b", "/home"]);
    const order = stage.told().map(({ name, url, timestamp }) => ({ name, path: new URL(url).pathname, timestamp }));
    for (const { path, timestamp } of order.filter(({ name }) => name === "engagement")) {
      const view = order.find((event) => event.name === "page_view" && event.path === path);
      ok(view && view.timestamp <= timestamp, `${path} is viewed before it is engaged with`);
    }
  });
}

for (const app of APPS.filter(({ pages }) => pages !== "each")) {
  scene(`${app.name}: what is typed into the address makes no views`, async (stage) => {
    const page = await (await stage.context()).newPage();
    await page.goto(await served(stage, app));
    await settled(page, "home");
    await page.locator("#search").pressSequentially("running shoes", { delay: 60 });
    await page.waitForURL((url) => url.searchParams.get("q") === "running shoes");
    await stage.leave(page);
    await stage.accepted(1);
    deepEqual(views(stage).map(([path]) => path), ["/home"]);
  });
}

scene("React, mounted twice: init again doubles neither views nor what modules see", async (stage) => {
  const [react] = APPS as [App];
  const start = `<script type=module>
    import { init } from "/tracker/index.js";
    import { downloads } from "/tracker/downloads.js";
    window.times = 0;
    window.mounted = () => { times++; init({ endpoint: "${stage.url("/v1/events", "collector.example")}", site: "site.example", modules: [downloads] }) };
  </script>`;
  const { built: file } = await import("../browser/harness");
  for (const name of ["index", "downloads"]) stage.serve(`/tracker/${name}.js`, () => file(`esm/${name}.js`));
  stage.script = () => start;
  const code = await bundled(react.entry);
  stage.serve("/app.js", () => ({ headers: { "Content-Type": "text/javascript" }, body: code }));
  const body = `<!doctype html><html><head><title>Loading</title>${start}<script type=module src="/app.js"></script></head><body><div id=app></div>
    <a id=file href="/guide.pdf" target=_blank>guide</a></body></html>`;
  for (const path of ["/", "/home", "/a"]) stage.serve(path, () => ({ body }));
  const page = await (await stage.context()).newPage();
  await page.goto(stage.url("/home"));
  await settled(page, "home");
  await page.waitForFunction("times >= 2");
  await page.click("#a");
  await settled(page, "a");
  await page.click("#file");
  await stage.leave(page);
  await stage.accepted(3);
  deepEqual(views(stage).map(([path]) => path), ["/home", "/a"]);
  equal(stage.told().filter(({ name }) => name === "file_download").length, 1);
});
