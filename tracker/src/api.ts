/** What the core and its modules know of each other. */

export type Value = string | number | boolean | null;
export type Props = Record<string, Value | undefined>;

export interface More {
  revenue?: { amount: string | number; currency?: string };
  /** false: says nothing about somebody acting, so that a bounce remains one. */
  interactive?: boolean;
  /** Runs once the event is delivered, or given up for this page; after a second at the latest. */
  callback?: () => void;
}

/** An event as it goes over the wire. */
export interface Sent {
  name: string;
  url: string;
  props?: Record<string, Value>;
  [field: string]: unknown;
}

export interface Api {
  /** Queue an event of the page that is looked at. */
  send(name: string, props?: Props, more?: More): void;
  /** data-* options of the script (camelCase as in dataset), or init()'s options. */
  option(name: string): string | undefined;
  /**
   * "view": a page view has begun (and at once, if one is open);
   * "address": the address has changed, and the view remains: a redirect, or another query in the same place;
   * "leave": the page is left or hidden, last moment to send;
   * "event": every event before it is queued; it may be changed; return false to drop it.
   */
  on(hook: "view", run: (url: string) => void): void;
  on(hook: "address", run: (url: string) => void): void;
  on(hook: "leave", run: () => void): void;
  on(hook: "event", run: (event: Sent) => boolean | void): void;
  /**
   * Who the visitor is to the browser: client id (first-party identity) or the identified user;
   * "" where nobody may know.
   */
  visitor(): string;
  /**
   * First-party storage for what is no identity of its own and is allowed now;
   * null/false where storage is blocked, denied, opted out or GPC asks.
   */
  read(key: string): string | null;
  write(key: string, value: string | null): boolean;
  /** Add a command to footfall(): footfall(name, ...args). */
  command(name: string, run: (...args: any[]) => void): void;
}

export type Module = (api: Api) => void;
