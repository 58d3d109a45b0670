/** The browser's storage. Every touch of it may throw: cookies blocked, no room. */

export const PREFIX = "footfall."; // all names of ours
export const OPT_OUT = "footfall.optout";

export const quietly = <T>(run: () => T): T | null => {
  try {
    return run();
  } catch {
    return null;
  }
};

export const get = (key: string): string | null => quietly(() => localStorage[key] ?? null);

/** Store, or with null remove; whether that was possible. */
export const set = (key: string, value: string | null): boolean =>
  !!quietly(() => (value === null ? delete localStorage[key] : (localStorage[key] = value)) || true);

/** What was stored as JSON; null where nothing was, or somebody else has written there. */
export const load = <T>(key: string): T | null => quietly(() => JSON.parse(get(key) as string));

/** Names in use that begin so. */
export const names = (start: string): string[] =>
  Object.keys(quietly(() => localStorage) || {}).filter((key) => key.startsWith(start));

/** Remove everything but the wish to be left alone. */
export const wipe = (): void => {
  for (const key of names(PREFIX)) if (key !== OPT_OUT) set(key, null);
};
