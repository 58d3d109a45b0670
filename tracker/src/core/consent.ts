/** What may be sent, kept and known: states of consent, opting out, Global Privacy Control. */
import { listen } from "./hooks";
import { option } from "./options";
import { get, load, OPT_OUT, set, wipe } from "./storage";

export type State = "granted" | "denied";
export type States = Record<string, State>;

const KEY = "footfall.consent";
const STATE = /^ad_|_storage$/; // what else banners give along is none

let states: States | undefined;
let out = false; // also where no flag can be stored
let local = false;

/** The states that go with an event; none before anybody was asked. */
export const consentStates = (): States | undefined => states;

const analytics = (): State | undefined => states?.analytics_storage;
const required = (): boolean => option("consent") === "required";

/**
 * Nothing is sent, nor gathered for later. Another tab may have opted out meanwhile; who sends Global Privacy Control has
 * said it to all sites.
 */
export const silent = (): unknown =>
  local ||
  out ||
  get(OPT_OUT) ||
  (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl ||
  (required() && analytics() === "denied");

/** Events wait in memory for an answer. */
export const held = (): boolean => required() && analytics() !== "granted";

/** Whether something may be stored, and the visitor told from others. */
export const mayKeep = (): boolean => !silent() && !held() && analytics() !== "denied";

/** Take over an answer of the visitor's, and keep it where it allows that. Only a clear yes is one. */
export const decide = (given: Record<string, State | boolean>): void => {
  states = { ...states };
  for (const name in given)
    if (STATE.test(name)) states[name] = given[name] === true || given[name] === "granted" ? "granted" : "denied";
  if (analytics() === "denied") {
    set(KEY, "0"); // that it goes tells the other tabs, also where nothing was kept
    wipe();
  } else if (analytics() && mayKeep()) set(KEY, JSON.stringify(states));
};

/** As the page begins: from a local address nothing is sent; what was granted on an earlier page still is. */
export const begin = (isLocal: boolean): void => {
  local = isLocal;
  const first = option("consent") as State;
  const given = first && !required() ? { analytics_storage: first } : load<States>(KEY);
  if (given) decide(given);
  // A "no" in another tab takes away what was kept; it holds here too.
  listen("storage", ({ key, newValue }) => {
    if (key === KEY && !newValue && analytics() !== "denied") decide({ analytics_storage: "denied" });
  });
};

export const optOut = (): void => {
  out = true;
  wipe();
  set(OPT_OUT, "1");
};

export const optIn = (): void => {
  out = false;
  set(OPT_OUT, null);
};
