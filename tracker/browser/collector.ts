/** A real `footfall serve` in a folder of its own, and its engine to ask. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export const ROOT = process.env.TRACKER as string;
export const SITE = "site.example";
const PROJECT = join(ROOT, "..");

/** The Python that has Footfall: named, or of the project's own environment. */
const python = (): string => {
  const own = join(PROJECT, ".venv/bin/python");
  return process.env.FOOTFALL_TEST_PYTHON || (existsSync(own) ? own : "python3");
};

export const freePort = (): Promise<number> =>
  new Promise((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => found(port));
    });
  });

/** Wait until something holds, and give it. */
export const until = async <T>(check: () => T | Promise<T>, what: string | (() => string), seconds = 20): Promise<NonNullable<T>> => {
  const deadline = performance.now() + seconds * 1_000;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${typeof what === "string" ? what : what()}`);
    await new Promise((next) => setTimeout(next, 20));
  }
};

export type Row = Record<string, any>;

export class Collector {
  readonly folder = mkdtempSync(join(tmpdir(), "footfall-tracker-"));
  readonly data = join(this.folder, "data");
  port = 0;
  key = "";
  private process: ChildProcess | undefined;

  /** Start it with one site, which knows visitors by their client id where one is sent. */
  async start(settings = ""): Promise<this> {
    this.port = await freePort();
    this.configure(settings);
    await promisify(execFile)(...this.command("schema", "apply"));
    const told = await promisify(execFile)(...this.command("site", "add", SITE, "--identity", "first-party"));
    this.key = /wk_\S+/.exec(told.stdout)?.[0] as string;
    return await this.serve();
  }

  /** Settings of the collector, for its next start. */
  configure(settings = ""): void {
    writeFileSync(
      join(this.folder, "footfall.toml"),
      `data_dir = "data"\n[collector]\nport = ${this.port}\nsegment_max_age_seconds = 0.2\n` +
        `site_events_per_second = 0\naddress_requests_per_second = 0\n${settings}`,
    );
  }

  async serve(): Promise<this> {
    const log = openSync(join(this.folder, "serve.log"), "a");
    const [program, args, options] = this.command("serve");
    this.process = spawn(program, args, { ...options, stdio: ["ignore", log, log] });
    await until(() => this.answers(), "the collector answers", 60);
    return this;
  }

  private command(...words: string[]): [string, string[], { cwd: string }] {
    return [python(), ["-m", "cli.main", "--config", join(this.folder, "footfall.toml"), ...words], { cwd: PROJECT }];
  }

  private async answers(): Promise<boolean> {
    if (this.process?.exitCode !== null) throw new Error(this.log());
    return await fetch(`http://127.0.0.1:${this.port}/health/ready`).then((answer) => answer.ok, () => false);
  }

  log(): string {
    return readFileSync(join(this.folder, "serve.log"), "utf8");
  }

  /** Rows that a query gives, from the running engine. */
  async query(sql: string): Promise<Row[]> {
    const { password } = JSON.parse(readFileSync(join(this.data, "engine.json"), "utf8"));
    const text = await post(join(this.data, "engine.sock"), password, `${sql} format JSONEachRow`);
    return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  /** Wait until what has been accepted so far is loaded; others may be sending on. */
  async drained(): Promise<void> {
    // A segment keeps its name at the end of the new one when it is sealed, and stays until it is loaded.
    const waiting = () => ["open", "sealed"].flatMap((name) => readdirSync(join(this.data, "spool", name))).map((name) => name.split("~").pop());
    const before = new Set(waiting());
    await until(() => !waiting().some((name) => before.has(name)), "what was accepted is loaded", 60);
  }

  async halt(): Promise<void> {
    if (this.process?.exitCode === null) {
      const ended = new Promise((done) => this.process?.once("exit", done));
      this.process.kill("SIGINT");
      await ended;
    }
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.folder, { recursive: true });
  }
}

const post = (socketPath: string, password: string, sql: string): Promise<string> =>
  new Promise((done, failed) => {
    const headers = { "X-ClickHouse-User": "default", "X-ClickHouse-Key": password };
    const asked = request({ socketPath, method: "POST", headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => (text += part));
      answer.on("end", () => (answer.statusCode === 200 ? done(text) : failed(new Error(text))));
    });
    asked.on("error", failed).end(sql);
  });
