/** From what stands in the page to what the rules look at. Nothing of this is sent. */

import { fillers } from "../rules.json";
import type { Facts } from "./classify";

export type Get = (attribute: string) => string | null;

export interface RawField {
  localName: string;
  type: string;
  name: string;
  autocomplete: string;
}

const FILLERS = new RegExp(fillers, "g");
const MARKS = "id name role data-action data-testid data-test data-qa data-event data-track data-cta".split(" ");

/** Small letters without accents; camelCase and every other sign part words. "Pay €49.00" becomes "pay". */
export const words = (text: string | null): string =>
  (text || "")
    .slice(0, 300)
    .replace(/([a-z])(?=[A-Z])/g, "$1 ")
    .toLowerCase()
    .replace(/ß/g, "ss")
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[^\p{L}]+/gu, " ")
    .trim();

/** `read` is what is read on the element, `address` where it leads, `origin` the page's. */
export const facts = (tag: string, get: Get, read: string, address: string, origin: string): Facts => {
  const marks = MARKS.map((name) => words(get(name))).join("|");
  const classes = words(get("class"));
  const text = `${words(read)} `.replace(FILLERS, "").trim();
  // /path?names&of&parameters, //other.host/path, mailto:somebody; values may hold addresses of their own.
  const href = address
    .replace(origin, "")
    .replace(/^https?:|=[^&#]*|\/(?=$|[?#])/g, "")
    .toLowerCase();
  return { tag, text, marks, classes, href, fields: "", any: [marks, classes, words(href), text].join("|") };
};

/** A form's fields by what they are for, in the order of the alphabet. */
export const fieldsOf = (fields: RawField[]): string =>
  fields
    .map(({ localName, type, name, autocomplete }) => {
      const is = (what: RegExp): boolean => what.test(autocomplete) || what.test(name);
      if (is(/\bcc-|card.?num|\bcv[cv]/i)) return "card";
      if (type === "password") return is(/^new-/) ? "new" : type;
      if (type === "email" || is(/^(?:e?-?mail|courriel|correo)/i)) return "email";
      if (type === "search" || is(/^(?:q|s|query|search)$/i)) return "search";
      if (localName === "textarea") return "message";
      if (is(/address|postal|street|strasse|\bzip|^plz$/i)) return "address";
      return /^(?:number|tel|file)$/.test(type) ? type : /^(?:select|check|radio)/.test(type) ? "choice" : "text";
    })
    .sort()
    .join(" ");
