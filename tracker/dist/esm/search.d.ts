/** site_search: a page shows what was searched for. */
import type { Module } from "./api.js";
export declare const search: Module;
