/** What fields hold must not leave the page in a text of the page's own, such as the message of an error. */

import { FIELDS, listen, target } from "./elements";

const MASK = "[field]";
const LEAST = 3; // characters: less stands in every text
const MOST = 50; // fields
const LONG = 1_000; // of a longer value the beginning is looked for
const WORDS = /[\p{L}\p{N}]{5,}/gu;
// Browsers quote a stretch of what is no JSON, whose ends may be parts of words.
const QUOTED = /"[^]*"(?=\S* is not valid JSON)|(JSON Parse error).*/g;

const held = (field: Element): string => {
  const { value, type } = field as HTMLInputElement;
  return /^(?:submit|button|image|reset|checkbox|radio)$/.test(type) ? "" : `${value ?? field.textContent}`.trim();
};

const lower = (text: string): string => text.toLowerCase();

/** A value in whatever case and with whatever blanks: pages trim and fold what they take from fields. */
const pattern = (value: string): RegExp => {
  const source = value.slice(0, LONG).replace(/[^\p{L}\p{N}\s]/gu, "\\$&").replace(/\s+/g, "\\s+");
  return new RegExp(value.length > LONG ? `${source}[^]*` : source, "gi");
};

/** Gives what takes values of fields out of a text, whole and each of their words of five letters or more. */
export const withoutValues = (): ((text: string) => string) => {
  // What was typed last, since by the time of the error the field may be empty or gone.
  const typed = new Map<Element, string>();
  listen("input", (event: Event) => {
    const field = target(event);
    if (!field) return;
    typed.delete(field);
    typed.set(field, held(field));
    if (typed.size > MOST) typed.delete(typed.keys().next().value!);
  });

  return (text) => {
    const fields = Array.from(document.querySelectorAll(FIELDS)).slice(0, MOST);
    const values = [...fields.map(held), ...typed.values()].filter((value) => value.length >= LEAST);
    const words = new Set(values.flatMap((value) => lower(value).match(WORDS) || []));
    return values
      .sort((a, b) => b.length - a.length)
      .reduce((rest, value) => rest.replace(pattern(value), MASK), text.slice(0, 1e4))
      .replace(WORDS, (word) => (words.has(lower(word)) ? MASK : word))
      .replace(QUOTED, `$1${MASK}`);
  };
};
