/** Events that wait. Memory is the truth of a page; its copy in storage is for when the page is gone. */
import type { Sent } from "../api";
import { mayKeep } from "./consent";
import { uuid } from "./ids";
import { kept } from "./kept";
import {
  BODY_BYTES,
  GONE_MS,
  MEMORY_BYTES,
  MEMORY_EVENTS,
  SAVE_MS,
  STORED_BYTES,
  STORED_EVENTS,
} from "./limits";
import { load, names, quietly, set } from "./storage";
import { view } from "./title";

export interface Entry {
  event: Sent;
  size: number; // bytes
  done?: (() => void) | undefined;
  told?: boolean; // given to a beacon of which nobody knows whether it arrived
}

const COPIES = "footfall.q.";

const encoder = new TextEncoder();
const key = COPIES + uuid();
let saving = 0;

export let queue: Entry[] = [];
/** What is on its way, not yet answered. */
export const flying: Entry[] = [];

export const entry = (event: Sent, done?: () => void): Entry => ({
  event,
  size: encoder.encode(JSON.stringify(event)).length + 1,
  done,
});

/**
 * Head and events as JSON, as they are sent or stored: addresses without what need not leave the browser. In memory they
 * are whole, for modules and the next route. Each event by itself, since old libraries give lists a toJSON that makes
 * them text. Halves of characters, as they stand at the end of shortened text, go: no collector could read what stands
 * around them.
 */
export const packed = (head: object, events: Sent[]): string =>
  `${JSON.stringify(head).slice(0, -1)},"events":[${events.map((event) =>
    JSON.stringify({ ...event, url: kept(event.url), referrer: kept(event.referrer) }),
  )}]}`.replace(
    /(\\\\)|\\ud.../g,
    "$1",
  );

/** How many of the oldest do not fit. */
export const excess = (entries: Entry[], events: number, bytes: number): number => {
  let from = entries.length;
  while (from && events-- && (bytes -= (entries[from - 1] as Entry).size) >= 0) from--;
  return from;
};

const lost = (event: Sent): number => (event.props?.dropped_before as number) || 0;

/** An event that says how many before it were dropped. It keeps the count wherever it goes, with its id. */
export const marked = (event: Sent, dropped: Entry[]): Sent => {
  const count = dropped.reduce((sum, gone) => sum + 1 + lost(gone.event), lost(event));
  return count ? { ...event, props: { ...event.props, dropped_before: count } } : event;
};

const bounded = (): void => {
  const dropped = queue.splice(0, excess(queue, MEMORY_EVENTS, MEMORY_BYTES));
  const [first] = queue;
  if (first && dropped.length) Object.assign(first.event, marked(first.event, dropped));
};

export const add = (entry: Entry): void => {
  queue.push(entry);
  saveSoon();
};

export const putBack = (entries: Entry[]): void => {
  queue.unshift(...entries);
  saveSoon();
};

export const clear = (): void => {
  queue = [];
};

/** The oldest, as far as they fit into a request and wait for no page to settle; of those that no beacon has, if asked. */
export const take = (fresh?: boolean): Entry[] => {
  let bytes = BODY_BYTES;
  const taken = queue.filter((entry) => {
    if (entry.event === view) bytes = 0; // nothing overtakes it
    return !(fresh && entry.told) && (bytes -= entry.size) > 0;
  });
  queue = queue.filter((entry) => !taken.includes(entry));
  saveSoon();
  return taken;
};

export const saveSoon = (): void => {
  saving = saving || (setTimeout(save, SAVE_MS) as unknown as number);
};

export const save = (): void => {
  clearTimeout(saving);
  saving = 0;
  bounded();
  const all = [...flying, ...queue];
  const from = excess(all, STORED_EVENTS, STORED_BYTES);
  const [first, ...others] = all.slice(from).map((entry) => entry.event);
  if (!first || !mayKeep()) {
    set(key, null);
    return;
  }
  // A hidden page may end without another word: others may take over at once.
  const at = document.hidden ? 0 : Date.now();
  set(key, packed({ at }, [marked(first, all.slice(0, from)), ...others]));
};

/** Take over what pages that are gone have left. One that is not gone after all sends twice, under the same ids. */
export const adopt = (): void => {
  if (!mayKeep()) return;
  for (const name of names(COPIES)) {
    const copy = load<{ at: number; events: Sent[] }>(name);
    // A moment still to come was told by a clock that was wrong.
    if (name === key || (copy && Math.abs(Date.now() - copy.at) < GONE_MS)) continue;
    // What is no copy of ours is somebody else's.
    quietly(() => putBack(copy!.events.map(({ ...event }) => entry(event))));
    save(); // first ours, then theirs goes
    set(name, null);
  }
};
