/** The click id that an affiliate network put on the landing page, kept first-party for the conversion. */
import type { Module } from "./api.js";
export declare const affiliate: Module;
