/** What happens again and again is told once, and how often it came when the page is left. Sums of counts are what was. */

export interface Repeats<T> {
  add(key: string, what: T, now: number): void;
  /** Tell what was not told yet. */
  rest(): void;
  /** A new page: what was seen may be told again. */
  clear(): void;
}

/** At most `most` different ones; of two that come within `apart` milliseconds the second waits for `rest`. */
export const repeats = <T>(most: number, apart: number, tell: (what: T, count: number) => void): Repeats<T> => {
  const seen = new Map<string, { what: T; count: number }>();
  let last = -Infinity;
  return {
    add(key, what, now) {
      const known = seen.get(key);
      if (known) known.count++;
      else if (seen.size < most) {
        const due = now - last >= apart;
        seen.set(key, { what, count: due ? 0 : 1 });
        if (!due) return;
        last = now;
        tell(what, 1);
      }
    },
    rest() {
      seen.forEach((one) => {
        if (one.count) tell(one.what, one.count);
        one.count = 0;
      });
    },
    clear: () => seen.clear(),
  };
};
