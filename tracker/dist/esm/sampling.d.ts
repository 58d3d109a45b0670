/** Only a share of the visitors is counted; each event says how many it stands for. */
import type { Module } from "./api.js";
export declare const sampling: Module;
