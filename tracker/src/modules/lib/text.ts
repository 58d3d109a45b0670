/** Text that may leave the page: bounded, and without what could say who somebody is. */

const EMAIL = /[\p{L}\w.+-]+(?:@|%40)[\p{L}\w.-]+\.\p{L}{2,}/gu;
// A run of seven digits is a phone, an account or an order number; prices and years are shorter.
const DIGITS = /\d(?:[ .,/()-]{0,2}\d){6,}/g;

/** At most `most` characters, never half of one: the collector refuses text with halves of surrogate pairs. */
export const bounded = (text: string, most: number): string => text.slice(0, most).replace(/\p{Cs}/gu, "");

/** One line, its blanks squeezed, masked and bounded. */
export const line = (text: string, most: number): string =>
  bounded(text.slice(0, 2e3).replace(/\s+/g, " ").trim().replace(EMAIL, "[email]").replace(DIGITS, "[number]"), most);

/** An address, or nothing where it is none. `URL.canParse` is younger than browsers that people use. */
export const parsed = (href: string, base?: string): URL | undefined => {
  try {
    return new URL(href, base);
  } catch {
    return undefined;
  }
};

/** Host and path of an address: neither user, query nor fragment. */
export const place = (url: URL): string => line(url.host + url.pathname, 512);
