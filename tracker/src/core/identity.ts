/** Who the visitor is to the browser. By default nobody: nothing is stored, and the collector's daily hash decides. */
import { mayKeep } from "./consent";
import { uuid } from "./ids";
import { NOTED_MS, SESSION_MS } from "./limits";
import { option } from "./options";
import { get, load, set } from "./storage";

const KEY = "footfall.id";

/** Client, session, time of the last event, user. */
interface Known {
  c: string;
  s: string;
  t: number;
  u?: string | undefined;
}

export interface Who {
  client_id?: string;
  session_id?: string;
  user_id?: string | undefined;
}

let user: string | undefined; // where nothing may be stored: of this page alone

/** The record after an event at that time: a session ends after thirty minutes without one. */
export const continued = (old: Known | null, at: number, name?: string): Known => {
  const last = Math.min(old?.t || 0, Date.now()); // later than now is what a clock said that was wrong
  return {
    c: old?.c || uuid(),
    s: (old && at - last < SESSION_MS && old.s) || uuid(),
    t: Math.max(at, last),
    u: name || old?.u,
  };
};

/** The fields that say so on an event of that time. */
export const who = (at: number): Who => {
  if (!mayKeep()) return {};
  if (option("identity") === "first-party") {
    const now = continued(load<Known>(KEY), at - (at % NOTED_MS), user);
    const text = JSON.stringify(now);
    if (text === get(KEY) || set(KEY, text)) return { client_id: now.c, session_id: now.s, user_id: now.u };
  }
  return { user_id: user };
};

/** The name for modules; as no event happens, the session is left as it is. */
export const visitor = (): string => {
  const { client_id, user_id } = who(load<Known>(KEY)?.t || Date.now());
  return client_id || user_id || "";
};

export const identify = (id: string): void => {
  user = id;
};

/** Somebody else from now on. */
export const reset = (): void => {
  user = undefined;
  set(KEY, null);
};
