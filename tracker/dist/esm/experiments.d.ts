/** footfall("experiment", name, variants, callback): which variant somebody sees, by a hash alone. */
import type { Module } from "./api.js";
export type Variants = string[] | Record<string, number>;
/**
 * The first variant whose share, added to those before it, exceeds the hash. Weights are added one by one, as
 * aggregations/definitions/experiments.py does: both give the same answer to the last bit. "" where the variants are none.
 */
export declare const assign: (visitor: string, experiment: string, variants: [string, number][]) => string;
export declare const experiments: Module;
