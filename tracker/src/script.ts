/** The script of a page: options stand in its data-* attributes. */
import { own } from "./core/document";
import { start } from "./core/start";

// Browsers name no current script to a module: its tag is the one with the address that an error of ours shows.
const script = (own("currentScript") ||
  [...own("scripts")].find(({ src }) => src && Error().stack?.includes(src + ":"))) as
  | HTMLScriptElement
  | undefined;
const options = { ...script?.dataset };

options.endpoint = new URL(options.endpoint || "/v1/in", script?.src || location.href).href;
if (!options.key) options.site = options.site || location.hostname;

start(options);
