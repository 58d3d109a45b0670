/** Random ids. */

/** A UUID of version 4; made by hand on pages without TLS, where the browser has no function for it. */
export const uuid = (): string => {
  if (crypto.randomUUID) return crypto.randomUUID();
  const random = crypto.getRandomValues(new Uint8Array(36));
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit, at: number) =>
    (+digit ^ ((random[at] as number) & (15 >> (+digit / 4)))).toString(16),
  );
};
