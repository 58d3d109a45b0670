/** The browser's storage under names of ours. Every touch of it may throw: cookies blocked, no room. */

export const PREFIX = "footfall.";
export const OPT_OUT = "optout";

const quietly = <T>(run: () => T): T | null => {
  try {
    return run();
  } catch {
    return null;
  }
};

export const get = (key: string): string | null => quietly(() => localStorage.getItem(PREFIX + key));

/** Store, or with null remove; whether that was possible. */
export const set = (key: string, value: string | null): boolean =>
  !!quietly(() => {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, value);
    return true;
  });

/** What was stored as JSON; null where nothing was, or somebody else has written there. */
export const load = <T>(key: string): T | null => quietly(() => JSON.parse(get(key) as string));

/** Names in use that begin so. */
export const names = (start: string): string[] =>
  Object.keys(quietly(() => localStorage) || {})
    .filter((key) => key.startsWith(PREFIX + start))
    .map((key) => key.slice(PREFIX.length));

/** Remove everything but the wish to be left alone. */
export const wipe = (): void => {
  for (const key of names("")) if (key !== OPT_OUT) set(key, null);
};
