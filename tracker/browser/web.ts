/** Where every host name leads: pages by host and path, and the collector behind a gate that can be shut. */
import { existsSync, readFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { ROOT, until } from "./collector";

export const STUB =
  '<script>typeof footfall=="function"||(window.footfall=function(){(footfall.q=footfall.q||[]).push(arguments)})</script>';

export interface Batch {
  at: number;
  /** What the page was answered; 0 where the line was cut. */
  status: number;
  path: string;
  headers: Record<string, any>;
  body: { site?: string; key?: string; sent_at: number; events: Record<string, any>[] };
  bytes: number;
  /** Headers of the collector's answer. */
  answered?: Record<string, any>;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
}

type Served = (asked: IncomingMessage) => Answer | Promise<Answer>;

export class Web {
  port = 0;
  /** Pages and files by host and path. */
  readonly served = new Map<string, Served>();
  /** What pages of a host have asked for, without what the gate let through. */
  readonly asked: { host: string; path: string; headers: Record<string, any> }[] = [];
  private readonly batches = new Map<string, Batch[]>();
  private readonly gates = new Map<string, (batch: Batch) => Answer | undefined>();
  private busy = 0;
  private readonly server = createServer((asked, answer) => void this.answer(asked, answer));

  constructor(private readonly collector: { port: number }) {}

  async start(): Promise<this> {
    await new Promise<void>((ready) => this.server.listen(0, "127.0.0.1", ready));
    this.port = (this.server.address() as { port: number }).port;
    return this;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Batches that pages of a host have posted. */
  posted(host: string): Batch[] {
    return this.batches.get(host) || [];
  }

  /** Answer a host's batches in the collector's place; undefined lets one through. */
  gate(host: string, shut?: (batch: Batch) => Answer | undefined): void {
    if (shut) this.gates.set(host, shut);
    else this.gates.delete(host);
  }

  /** Nothing is on its way through the gate. */
  async quiet(): Promise<void> {
    await until(() => !this.busy, "the gate is quiet");
  }

  private async answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const host = (asked.headers.host || "").split(":")[0] as string;
    const path = (asked.url as string).split("?")[0] as string;
    if (host === "collector.example") return this.pass(asked, answer, path);
    this.asked.push({ host, path, headers: asked.headers });
    const found = this.served.get(host + path);
    const given = found ? await found(asked) : { status: path === "/favicon.ico" ? 204 : 404 };
    answer.writeHead(given.status || 200, { "Content-Type": "text/html; charset=utf-8", ...given.headers });
    answer.end(given.body || "");
  }

  private async pass(asked: IncomingMessage, answer: ServerResponse, path: string): Promise<void> {
    const parts: Buffer[] = [];
    this.busy++;
    answer.on("close", () => this.busy--);
    for await (const part of asked) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const batch = asked.method === "POST" ? this.note(asked, path, body) : undefined;
    const shut = batch && this.gates.get(batch[0])?.(batch[1]);
    if (shut) {
      (batch as [string, Batch])[1].status = shut.status || 0;
      if (!shut.status) return void asked.socket.destroy();
      const open = { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After" };
      answer.writeHead(shut.status, { ...open, ...shut.headers });
      return void answer.end();
    }
    const options = { host: "127.0.0.1", port: this.collector.port, path: asked.url, method: asked.method };
    const through = request({ ...options, headers: asked.headers } as object, (got) => {
      if (batch) Object.assign(batch[1], { status: got.statusCode, answered: got.headers });
      answer.writeHead(got.statusCode as number, got.headers);
      got.pipe(answer);
    });
    through.on("error", () => asked.socket.destroy());
    through.end(body);
  }

  private note(asked: IncomingMessage, path: string, body: Buffer): [string, Batch] {
    const host = new URL(asked.headers.origin as string).hostname;
    const parsed = JSON.parse(body.toString());
    const batch = { at: Date.now(), status: 0, path, headers: asked.headers, body: parsed, bytes: body.length };
    this.batches.set(host, [...this.posted(host), batch]);
    return [host, batch];
  }
}

/** A file of dist/, as a page of the site's own would serve it. */
export const built = (name: string): Answer => {
  const path = join(ROOT, "dist", name);
  if (!existsSync(path)) return { status: 404 };
  return { headers: { "Content-Type": "text/javascript; charset=utf-8" }, body: readFileSync(path, "utf8") };
};
