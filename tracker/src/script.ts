/** The script of a page: options stand in its data-* attributes. */
import { start } from "./core/start";

const script = (document.currentScript ||
  document.querySelector("script[data-site],script[data-key]")) as HTMLScriptElement | null;
const { ...options } = script?.dataset;

options.endpoint = new URL(options.endpoint || "/v1/in", script?.src || location.href).href;
if (!options.key) options.site = options.site || location.hostname;

start(options, script);
