/** file_download: a link to a file is followed. */

import type { Module } from "../api";
import { onLinks } from "./lib/elements";
import { line } from "./lib/text";

const KNOWN =
  "pdf zip gz tgz rar 7z dmg exe msi pkg apk deb rpm iso csv xls xlsx doc docx ppt pptx odt ods odp rtf txt epub ics mp3 wav mp4 mov";

export const downloads: Module = (api) => {
  const extensions = (api.option("downloads") || KNOWN).toLowerCase().split(/[\s,.]+/);
  onLinks((element, url) => {
    // The name that the page gives (download="…"), or the last part of the path.
    const given = element.getAttribute("download");
    // Of other protocols what follows may be the file itself (data:), or somebody's address (mailto:).
    const last = /^http/.test(url.protocol) ? url.pathname.split("/").pop()! : "";
    const file = given || last.replace(/%20/g, " ");
    const extension = (/\.(\w{1,10})$/.exec(file)?.[1] || "").toLowerCase();
    if (given !== null || extensions.includes(extension))
      api.send("file_download", { file: line(file, 256) || "unnamed", extension });
  });
};
