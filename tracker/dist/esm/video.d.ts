/** video_start, video_progress and video_complete of <video> elements. */
import type { Module } from "./api.js";
export declare const video: Module;
