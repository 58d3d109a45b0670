// Builds dist/ from src/; `--check` proves that the committed dist/ is what src/ builds, and that it fits.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";
import { parameters } from "./parameters.mjs";

const ROOT = dirname(fileURLToPath(import.meta.url));
const DIST = join(ROOT, "dist");
const CORE_BUDGET = 4096; // bytes, gzipped
const WHOLE_BUDGET = 20480;
const TARGET = "es2020";

const modules = existsSync(join(ROOT, "src/modules"))
  ? readdirSync(join(ROOT, "src/modules"))
      .filter((file) => file.endsWith(".ts"))
      .map((file) => basename(file, ".ts"))
      .sort()
  : [];

/** A module's file is web-vitals.ts, what it exports webVitals. */
const exported = (module) => module.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

/**
 * A module's classic file registers by the queue of commands, under its name: the core or the page's stub stands before it.
 * To bring the stub along would cost all modules together more than half a kilobyte.
 */
const registering = (module) => `
  import { ${exported(module)} } from "./src/modules/${module}";
  footfall("use", ${exported(module)}, "${module}");
`;

// Found by trying some thousand orders on the core: 1 % smaller when packed than the order of their frequency in texts.
const LETTERS = "eatrikSuRhgAvOsqcNfox_nElyQC$GPMdLwXbpBzVDmWjZHJKFUTYI";

/** Short names in one order for all files. */
const NAMES = {
  get(n) {
    let name = "";
    for (n++; n > 0; n = Math.floor(n / LETTERS.length)) name += LETTERS[--n % LETTERS.length];
    return name;
  },
  consider() {},
  reset() {},
  sort() {},
};

