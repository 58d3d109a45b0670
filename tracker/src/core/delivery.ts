/** Events on their way: in batches by fetch, by beacon when the page goes, again when they did not arrive. */
import { held, silent } from "./consent";
import {
  ANSWER_MS,
  BATCH_EVENTS,
  BATCH_MS,
  RETRY_ASKED_MS,
  RETRY_FIRST_MS,
  RETRY_LAST_MS,
  TRUST_MS,
} from "./limits";
import { option } from "./options";
import { add, adopt, clear, type Entry, flying, packed, putBack, queue, save, saveSoon, take } from "./queue";
import { settle } from "./title";

let timer = 0;
let failures = 0;
// Both by the clock that nobody sets.
let resume = 0; // the collector has asked for quiet until then
let confirmed = -Infinity;

/** Doubles from a second to thirty; half of it is chance, so that pages do not come back all at once. */
export const backoff = (failures: number, chance = Math.random()): number =>
  Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** failures) * (0.5 + chance / 2);

/** Milliseconds that a Retry-After asks for: seconds or a date. A day at most, which is also what timers can hold. */
export const asked = (header: string | null, now: number): number =>
  Math.max(0, Math.min(RETRY_ASKED_MS, +header! * 1_000 || Date.parse(header!) - now || 0));

const body = (entries: Entry[]): string =>
  packed(
    { site: option("site"), key: option("key"), sent_at: Date.now() },
    entries.map((entry) => entry.event),
  );

const later = (ms: number): void => {
  timer = timer || (setTimeout(flush, ms) as unknown as number);
};

/** Whether a request may be made now. */
const open = (): boolean => {
  if (silent()) clear();
  return !held() && navigator.onLine && performance.now() >= resume;
};

export const push = (entry: Entry): void => {
  add(entry);
  // Not within the application's call, whatever that was.
  if (entry.done) queueMicrotask(now);
  else if (failures || queue.length < BATCH_EVENTS) later(BATCH_MS);
  else queueMicrotask(flush);
};

export const flush = async (): Promise<void> => {
  if (flying.length) return; // one request at a time
  clearTimeout(timer);
  timer = 0;
  const sent = open() ? take() : [];
  if (!sent.length) {
    if (queue.length) later(BATCH_MS); // looked at again: the network is away, the collector asks for quiet, a page settles
    return;
  }
  flying.push(...sent);
  let status = 0;
  let wait = 0;
  try {
    // Text needs no preflight request; no cookie is wanted.
    const answer = await fetch(option("endpoint") as string, {
      method: "POST",
      body: body(sent),
      keepalive: true,
      credentials: "omit",
      signal: AbortSignal.timeout?.(ANSWER_MS) as AbortSignal, // older browsers have none
    });
    status = answer.status;
    wait = asked(answer.headers.get("Retry-After"), Date.now());
  } catch {
    // not reached
  }
  flying.length = 0;
  if (status && status !== 408 && status !== 429 && status < 500) {
    // Other refusals would not be taken back at a second try either.
    failures = 0;
    if (status < 300) confirmed = performance.now();
    saveSoon();
    if (queue.length < BATCH_EVENTS) later(BATCH_MS);
    else flush();
  } else {
    putBack(sent); // with their ids, so that the collector counts them once
    resume = performance.now() + wait;
    later(Math.max(wait, backoff(failures++)));
  }
  for (const entry of sent) entry.done?.();
};

/** Somebody asks for it: what the page is now, it is. */
export const now = (): void => {
  settle();
  flush();
};

/** The page is hidden or left. A beacon tells nobody what became of it. */
export const sendNow = (): void => {
  settle();
  const trusted = performance.now() - confirmed < TRUST_MS;
  const doubtful: Entry[] = [];
  while (open()) {
    const sent = take(true);
    if (!sent.length) break;
    const taken = navigator.sendBeacon?.(option("endpoint") as string, body(sent));
    if (!taken || !trusted) doubtful.push(...sent);
    if (!taken) break; // the browser's share for what outlives pages is used up
    for (const entry of sent) {
      entry.told = true;
      entry.done?.();
    }
  }
  putBack(doubtful);
  save();
  if (queue.length) later(BATCH_MS);
};

/** What waited for the network goes at once. */
export const online = (): void => {
  adopt();
  now();
};
