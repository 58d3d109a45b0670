/** form_start, form_submit, form_abandon and form_error; never what was filled in. */
import type { Module } from "./api.js";
export declare const forms: Module;
