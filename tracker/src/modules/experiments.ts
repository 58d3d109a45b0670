/** footfall("experiment", name, variants, callback): which variant somebody sees, by a hash alone. */

import type { Module } from "../api";
import { fraction } from "./lib/hash";
import { bounded } from "./lib/text";

export type Variants = string[] | Record<string, number>;

/**
 * The first variant whose share, added to those before it, exceeds the hash. Weights are added one by one, as
 * aggregations/definitions/experiments.py does: both give the same answer to the last bit. "" where the variants are none.
 */
export const assign = (visitor: string, experiment: string, variants: [string, number][]): string => {
  let upto = 0;
  const ends = variants.map(([, weight]) => (upto += weight >= 0 ? weight : NaN));
  const names = new Set(variants.map(([name]) => name));
  if (!(upto > 0 && upto < Infinity) || names.size < 2 || names.size < variants.length || names.has("")) return "";
  const at = fraction(`${experiment}/${visitor}`);
  return variants[ends.findIndex((end) => end / upto > at)]![0];
};

export const experiments: Module = (api) => {
  const exposed = new Set<string>();
  let told = false;
  api.on("view", () => exposed.clear());

  api.command(
    "experiment",
    (name: string, variants: Variants, callback?: (variant: string) => void, options?: { unit?: string }) => {
      // Of an object, names that are whole numbers come first: that is the language's.
      const choices: [string, number][] = Array.isArray(variants)
        ? variants.map((variant) => [String(variant), 1])
        : Object.entries(variants);
      const unit = String(options?.unit ?? "") || api.visitor();
      const variant = unit && assign(unit, String(name), choices);
      if (variant) {
        if (!exposed.has(name)) {
          const props = { experiment: bounded(String(name), 128), variant: bounded(variant, 128) };
          api.send("experiment_exposure", props, { interactive: false });
        }
        exposed.add(name);
      } else if (unit) console.warn("Footfall: no two variants with weights", name);
      else if (!told) {
        told = true;
        console.info("Footfall: nobody may know the visitor, experiments show their first variant");
      }
      callback?.(variant || (choices[0]?.[0] ?? ""));
    },
  );
};
