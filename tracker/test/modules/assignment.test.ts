import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assign } from "../../src/modules/experiments";
import networks from "../../src/modules/affiliate.json";
import { fraction, murmur3 } from "../../src/modules/lib/hash";
import { matcher, owned, type Pattern } from "../../src/modules/lib/matcher";

interface Case {
  experiment: string;
  visitor: string;
  variants: [string, number][];
  hash: number;
  variant: string;
}

// Written by aggregations/definitions/experiments.py; ClickHouse computes the same.
const golden = JSON.parse(readFileSync(`${process.env.TRACKER}/../tests/golden/experiments.json`, "utf8")) as Case[];

test(`all ${golden.length} golden cases have the same hash and variant here`, () => {
  assert.ok(golden.length > 400);
  for (const { experiment, visitor, variants, hash, variant } of golden) {
    assert.equal(murmur3(`${experiment}/${visitor}`), hash, experiment);
    assert.equal(assign(visitor, experiment, variants), variant, `${experiment}/${visitor}`);
  }
});

const wrong: [string, [string, number][]][] = [
  ["one variant", [["a", 1]]],
  ["a name twice", [["a", 1], ["a", 2]]],
  ["no name", [["", 1], ["b", 1]]],
  ["a negative weight", [["a", -1], ["b", 2]]],
  ["no weight at all", [["a", 0], ["b", 0]]],
  ["a weight that is none", [["a", NaN], ["b", 1]]],
  ["a weight without end", [["a", Infinity], ["b", 1]]],
];
for (const [id, variants] of wrong) test(`no assignment: ${id}`, () => assert.equal(assign("v", "x", variants), ""));

test("a share of a tenth takes about a tenth, whatever experiments do", () => {
  let taken = 0;
  for (let i = 0; i < 20_000; i++) if (fraction(`sample/visitor-${i}`) < 0.1) taken++;
  assert.ok(Math.abs(taken - 2_000) < 150, `${taken}`);
});

const match = matcher([...owned("shop:ref:7, other:cjevent:5,bad,worse:x:0"), ...(networks as Pattern[])]);
const landings: [string, string, { network: string; parameter: string; id: string; days: number } | undefined][] = [
  ["CJ", "?cjevent=ab12", { network: "other", parameter: "cjevent", id: "ab12", days: 5 }], // the owner's word stands
  ["in capitals", "?utm=1&IRCLICKID=Zz%2B9", { network: "impact", parameter: "irclickid", id: "Zz+9", days: 30 }],
  ["everflow", "?_ef_transaction_id=e1#top", { network: "everflow", parameter: "_ef_transaction_id", id: "e1", days: 30 }],
  ["the owner's", "?ref=r1", { network: "shop", parameter: "ref", id: "r1", days: 7 }],
  ["an order's transaction", "?transaction_id=5", undefined],
  ["TUNE's", "?transaction_id=5&aff_sub=x", { network: "tune", parameter: "transaction_id", id: "5", days: 30 }],
  ["empty", "?cjevent=", undefined],
  ["behind the fragment", "#?cjevent=1", undefined],
  ["part of a name", "?xcjevent=1", undefined],
  ["with blanks", "?cjevent=a%20b", undefined],
  ["too long", `?cjevent=${"x".repeat(501)}`, undefined],
];
for (const [id, query, want] of landings)
  test(`click id: ${id}`, () => assert.deepEqual(match(`https://shop.example/p${query}`), want));

test("every network has a window and a parameter that is no pattern", () => {
  for (const { network, parameter, days } of networks) {
    assert.match(network, /^[a-z0-9_-]+$/);
    assert.match(parameter, /^\w+$/);
    assert.ok(days > 0 && days <= 365);
  }
});
