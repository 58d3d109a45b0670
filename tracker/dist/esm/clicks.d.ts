/** click, rage_click and dead_click; and what data-footfall-event names. */
import type { Module } from "./api.js";
export declare const clicks: Module;
