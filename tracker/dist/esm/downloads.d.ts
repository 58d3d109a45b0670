/** file_download: a link to a file is followed. */
import type { Module } from "./api.js";
export declare const downloads: Module;
