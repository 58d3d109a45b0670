import { equal, match, notEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { continued } from "../../src/core/identity";

const MINUTE = 60_000;
const V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const first = continued(null, 1_000 * MINUTE);

test("a new client and a new session", () => {
  match(first.c, V4);
  match(first.s, V4);
  notEqual(first.c, first.s);
  equal(first.u, undefined);
});

for (const [minutes, same] of [[0, true], [29, true], [29.99, true], [30, false], [600, false], [-5, true]] as const) {
  test(`after ${minutes} minutes the session is ${same ? "the same" : "another"}`, () => {
    const next = continued(first, first.t + minutes * MINUTE);
    equal(next.s === first.s, same);
    equal(next.c, first.c);
    equal(next.t, first.t + Math.max(0, minutes) * MINUTE);
  });
}

test("a clock that ran hours ahead and was set right keeps the session, and the session still ends", () => {
  const ahead = { ...first, t: Date.now() + 300 * MINUTE };
  const next = continued(ahead, Date.now());
  equal(next.s, first.s);
  ok(next.t <= Date.now());
  notEqual(continued(next, next.t + 31 * MINUTE).s, first.s);
});

test("each event prolongs the session", () => {
  const next = continued(continued(first, first.t + 20 * MINUTE), first.t + 40 * MINUTE);
  equal(next.s, first.s);
});

test("the user stays until another is named", () => {
  const named = continued(first, first.t, "u1");
  equal(continued(named, first.t).u, "u1");
  equal(continued(named, first.t, "u2").u, "u2");
});

test("a record that somebody else has written is none", () => {
  match(continued({} as never, 5).c, V4);
  match(continued({} as never, 5).s, V4);
});
