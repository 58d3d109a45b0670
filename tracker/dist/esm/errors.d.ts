/** js_error: what went wrong in the page, each kind of trouble once, and how often when the page is left. */
import type { Module, Props } from "./api.js";
/** Addresses lose query and fragment, where they stand in a text too; what may say who somebody is is masked. */
export declare const cleaned: (text: string, most: number) => string;
/** What was thrown; nothing where it came from an extension of the browser. `clean` is for whole texts, before they are cut. */
export declare const described: (thrown: any, message: string, file: string, clean: (text: string) => string) => Props | undefined;
export declare const errors: Module;
