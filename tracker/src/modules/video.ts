/** video_start, video_progress and video_complete of <video> elements. */

import type { Module } from "../api";
import { ignored, listenInside, search, target } from "./lib/elements";
import { line } from "./lib/text";

interface Seen {
  source: string;
  step: number; // the next share to tell, in percent; past 75 the end is to come, past 100 nothing
}

export const video: Module = (api) => {
  const seen = new WeakMap<HTMLVideoElement, Seen>();

  const follow = (event: Event): void => {
    const { type } = event;
    const one = target(event);
    if (!(one instanceof HTMLVideoElement) || ignored(one)) return;
    const { currentSrc: source, duration, played, autoplay } = one;
    if (autoplay && one.muted && one.loop) return; // a moving background that nobody started
    const tell = (what: string, percent?: number): void => {
      const name = one.dataset.title || one.getAttribute("aria-label") || one.title || one.id;
      const props = {
        video: line(name || source.split(/[?#]/)[0]!.split("/").pop()!, 128) || "unnamed",
        duration: isFinite(duration) ? Math.round(duration) : undefined, // a live stream has no end
        percent,
      };
      api.send(`video_${what}`, props, { interactive: what === "start" && !autoplay });
    };

    let state = seen.get(one);
    // One that was found late has begun already.
    if (type !== "ended" && !one.paused && state?.source !== source) {
      seen.set(one, (state = { source, step: 25 }));
      tell("start");
    }
    if (state?.source !== source) return;
    // What was jumped over was not played.
    let seconds = 0;
    for (let i = 0; i < played.length; i++) seconds += played.end(i) - played.start(i);
    for (; state.step < 100 && (100 * seconds) / duration >= state.step; state.step += 25) tell("progress", state.step);
    if (type === "ended" && state.step < 125) {
      state.step = 125;
      tell("complete");
    }
  };

  for (const type of ["playing", "timeupdate", "ended"]) listenInside(type, follow);
  search();
  api.on("view", () => setTimeout(search, 1_000)); // applications draw after they have changed the address
};
