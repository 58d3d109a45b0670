/** Made-up elements and forms with the kind that a person would give them, and how often the rules agree. */

import { readFileSync } from "node:fs";
import { classifier, type Answer, type Facts } from "../../src/modules/lib/classify";
import { facts, fieldsOf, type RawField } from "../../src/modules/lib/facts";
import rules from "../../src/modules/rules.json";

export interface Label {
  on: "click" | "form";
  tag?: string;
  type?: string;
  id?: string;
  name?: string;
  class?: string;
  role?: string;
  attrs?: Record<string, string>;
  href?: string;
  text?: string;
  action?: string;
  submit?: string;
  fields?: Partial<RawField>[];
  expect: string;
}

export interface Score {
  said: number;
  right: number;
  /** labels of a kind other than "other" */
  wanted: number;
}

const ORIGIN = "https://shop.example";

export const labels = (file: string): Label[] =>
  JSON.parse(readFileSync(`${process.env.TRACKER}/test/modules/${file}`, "utf8")) as Label[];

export const factsOf = (label: Label): Facts => {
  const { tag = "form", attrs = {}, href, action, text, submit, fields = [] } = label;
  const get = (name: string): string | null => attrs[name] ?? (label as unknown as Record<string, string>)[name] ?? null;
  const way = ("download" in attrs ? "download:" : "") + (href ?? action ?? "");
  const raw = fields.map((field) => ({ localName: "input", type: "text", name: "", autocomplete: "", ...field }));
  return { ...facts(tag, get, text ?? submit ?? "", way, ORIGIN), fields: fieldsOf(raw) };
};

const clicks = classifier(rules.clicks, rules.parts);
const forms = classifier(rules.forms, {});

export const answer = (label: Label): Answer => (label.on === "form" ? forms : clicks)(factsOf(label));

export const score = (all: Label[]): Record<string, Score> => {
  const scores: Record<string, Score> = {};
  const wanted = all.filter((label) => label.expect !== "other").length;
  for (const confidence of ["high", "medium", "low"]) {
    const said = all.map((label) => ({ label, said: answer(label) })).filter(({ said }) => said.confidence === confidence && said.kind !== "other");
    const right = said.filter(({ label, said }) => said.kind === label.expect);
    scores[confidence] = { said: said.length, right: right.length, wanted };
  }
  return scores;
};
