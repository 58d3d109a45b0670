/** Random ids. They have to differ, not to be secret; and on pages without TLS the browser has no function for them. */

/** A UUID of version 4. */
export const uuid = (): string =>
  "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (+digit ^ ((Math.random() * 16) >> (+digit / 4))).toString(16),
  );
