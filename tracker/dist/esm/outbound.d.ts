/** outbound_click: a link to another site is followed. */
import type { Module } from "./api.js";
export declare const outbound: Module;
