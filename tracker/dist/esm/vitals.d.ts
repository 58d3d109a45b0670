/*! web-vitals 5.3.0, Copyright Google LLC, Apache-2.0 */
/** web_vital: LCP, INP, CLS, FCP and TTFB of a page load, each once it is final. */
import type { Module } from "./api.js";
export declare const vitals: Module;
