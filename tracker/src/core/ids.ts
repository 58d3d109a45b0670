/** A UUID of version 4; made by hand, since browsers have a function for it only on pages with TLS. */
export const uuid = (): string => {
  const random = crypto.getRandomValues(new Uint8Array(36));
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit: any, at: number) =>
    (digit ^ ((random[at] as number) & (15 >> (digit / 4)))).toString(16),
  );
};
