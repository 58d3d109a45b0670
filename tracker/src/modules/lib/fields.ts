/** The fields of a form that may be named: never their values, and never those that hold secrets. */

import { ignored } from "./elements";
import { line } from "./text";

export type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

const SECRET =
  /^(?:password|hidden|submit|button|image|reset) |\bcc-|pass|pwd|\botp|one-time|card|\bcv[cv]|kennwort|\bpin\b|iban|\bssn\b|secret|token|captcha/i;

export const secret = (type: string, use: string, name: string): boolean => SECRET.test(`${type} ${use} ${name}`);

/** The field's name, or "" where it is not to be spoken of. */
export const fieldName = (field: Element): string => {
  const { type, name, id, autocomplete } = field as Field;
  const silent = !field.matches("input,select,textarea") || ignored(field);
  return silent || secret(type, autocomplete, `${name} ${id}`) ? "" : line(name || id || type, 48);
};

/** How long each field was stayed in, in the order in which they were come to. */
export interface Stays {
  times: Map<string, number>;
  /** To another field, or to none: "". */
  go(name: string, now: number): void;
}

export const stays = (): Stays => {
  const times = new Map<string, number>();
  let at = "";
  let since = 0;
  return {
    times,
    go(name, now) {
      if (at) times.set(at, Math.round(times.get(at)! + now - since));
      since = now;
      at = times.has(name) || times.size < 30 ? name : ""; // an event has no room for more
      if (at) times.set(at, times.get(at) || 0);
    },
  };
};
