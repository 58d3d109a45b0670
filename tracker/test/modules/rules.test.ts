import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import rules from "../../src/modules/rules.json";
import { answer, labels, score } from "./labels";

const KINDS =
  "sign_up log_in add_to_cart checkout purchase contact subscribe search download share other".split(" ");
const FACTS = "tag text says marks classes href fields any".split(" ");

for (const table of ["clicks", "forms"] as const) {
  test(`${table}: each rule is a known kind, a known confidence and facts that can be asked`, () => {
    for (const [kind = "", confidence = "", ...conditions] of rules[table]) {
      assert.ok(KINDS.includes(kind), kind);
      assert.ok(["high", "medium", "low"].includes(confidence), confidence);
      assert.ok(conditions.length && conditions.length % 2 === 0, kind);
      conditions.forEach((one, i) => {
        if (i % 2 === 0) assert.ok(FACTS.includes(one), one);
        else for (const [, part] of one.matchAll(/\$([a-z]+)/g)) assert.ok(part! in rules.parts, part);
      });
    }
  });
}

const made = labels("labels.json");

test("at least 150 elements and forms are labelled, of every kind", () => {
  assert.ok(made.length >= 150);
  assert.deepEqual(new Set(made.map(({ expect }) => expect)), new Set(KINDS));
});

// The first table is the one that the rules were made with; the second was written afterwards and asked once.
for (const [file, high, recall] of [
  ["labels.json", 0.95, 0.8],
  ["labels-held.json", 0.95, 0.6],
] as const) {
  test(`${file}: what is said with high confidence is right`, (t) => {
    const scores = score(labels(file));
    const { said, right, wanted } = scores.high!;
    t.diagnostic(JSON.stringify(scores));
    assert.ok(right / said >= high, `${right} of ${said}`);
    assert.ok(right / wanted >= recall, `${right} of ${wanted}`);
  });
}

for (const text of ["Cart rules", "Contact lenses", "Sign up forms that convert", "Share price", "git checkout"]) {
  test(`${text} is nothing of the kind`, () => {
    assert.equal(answer({ on: "click", tag: "a", href: "/x", text, expect: "other" }).kind, "other");
  });
}

test("a rule is named by what it looks at and what it says", () => {
  assert.deepEqual(answer({ on: "click", tag: "a", href: "/signup", text: "Sign up", expect: "sign_up" }), {
    kind: "sign_up",
    confidence: "high",
    rule: "says:sign_up",
  });
});

test("the guide says these figures", () => {
  const guide = readFileSync(`${process.env.TRACKER}/../docs/tracker.md`, "utf8");
  const [made, held] = [score(labels("labels.json")), score(labels("labels-held.json"))];
  for (const confidence of ["high", "medium", "low"]) {
    const cells = [made[confidence]!, held[confidence]!].map(({ said, right }) => `${right} of ${said}`);
    const row = `| ${confidence} | ${cells.join(" | ")} |`;
    assert.ok(guide.includes(row), row);
  }
});
