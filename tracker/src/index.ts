/** Footfall's tracker for applications that are built: `import { init } from "@footfall/tracker"`. */
import type { Module, More, Props } from "./api";
import type { Options as Given } from "./core/options";
import { start } from "./core/start";

export type { Api, Module, More, Props, Sent, Value } from "./api";

export interface Options {
  /** Where events are sent: the collector's address and /v1/in. */
  endpoint: string;
  /** The site's domain as registered; left out, the page's host name. */
  site?: string;
  /** The site's write key, where the collector asks for one. */
  key?: string;
  identity?: "cookieless" | "first-party";
  consent?: "required" | "denied" | "granted";
  /** What follows # is the page. */
  hash?: boolean;
  /** Send from local addresses too. */
  local?: boolean;
  /** A replaceState that changes only the query is a page. */
  query?: boolean;
  /** Count pages that are rendered ahead, or opened in a tab behind, before they are shown. */
  prerender?: boolean;
  /** Modules to use, imported from "@footfall/tracker/<module>". */
  modules?: Module[];
  /** Options of modules, named as their data-* attributes are in dataset. */
  [option: string]: unknown;
}

export type ConsentStates = Partial<
  Record<
    | "ad_storage"
    | "ad_user_data"
    | "ad_personalization"
    | "analytics_storage"
    | "functionality_storage"
    | "personalization_storage"
    | "security_storage",
    "granted" | "denied" | boolean
  >
>;

export interface Tracker {
  /** Count an event of yours. */
  event(name: string, more?: More & { props?: Props }): void;
  /** Say which account the visitor is; traits become properties of the event `identify`. */
  identify(userId: string, traits?: Props): void;
  /** Forget who the visitor is. */
  reset(): void;
  /** Count a view of the present address. */
  pageview(): void;
  /** Send now what waits. */
  flush(): void;
  consent(states: ConsentStates): void;
  /** Send nothing any more from this browser. */
  optOut(): void;
  optIn(): void;
  use(module: Module): void;
  /** A command that a module has brought. */
  command(name: string, ...args: unknown[]): void;
}

const COMMANDS = ["event", "identify", "reset", "pageview", "flush", "consent", "optOut", "optIn", "use"] as const;

let running: Tracker | undefined;

/**
 * Start the tracker; a second call gives the one that runs, and its options and modules are not looked at: components are
 * mounted again. On a server, where there is no page, nothing happens.
 */
export const init = (options: Options): Tracker => {
  if (running) return running;
  if (typeof document === "undefined") return saying(() => {});
  const { modules = [], ...rest } = options;
  ahead(modules);
  return (running = saying(start(asData(rest))));
};

const saying = (command: Tracker["command"]): Tracker => {
  const tracker = { command } as Record<string, (...args: any[]) => void>;
  for (const name of COMMANDS) tracker[name] = (...args) => command(name, ...args);
  return tracker as unknown as Tracker;
};

/** Modules come before all that waits: the first page view is theirs too. */
const ahead = (modules: Module[]): void => {
  const uses = modules.map((module): [string, Module] => ["use", module]);
  const before = window.footfall;
  if (before?.loaded === true) uses.forEach((use) => before(...use));
  else window.footfall = Object.assign(() => {}, { q: ([] as [string][]).concat(uses as never, (before?.q || []) as never) });
};

/** Options as they would stand in data-* attributes. */
const asData = ({ ...options }: Record<string, unknown>): Given => {
  if (!options.key && !options.site) options.site = location.hostname;
  const told = Object.entries(options).filter(([, value]) => value !== undefined && value !== null && value !== false);
  return Object.fromEntries(told.map(([name, value]) => [name, value === true ? "" : String(value)]));
};
