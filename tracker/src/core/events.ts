/** An event: made, shown to the modules, queued. */
import type { More, Props, Sent, Value } from "../api";
import { url } from "./address";
import { consentStates, silent } from "./consent";
import { push } from "./delivery";
import { call, guarded } from "./hooks";
import { who } from "./identity";
import { uuid } from "./ids";
import { CALLBACK_MS, EVENT_BYTES } from "./limits";
import { entry, queue } from "./queue";

/** Runs once, and after a second at the latest: a link may wait for it. */
const bounded = (run: (() => void) | undefined): (() => void) => {
  const once = (): void => {
    if (run) guarded(run);
    run = undefined;
  };
  setTimeout(once, CALLBACK_MS);
  return once;
};

/** Whoever may be known, and what the visitor has agreed to, as of now. */
const stamp = (event: Sent): Sent =>
  Object.assign(event, who(event.timestamp as number), { consent: consentStates() });

/** Make and queue an event; undefined where it was not. */
export const emit = (fields: Omit<Sent, "url">, callback?: () => void): Sent | undefined => {
  if (!silent()) {
    const event = stamp({
      url: url(),
      timestamp: Date.now(),
      event_id: uuid(),
      screen: `${screen.width}x${screen.height}`,
      language: navigator.language,
      ...fields,
    } as unknown as Sent);
    if (!call("event", event).includes(false)) {
      const made = entry(event, callback && bounded(callback));
      if (made.size_ < EVENT_BYTES) {
        push(made);
        return event;
      }
      console.warn("Footfall: too large", event.name);
    }
  }
  callback?.();
  return undefined;
};

/** What is no value becomes text; what is undefined falls away. */
const plain = (value: unknown): Value =>
  Object(value) === value || typeof value === "bigint" ? String(value) : (value as Value);

export const send = (name: string, props?: Props, more: More = {}): void => {
  const { revenue, interactive, callback } = more;
  const values: Record<string, Value> = {};
  for (const prop of Object.keys(props || {})) values[prop] = guarded(() => plain(props![prop])) as Value;
  emit({ name: String(name), props: values, revenue, interactive }, callback);
};

/** What was held until now goes as whoever the visitor has allowed to know. */
export const release = (): void => {
  for (const held of queue) Object.assign(held, entry(stamp(held.event_), held.done_));
};
