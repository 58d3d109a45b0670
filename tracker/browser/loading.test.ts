import { deepEqual, equal, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { built, type Page, scene, SITE, STUB, until } from "./harness";

/** What the console says from now on, but for what the browser itself says of files it did not find. */
const listen = (page: Page): string[] => {
  const said: string[] = [];
  page.on("console", (message) => message.text().startsWith("Failed to load") || said.push(message.text()));
  return said;
};

const MODULE = `(window.footfall = window.footfall || function () { (footfall.q = footfall.q || []).push(arguments) })("use", (api) => {
  const seen = [];
  api.on("view", (url) => seen.push(new URL(url).pathname));
  api.on("leave", () => api.send("left", { seen: seen.join(" "), option: api.option("probeWord") }, { interactive: false }));
  api.on("event", (event) => { if (event.name === "secret") return false; if (event.name === "changed") event.props.by = "module"; });
  api.on("event", () => { throw new Error("broken hook") });
  api.command("probe", (word) => api.send("probe", { word, who: api.visitor() !== "", wrote: api.write("probe", word), read: api.read("probe") }));
})`;

scene("modules: a site's own beside the script, under a strict policy; one that fails is one warning", async (stage) => {
  const collector = stage.url("", "collector.example");
  const files = { headers: { "Content-Type": "text/javascript" } };
  stage.serve("/footfall.js", () => built("footfall.js"));
  stage.serve("/probe.js", () => ({ ...files, body: MODULE }));
  stage.serve("/broken.js", () => ({ ...files, body: `footfall("use", () => { throw new Error("broken module") })` }));
  const script = `<script defer nonce=n1 src="/probe.js"></script><script defer nonce=n1 src="/broken.js"></script>
    <script defer nonce=n1 src="/footfall.js?v=1" data-site=${SITE} data-endpoint="${collector}/v1/in"
    data-probe-word=hello data-identity=first-party></script>`;
  const head = STUB.replace("<script", "<script nonce=n1") + `<script nonce=n1>footfall('probe', 'early')</script>`;
  const headers = { "Content-Security-Policy": `default-src 'none'; script-src 'nonce-n1'; style-src 'unsafe-inline'; connect-src ${collector}` };
  const page = await stage.newPage();
  const said = listen(page);
  await page.goto(stage.page("/a", { head, script, headers }));
  await page.evaluate(`footfall('event', 'secret'); footfall('event', 'changed', {props: {}}); footfall('probe', 'late');
    history.pushState({}, '', '/b'); footfall('nonsense')`);
  await stage.leave(page);
  const events = await stage.accepted(8);
  ok(!stage.sent().some((event) => event.name === "secret"));
  const props = (name: string) => stage.told().filter((event) => event.name === name).map((event) => event.props);
  deepEqual(props("changed"), [{ by: "module" }]);
  deepEqual(props("probe").map(({ word, who, wrote, read }: any) => [word, who, wrote, read]), [["early", true, true, "early"], ["late", true, true, "late"]]);
  equal(props("left")[0].seen, "/a");
  equal(props("left")[0].option, "hello");
  equal(props("left")[1].seen, "/a /b");
  ok(events.some((event) => event.name === "engagement"));
  ok(said.includes("Footfall: Error: broken module") || said.some((line) => line.includes("broken module")));
  equal(said.filter((line) => line.includes("nonsense")).length, 1);
  ok(!said.some((line) => /Content Security Policy/i.test(line)), said.join("\n"));
});

scene("as an ES module, with the same methods", async (stage) => {
  stage.serve("/tracker/index.js", () => built("esm/index.js"));
  const endpoint = stage.url("/v1/events", "collector.example");
  const script = `<script type=module>
    import { init } from "/tracker/index.js";
    window.tracker = init({ endpoint: "${endpoint}", site: "${SITE}", identity: "first-party", hash: true,
      modules: [(api) => api.command("hello", (n) => api.send("hello", { n, option: api.option("hash") }))] });
    window.same = init({ endpoint: "elsewhere" });
  </script>`;
  const page = await stage.open(stage.page("/", { script, head: "" }));
  await until(() => page.evaluate("!!window.same"), "started");
  await page.evaluate(async () => {
    const tracker = (window as any).tracker;
    tracker.identify("u-1", { plan: "pro" });
    tracker.event("order", { props: { n: 1 }, revenue: { amount: 5, currency: "EUR" } });
    tracker.command("hello", 2);
    (window as any).same.event("same");
    const routed = new Promise((done) => addEventListener("hashchange", done, { once: true }));
    location.hash = "#/about";
    await routed;
    tracker.pageview();
    await new Promise<void>((done) => tracker.event("last", { callback: done }));
    tracker.consent({ analytics_storage: false });
    tracker.reset();
    tracker.flush();
    tracker.optOut();
  });
  await stage.leave(page);
  const events = await stage.events(8);
  const named = stage.sent().filter((event) => event.name !== "engagement");
  deepEqual(named.map((event) => event.name), ["page_view", "identify", "order", "hello", "same", "page_view", "page_view", "last"]);
  deepEqual(events.filter((event) => event.name === "page_view").map((event) => event.path), ["/", "/about", "/about"]);
  deepEqual(named[3]?.props, { n: 2, option: "" });
  deepEqual(new Set(named.slice(1).map((event) => event.user_id)), new Set(["u-1"]));
});

scene("components that are mounted again: init, files of modules, and their names twice", async (stage) => {
  stage.serve("/tracker/index.js", () => built("esm/index.js"));
  stage.serve("/tracker/forms.js", () => built("esm/forms.js"));
  const endpoint = stage.url("/v1/events", "collector.example");
  const script = `<script type=module>
    import { init } from "/tracker/index.js";
    import { forms } from "/tracker/forms.js";
    const mount = () => init({ endpoint: "${endpoint}", site: "${SITE}", modules: [forms, (api) => api.on("view", () => api.send("seen"))] });
    mount(); mount(); mount().use(forms); window.tracker = mount();
  </script>`;
  const body = "<form id=f><input name=a><button>Send</button></form><script>f.onsubmit = () => false</script>";
  const page = await stage.open(stage.page("/a", { script, head: "", body }));
  await until(() => page.evaluate("!!window.tracker"), "started");
  await page.type("input", "x");
  await page.click("button");
  await stage.leave(page);
  await stage.accepted(5);
  deepEqual(stage.told().map(({ name }) => name).sort(), ["engagement", "form_start", "form_submit", "page_view", "seen"]);
});

scene("the file of a module that runs again with every page's body", async (stage) => {
  const file = stage.url("/footfall.outbound.js", "collector.example");
  const page = await stage.open(stage.page("/a", { modules: "outbound,outbound", body: "<a href='http://other.example/' target=_blank>Out</a>" }));
  const again = (file: string) => new Promise((done) => document.body.append(Object.assign(document.createElement("script"), { src: file, onload: done })));
  for (let n = 0; n < 3; n++) await page.evaluate(again, file);
  await page.evaluate("document.querySelector('a').addEventListener('click', () => setTimeout(() => footfall('event', 'after'), 50))");
  await page.click("a", { button: "left" });
  await stage.untilSent("after").catch(() => {});
  await stage.leave(page);
  await stage.accepted(4);
  equal(stage.told().filter(({ name }) => name === "outbound_click").length, 1);
});

scene("a page that loads only scripts with a hash", async (stage) => {
  const hash = createHash("sha384").update(built("footfall.js").body as string).digest("base64");
  const script = stage.script({ attributes: `integrity=sha384-${hash} crossorigin=anonymous` });
  const headers = { "Integrity-Policy": "blocked-destinations=(script)" };
  const page = await stage.open(stage.page("/a", { script, headers }));
  await stage.leave(page);
  deepEqual((await stage.accepted(2)).map(({ name }) => name).sort(), ["engagement", "page_view"]);
  await stage.leave(await stage.open(stage.page("/without", { headers })));
  await stage.leave(await stage.open(stage.page("/after")));
  await stage.accepted(4);
  deepEqual([...new Set(stage.sent().map(({ url }) => new URL(url).pathname))], ["/a", "/after"]);
});

scene("a page that is opened anew after it has loaded: what it says itself is sent, nothing else is seen", async (stage) => {
  const page = await stage.open(stage.page("/a"));
  await page.evaluate("document.open(); document.write('<p>New'); document.close(); footfall('event', 'mine'); footfall('flush')");
  await stage.untilSent("mine");
  await stage.leave(page);
  await stage.leave(await stage.open(stage.page("/after")));
  await stage.accepted(4);
  deepEqual(stage.sent().map(({ name, url }) => [name, new URL(url).pathname]).filter(([name]) => name === "engagement"), [["engagement", "/after"]]);
});
