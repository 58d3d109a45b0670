/** What a click or a form is for, by the first rule that fits. The rules are data: rules.json. */

/** What rules look at: each a plain line of small letters, as facts.ts makes it. */
export interface Facts {
  tag: string;
  /** what is read on it */
  text: string;
  /** id, name, role and data attributes, parted by | */
  marks: string;
  classes: string;
  /** where it leads */
  href: string;
  /** what a form's fields are for */
  fields: string;
  /** words of marks, classes, href and text */
  any: string;
}

/**
 * Kind, confidence, facts and the regular expressions that they must all fit: ["log_in", "high", "says", "sign ?in"].
 * `$name` in one stands for a part; "says" is the text as a whole. Facts and kind are the rule's name: "says:log_in".
 */
export type Rule = string[];

export interface Answer {
  kind: string;
  confidence: string;
  rule: string;
}

export const classifier = (rules: Rule[], parts: Record<string, string>): ((facts: Facts) => Answer) => {
  const compiled = rules.map(([kind, confidence, ...tests]) => ({
    answer: { kind, confidence, rule: `${tests.filter((_, i) => i % 2 === 0).join("+")}:${kind}` } as Answer,
    tests: tests.map((test, i) => {
      const source = test.replace(/\$([a-z]+)/g, (_, name: string) => parts[name]!);
      return new RegExp(tests[i - 1] === "says" ? `^(?:${source})$` : source);
    }),
    names: tests.map((name) => (name === "says" ? "text" : name) as keyof Facts),
  }));
  const none = { kind: "other", confidence: "low", rule: "none" };
  return (facts) =>
    compiled.find(({ tests, names }) => tests.every((fits, i) => i % 2 === 0 || fits.test(facts[names[i - 1]!])))
      ?.answer || none;
};