const DECLARED = /\b(?:const|var) /g;
/** A quoted text on one line that DECLARED would change too. */
const QUOTED = /(["'`])(?:(?!\1)[^\\\n]|\\.)*?\b(?:const|var) (?:(?!\1)[^\\\n]|\\.)*\1/;

/** A classic file, made small: esbuild bundles, terser is better by 3 % at what budgets count. */
async function classic(options, path) {
  const [{ text }] = await bundle({ ...options, format: "iife", minifySyntax: true });
  const notices = text.match(/\/\*![^]*?\*\//g) || []; // terser loses those of what it moves elsewhere
  if (QUOTED.test(text)) throw new Error(`${path}: a text in the source contains "const " or "var "`);
  // One word for all declarations, and one order of letters for all files: what repeats packs better.
  const { code } = await minify(text.replace(DECLARED, "let "), {
    ecma: 2020,
    compress: { passes: 3, inline: 1 },
    mangle: { nth_identifier: NAMES },
    format: { comments: false },
  });
  writeFileSync(path, `${notices.join("")}${code}\n`);
}

async function bundle(options) {
  // Fields of classes are older than the rest of es2022, and web-vitals is smaller with them. Notices of licences stay.
  const supported = { "class-field": true };
  // Strictness is the compiler's here: "use strict" in each file would be 150 bytes.
  const tsconfigRaw = { compilerOptions: { alwaysStrict: false } };
  const shared = { bundle: true, charset: "utf8", target: TARGET, supported, tsconfigRaw, absWorkingDir: ROOT, legalComments: "inline", plugins: [parameters] };
  const { outputFiles } = await build({ ...shared, ...options, write: false });
  return outputFiles;
}

async function buildInto(out) {
  mkdirSync(join(out, "esm"), { recursive: true });
  await classic({ entryPoints: ["src/script.ts"] }, join(out, "footfall.js"));
  for (const module of modules) {
    const stdin = { contents: registering(module), resolveDir: ROOT, loader: "js" };
    await classic({ stdin }, join(out, `footfall.${module}.js`));
  }
  const entries = { index: "src/index.ts", ...Object.fromEntries(modules.map((m) => [m, `src/modules/${m}.ts`])) };
  for (const { path, contents } of await bundle({ format: "esm", entryPoints: entries, outdir: join(out, "esm") }))
    writeFileSync(path, contents);
  declare(join(out, "esm"));
  pack(out);
}

/** Types: index.d.ts, api.d.ts and one for each module, side by side as the .js files are. */
function declare(esm) {
  const types = mkdtempSync(join(tmpdir(), "footfall-types-"));
  try {
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const args = [tsc, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", types];
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
  } catch {
    process.exitCode = 1; // tsc has said why
  }
  for (const name of ["index", "api"]) move(join(types, `${name}.d.ts`), join(esm, `${name}.d.ts`));
  for (const module of modules) move(join(types, `modules/${module}.d.ts`), join(esm, `${module}.d.ts`));
  rmSync(types, { recursive: true });
}

/** Types find each other in the one folder, with the extension that Node's resolution asks for. */
function move(from, to) {
  writeFileSync(to, readFileSync(from, "utf8").replace(/"\.\.?\/([\w-]+)"/g, '"./$1.js"'));
}

/** .gz and .br beside each classic file, and the manifest. */
function pack(out) {
  const names = classicFiles(out);
  const whole = createHash("sha256");
  const files = {};
  for (const name of names) {
    const body = readFileSync(join(out, name));
    whole.update(body);
    const gzip = gzipSync(body, { level: 9 });
    const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
    const brotli = brotliCompressSync(body, { params: quality });
    writeFileSync(join(out, `${name}.gz`), gzip);
    writeFileSync(join(out, `${name}.br`), brotli);
    const integrity = `sha384-${createHash("sha384").update(body).digest("base64")}`;
    files[name] = { bytes: body.length, gzip: gzip.length, brotli: brotli.length, integrity };
  }
  const manifest = { version: whole.digest("hex").slice(0, 12), files };
  writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

const classicFiles = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".js"))
    .sort();

const allFiles = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();

const unpackers = { ".gz": gunzipSync, ".br": brotliDecompressSync };

/** What differs between dist/ and a build made now. Packed files are compared by what is in them: zlib's bytes differ by version. */
function differences(fresh) {
  const wrong = [];
  const [committed, built] = [existsSync(DIST) ? allFiles(DIST) : [], allFiles(fresh)];
  for (const name of new Set([...committed, ...built])) {
    if (!built.includes(name)) wrong.push(`${name} is built from nothing`);
    else if (!committed.includes(name)) wrong.push(`${name} is missing`);
    else if (name !== "manifest.json") {
      const unpack = unpackers[name.slice(-3)] ?? ((body) => body);
      const [ours, theirs] = [join(DIST, name), join(fresh, name)].map((path) => unpack(readFileSync(path)));
      if (!ours.equals(theirs)) wrong.push(`${name} is not what the source builds`);
    }
  }
  return wrong.length ? wrong : wrongManifest(fresh);
}

function wrongManifest(fresh) {
  const [committed, built] = [DIST, fresh].map((at) => JSON.parse(readFileSync(join(at, "manifest.json"), "utf8")));
  for (const [name, file] of Object.entries(built.files)) {
    file.gzip = readFileSync(join(DIST, `${name}.gz`)).length;
    file.brotli = readFileSync(join(DIST, `${name}.br`)).length;
  }
  return JSON.stringify(committed) === JSON.stringify(built) ? [] : ["manifest.json is not what the source builds"];
}

/** Bytes of core and all modules, gzipped together. */
const inOneFile = (folder) =>
  gzipSync(Buffer.concat(classicFiles(folder).map((name) => readFileSync(join(folder, name)))), { level: 9 }).length;

function overBudget({ files }) {
  const wrong = [];
  const core = files["footfall.js"].gzip;
  const whole = inOneFile(DIST);
  if (core >= CORE_BUDGET) wrong.push(`the core has ${core} bytes gzipped, its budget is ${CORE_BUDGET}`);
  if (whole >= WHOLE_BUDGET) wrong.push(`everything in one file has ${whole} bytes gzipped, its budget is ${WHOLE_BUDGET}`);
  return wrong;
}

/** The README says how large the files are; it must not say it wrongly. */
function wrongReadme({ files }) {
  const path = join(ROOT, "../README.md");
  if (!existsSync(path)) return []; // the tracker's folder alone
  const [core, whole] = [files["footfall.js"].gzip, inOneFile(DIST)].map((size) => size.toLocaleString("en"));
  const line = `core ${core} bytes gzipped, with all modules in one file ${whole}`;
  return readFileSync(path, "utf8").includes(line) ? [] : [`README.md does not say "${line}"`];
}

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));

async function check() {
  const fresh = mkdtempSync(join(tmpdir(), "footfall-dist-"));
  try {
    await buildInto(fresh);
    const wrong = differences(fresh);
    if (wrong.length) wrong.push("run `npm run build` and commit tracker/dist");
    else wrong.push(...overBudget(manifestOf(DIST)), ...wrongReadme(manifestOf(DIST)));
    for (const line of wrong) console.error(line);
    if (wrong.length) process.exitCode = 1;
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

function tell({ files, version }) {
  for (const [name, file] of Object.entries(files)) {
    console.log(`${name.padEnd(28)} ${file.bytes} bytes, ${file.gzip} gzipped, ${file.brotli} brotli`);
  }
  console.log(`version ${version}`);
}

if (process.argv.includes("--check")) await check();
else {
  rmSync(DIST, { recursive: true, force: true });
  await buildInto(DIST);
  tell(manifestOf(DIST));
  for (const line of [...overBudget(manifestOf(DIST)), ...wrongReadme(manifestOf(DIST))]) console.error(line);
}
