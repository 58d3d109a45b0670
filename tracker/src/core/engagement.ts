/** How long the page was looked at, and how far down. */
import type { Sent } from "../api";
import { listen } from "./hooks";
import { IDLE_MS } from "./limits";

export interface Engagement extends Partial<Sent> {
  name: string;
  engagement_ms: number;
  scroll_depth: number;
  timestamp: number;
}

let engaged = 0; // ms, not yet told
let since = 0; // when the running stretch began; 0: the clock stands
let touched = 0; // when somebody last did something
let deepest = 0; // px from the top
let height = 0; // px, when it was last looked at
let told = 0; // percent

const watched = (): boolean => !document.hidden && document.hasFocus();

const tick = (): void => {
  const now = performance.now();
  if (since) engaged += Math.max(0, Math.min(now, touched + IDLE_MS) - since);
  since = watched() ? now : 0;
};

export const touch = (): void => {
  tick();
  touched = performance.now();
};

/** Applications put the next page in place before they say so: what counts was seen before. */
export const look = (): void => {
  deepest = Math.max(deepest, scrollY + innerHeight);
  height = document.scrollingElement?.scrollHeight || 0;
};

/** Begin anew with another page. Where it is scrolled to shows only once the application has drawn it. */
export const restart = (): void => {
  engaged = since = deepest = height = told = 0;
  touch();
};

/** What was not told yet; nothing where nothing happened. Told as of when it ended, not of when somebody left at last. */
export const report = (): Engagement | undefined => {
  tick();
  if (!height) look();
  const ms = Math.round(engaged);
  const depth = Math.max(told, height && Math.min(100, Math.round((100 * deepest) / height)));
  if (ms < 1 && depth === told) return undefined;
  engaged = 0;
  told = depth;
  const idle = Math.max(0, performance.now() - touched - IDLE_MS);
  return { name: "engagement", engagement_ms: ms, scroll_depth: depth, timestamp: Math.round(Date.now() - idle) };
};

export const watch = (): void => {
  listen("blur", tick);
  // Who goes on to another page has clicked or typed on this one.
  listen("scroll pointerdown keydown", () => {
    look();
    touch();
  });
  listen("focus pointermove", touch);
};
