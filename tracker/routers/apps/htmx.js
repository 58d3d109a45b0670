// htmx with boosted links: pages come from a server, and their bodies replace what stands.
import htmx from "htmx.org";
window.htmx = htmx;
