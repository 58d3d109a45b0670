// What trackers cost a page: Footfall's, alone and with all modules, beside the scripts that Plausible and Umami publish.
//
//   make tracker && node bench/tracker_cost.mjs [rounds]
//
// One page, one server, one browser; each tracker is loaded in turn, round after round, at a quarter of the processor's
// speed and with nothing cached. Medians are told. The scripts of others come from the npm registry into a temporary
// folder; they are made small the way their own builds do it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(join(ROOT, "tracker/package.json"));
const { chromium } = require("playwright-core");
const { buildSync } = require("esbuild");
const { minify } = require("terser");

const ROUNDS = Number(process.argv[2] || 11);
const SLOWER = 4;
const PEERS = { plausible: "@plausible-analytics/tracker@0.4.6", umami: "umami@2.10.0" };
const LINKS = ["outbound", "downloads", "forms"]; // as much as Plausible's script does
const EVERYTHING = ["outbound", "downloads", "forms", "clicks", "errors", "vitals", "search", "video", "experiments", "affiliate"];

/** The published scripts of others, by name. */
async function peers() {
  const folder = mkdtempSync(join(tmpdir(), "footfall-peers-"));
  try {
    const source = (name, path) => {
      const place = join(folder, name);
      execFileSync("mkdir", [place]);
      const [packed] = JSON.parse(execFileSync("npm", ["pack", PEERS[name], "--json", "--pack-destination", place], { encoding: "utf8" }));
      execFileSync("tar", ["xzf", join(place, packed.filename), "-C", place]);
      return join(place, "package", path);
    };
    const small = async (code) => (await minify(code, { compress: { evaluate: false } })).code;
    const options = '{domain:"site.example",endpoint:"/sink",outboundLinks:true,fileDownloads:true,formSubmissions:true,logging:false}';
    const plausible = `import { init } from ${JSON.stringify(source("plausible", "plausible.js"))}; init(${options});`;
    const stdin = { contents: plausible, resolveDir: folder };
    const built = buildSync({ stdin, bundle: true, format: "iife", write: false, target: "es2020" }).outputFiles[0].text;
    const umami = readFileSync(source("umami", "src/tracker/index.js"), "utf8").replace("/api/send", "/sink");
    return { plausible: await small(built), umami: await small(umami) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const dist = (name) => readFileSync(join(ROOT, "tracker/dist", name), "utf8");

/** As the collector puts it together (collector/web/tracker_bundles.py). */
const together = (names) => {
  const python = join(ROOT, ".venv/bin/python");
  const program = "import sys; from collector.web.tracker_bundles import bundle; from collector.web.tracker_files import built; sys.stdout.buffer.write(bundle(built(), sorted(sys.argv[1:])))";
  return execFileSync(python, ["-c", program, ...names], { cwd: ROOT, encoding: "utf8" });
};

/** Each way to track: the tag, and the scripts that it needs. */
async function trackers() {
  const others = await peers();
  const tag = (path, attributes) => `<script defer src="${path}" ${attributes}></script>`;
  const footfall = 'data-site=site.example data-endpoint="/sink" data-local';
  return {
    none: { tag: "", files: {} },
    footfall: { tag: tag("/footfall.js", footfall), files: { "/footfall.js": dist("footfall.js") } },
    "footfall, links and forms": { tag: tag("/some.js", footfall), files: { "/some.js": together(LINKS) } },
    "footfall, ten modules": { tag: tag("/all.js", footfall), files: { "/all.js": together(EVERYTHING) } },
    "plausible, links and forms": { tag: tag("/plausible.js", ""), files: { "/plausible.js": others.plausible } },
    umami: { tag: tag("/umami.js", 'data-website-id=1 data-host-url=""'), files: { "/umami.js": others.umami } },
  };
}

/** A page with something on it: text, links, a form, an image that is its largest paint. */
const page = (tag) => {
  const text = Array.from({ length: 300 }, (_, n) => `<p>Paragraph ${n}, <a href="/p/${n}">a link</a>, some words to read.</p>`).join("");
  return `<!doctype html><html><head><title>A page</title><link rel=icon href="data:,">${tag}</head><body><h1>A page of a shop</h1>
    <button id=buy>Buy</button><form id=form><input name=q><button>Go</button></form>${text}</body></html>`;
};

class Server {
  constructor() {
    this.routes = new Map();
    this.packed = new Map();
    this.asked = 0;
    this.bytes = 0;
    this.server = createServer((request, response) => {
      const path = request.url.split("?")[0];
      if (request.method === "POST") {
        request.resume();
        request.on("end", () => response.writeHead(202, { "Content-Type": "application/json" }).end('{"accepted":1,"duplicates":0,"rejected":[]}'));
        return;
      }
      const route = this.routes.get(path);
      if (!route) return void response.writeHead(404).end();
      if (path.endsWith(".js")) {
        this.asked++;
        if (!this.packed.has(route)) this.packed.set(route, brotliCompressSync(route));
        const body = this.packed.get(route);
        this.bytes += body.length;
        const headers = { "Content-Type": "text/javascript", "Content-Encoding": "br", "Cache-Control": "no-store", "Content-Length": body.length };
        return void response.writeHead(200, headers).end(body);
      }
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" }).end(route);
    });
  }

  async start() {
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${this.server.address().port}`;
  }
}

const WATCH = `(() => {
  const seen = (window.seen = { long: [], lcp: 0, inp: 0 });
  const watch = (type, look, more = {}) => new PerformanceObserver((list) => list.getEntries().forEach(look)).observe({ type, buffered: true, ...more });
  watch("longtask", (entry) => seen.long.push(entry.duration));
  watch("largest-contentful-paint", (entry) => (seen.lcp = entry.startTime));
  watch("event", (entry) => entry.interactionId && (seen.inp = Math.max(seen.inp, entry.duration)), { durationThreshold: 16 });
})()`;

/** Milliseconds of the main thread in which scripts of these files were compiled or run, by the browser's own trace. */
const scripted = (events, paths, kinds = ["EvaluateScript", "v8.compile", "FunctionCall"]) => {
  const own = (event) => {
    const url = event.args?.data?.url || event.args?.fileName || "";
    return paths.some((path) => url.endsWith(path));
  };
  const counted = events.filter((event) => event.ph === "X" && kinds.includes(event.name) && own(event));
  counted.sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  let until = 0;
  let sum = 0;
  for (const { ts, dur } of counted) {
    sum += Math.max(0, ts + dur - Math.max(until, ts)); // what runs within another is counted once
    until = Math.max(until, ts + dur);
  }
  return sum / 1_000;
};

async function load(browser, server, base, { files }) {
  const context = await browser.newContext();
  const tab = await context.newPage();
  await tab.addInitScript(WATCH);
  const cdp = await context.newCDPSession(tab);
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  const events = [];
  cdp.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await cdp.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["devtools.timeline", "v8", "disabled-by-default-v8.compile"] } });
  server.asked = server.bytes = 0;
  await tab.goto(`${base}/page`, { waitUntil: "load" });
  await tab.waitForTimeout(700);
  const ended = new Promise((done) => cdp.once("Tracing.tracingComplete", done));
  await cdp.send("Tracing.end");
  await ended;
  const { asked, bytes } = server;
  await tab.click("#buy");
  await tab.waitForTimeout(200);
  const { long, lcp, inp } = await tab.evaluate("seen");
  await context.close();
  return { bytes, requests: asked, evaluate: scripted(events, Object.keys(files), ["EvaluateScript"]), start: scripted(events, Object.keys(files)), long: long.length, "long ms": long.reduce((sum, ms) => sum + ms, 0), lcp, inp };
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function main() {
  const ways = await trackers();
  const server = new Server();
  const base = await server.start();
  const executablePath = process.env.FOOTFALL_TEST_CHROMIUM || "/usr/bin/chromium";
  const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath, headless: true, args });
  const found = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  try {
    for (let round = -1; round < ROUNDS; round++) {
      const names = Object.keys(ways);
      for (let at = 0; at < names.length; at++) {
        const name = names[(at + round + names.length) % names.length];
        server.routes = new Map([["/page", page(ways[name].tag)], ...Object.entries(ways[name].files)]);
        const measured = await load(browser, server, base, ways[name]);
        if (round >= 0) found[name].push(measured); // the first round warms up
      }
    }
  } finally {
    await browser.close();
    server.server.close();
  }
  const columns = ["bytes", "requests", "evaluate", "start", "long", "long ms", "lcp", "inp"];
  console.log(`medians of ${ROUNDS} loads each, in turn, at a quarter of the processor's speed; bytes packed by Brotli, times in ms`);
  console.log(`| Tracker | ${columns.join(" | ")} |\n|---|${columns.map(() => "---|").join("")}`);
  for (const [name, rows] of Object.entries(found)) {
    const cells = columns.map((column) => median(rows.map((row) => row[column])));
    console.log(`| ${name} | ${cells.map((cell) => (Number.isInteger(cell) ? cell.toLocaleString("en") : cell.toFixed(1))).join(" | ")} |`);
  }
}

await main();
