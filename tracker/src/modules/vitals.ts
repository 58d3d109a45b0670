/*! web-vitals 5.3.0, Copyright Google LLC, Apache-2.0 */
/** web_vital: LCP, INP, CLS, FCP and TTFB of a page load, each once it is final. */

import { onCLS, onFCP, onINP, onLCP, onTTFB, type MetricType } from "web-vitals";
import type { Module } from "../api";

export const vitals: Module = (api) => {
  let loaded = "";
  let views = 0;
  const told = new Set<string>();
  const report = ({ id, name, value, rating, navigationType }: MetricType): void => {
    if (told.has(id)) return; // somebody came back to a hidden page and it went on
    told.add(id);
    // A shift is a small share, all others are milliseconds.
    const rounded = name === "CLS" ? Math.round(value * 1e4) / 1e4 : Math.round(value);
    const props = { metric: name, value: rounded, rating, navigation_type: navigationType };
    api.send("web_vital", props, { interactive: false });
  };
  api.on("view", (url) => {
    if (views++) return;
    loaded = url;
    for (const on of [onLCP, onINP, onCLS, onFCP, onTTFB]) on(report);
  });
  api.on("address", (url) => {
    if (views < 2) loaded = url; // where a redirect has led to
  });
  // Metrics are of the page that was loaded, though an application may show another by the time they are final.
  api.on("event", (event) => {
    if (event.name === "web_vital") event.url = loaded;
  });
};
