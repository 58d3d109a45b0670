import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { type Entry, entry, excess, marked } from "../../src/core/queue";

const event = (name: string, more = {}): Entry => entry({ name, url: "https://a.example/", ...more });
const sized = (...sizes: number[]): Entry[] => sizes.map((size, n) => ({ ...event(`e${n}`), size_: size }));

for (const [what, sizes, events, bytes, dropped] of [
  ["nothing waits", [], 3, 100, 0],
  ["all fit", [10, 10, 10], 3, 100, 0],
  ["all fit exactly", [10, 10, 10], 3, 30, 0],
  ["too many", [10, 10, 10, 10], 3, 100, 1],
  ["too large by a byte", [10, 10, 10], 3, 29, 1],
  ["a large one among small ones takes the older ones along", [10, 90, 10], 3, 99, 2],
  ["the newest alone is too large", [10, 200], 3, 100, 2],
] as const) {
  test(`how many of the oldest do not fit: ${what}`, () => {
    equal(excess(sized(...sizes), events, bytes), dropped);
  });
}

test("size is in bytes, with the comma behind it", () => {
  const made = event("ü");
  equal(made.size_, Buffer.byteLength(JSON.stringify(made.event_)) + 1);
});

test("what was dropped is counted on the next event, and carried on when that is dropped too", () => {
  const next = event("next").event_;
  equal(marked(next, []), next);
  const once = marked(next, [event("a"), event("b")]);
  deepEqual(once.props, { dropped_before: 2 });
  equal(next.props, undefined);
  const twice = marked(event("last", { props: { plan: "pro" } }).event_, [{ ...event("x"), event_: once }, event("c")]);
  deepEqual(twice.props, { plan: "pro", dropped_before: 4 });
  deepEqual(marked(twice, [event("d")]).props, { plan: "pro", dropped_before: 5 });
});
