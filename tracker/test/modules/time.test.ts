import assert from "node:assert/strict";
import { test } from "node:test";
import { burst } from "../../src/modules/lib/burst";
import { repeats } from "../../src/modules/lib/repeats";

type Click = [time: number, x: number, y: number];
const bursts: [string, Click[], boolean[]][] = [
  ["three at one place", [[0, 5, 5], [300, 5, 5], [600, 5, 5]], [false, false, true]],
  ["each within a second of the one before", [[0, 0, 0], [1_000, 0, 0], [2_000, 0, 0]], [false, false, true]],
  ["too slow", [[0, 0, 0], [1_001, 0, 0], [1_500, 0, 0]], [false, false, false]],
  ["at the bound of place", [[0, 0, 0], [10, 30, 0], [20, 30, 30]], [false, false, true]],
  ["too far", [[0, 0, 0], [10, 31, 0], [20, 31, 0]], [false, false, false]],
  ["once a burst", [[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 0, 0]], [false, false, true, false, false]],
  [
    "a second burst",
    [[0, 0, 0], [1, 0, 0], [2, 0, 0], [5_000, 0, 0], [5_001, 0, 0], [5_002, 0, 0]],
    [false, false, true, false, false, true],
  ],
];
for (const [id, clicks, want] of bursts)
  test(`burst: ${id}`, () => {
    const enraged = burst();
    assert.deepEqual(clicks.map((click) => enraged(...click)), want);
  });

const told = (most: number, run: (seen: ReturnType<typeof repeats<string>>) => void): [string, number][] => {
  const out: [string, number][] = [];
  run(repeats<string>(most, 1_000, (what, count) => out.push([what, count])));
  return out;
};

test("what comes again is counted, and the sum is what happened", () => {
  const out = told(10, (seen) => {
    for (const at of [0, 10, 20]) seen.add("a", "A", at);
    seen.rest();
    seen.rest();
    seen.add("a", "A", 9_000);
    seen.rest();
  });
  assert.deepEqual(out, [["A", 1], ["A", 2], ["A", 1]]);
});

test("a second one within a second waits for the end", () => {
  const out = told(10, (seen) => {
    seen.add("a", "A", 0);
    seen.add("b", "B", 999);
    seen.add("c", "C", 1_000);
    seen.rest();
  });
  assert.deepEqual(out, [["A", 1], ["C", 1], ["B", 1]]);
});

test("only that many different ones, until the next page", () => {
  const out = told(2, (seen) => {
    for (let i = 0; i < 5; i++) seen.add(`${i}`, `${i}`, i * 2_000);
    seen.clear();
    seen.add("4", "4", 20_000);
  });
  assert.deepEqual(out, [["0", 1], ["1", 1], ["4", 1]]);
});
