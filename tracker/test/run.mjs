// Runs the tests: TypeScript is bundled by esbuild, then `node --test` has plain files.
// `run.mjs` takes the pure code, `run.mjs browser` what needs a browser and a collector, `run.mjs routers` applications
// of other people's routers, built here; further words pick files.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { parameters } from "../parameters.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const [first, ...rest] = process.argv.slice(2);
const browser = ["browser", "routers"].includes(first);
const picks = browser ? rest : process.argv.slice(2);

const folder = join(ROOT, browser ? first : "test");
const tests = readdirSync(folder, { recursive: true })
  .filter((name) => !name.startsWith("node_modules"))
  .filter((name) => name.endsWith(".test.ts"))
  .filter((name) => !picks.length || picks.some((pick) => name.includes(pick)))
  .sort()
  .map((name) => join(folder, name));
if (!tests.length) throw new Error(`no test is named so: ${picks}`);

// Inside the project, so that packages are found; one file for all browser tests, so that they share a browser.
const out = mkdtempSync(join(ROOT, "node_modules/.tests-"));
const shared = { bundle: true, platform: "node", format: "esm", packages: "external", sourcemap: "inline", absWorkingDir: ROOT, plugins: [parameters] };
const all = [...tests.map((path) => `import ${JSON.stringify(path)};`), `import { performAll } from "./browser/harness"; performAll();`].join("\n");
try {
  if (browser) await build({ ...shared, stdin: { contents: all, resolveDir: ROOT }, outfile: join(out, "browser.mjs") });
  else await build({ ...shared, entryPoints: tests, outdir: out, outExtension: { ".js": ".mjs" } });
  const files = readdirSync(out, { recursive: true }).filter((name) => name.endsWith(".mjs"));
  const node = ["--enable-source-maps", "--test", "--test-reporter=spec", ...files.map((name) => relative(ROOT, join(out, name)))];
  const env = { ...process.env, TRACKER: ROOT };
  process.exitCode = spawnSync(process.execPath, node, { cwd: ROOT, env, stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
