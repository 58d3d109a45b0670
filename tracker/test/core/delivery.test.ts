import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { asked, backoff } from "../../src/core/delivery";

test("tries again after 1, 2, 4, 8, 16, 30, 30 seconds, half of it by chance", () => {
  const failures = [0, 1, 2, 3, 4, 5, 6, 60];
  deepEqual(failures.map((n) => backoff(n, 1)), [1e3, 2e3, 4e3, 8e3, 16e3, 30e3, 30e3, 30e3]);
  deepEqual(failures.map((n) => backoff(n, 0)), [500, 1e3, 2e3, 4e3, 8e3, 15e3, 15e3, 15e3]);
  const drawn = new Set(Array.from({ length: 50 }, () => backoff(5)));
  ok(drawn.size > 40);
});

const NOW = Date.parse("2026-11-20T12:00:00Z");
for (const [header, ms] of [
  [null, 0],
  ["", 0],
  ["0", 0],
  ["7", 7_000],
  ["Fri, 20 Nov 2026 12:00:09 GMT", 9_000],
  ["Fri, 20 Nov 2026 11:59:00 GMT", 0],
  ["soon", 0],
  ["99999999", 86_400_000],
] as const) {
  test(`Retry-After: ${header}`, () => equal(asked(header, NOW), ms));
}
