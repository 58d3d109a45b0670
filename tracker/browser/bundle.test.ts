import { deepEqual, equal } from "node:assert/strict";
import { scene, SITE, STUB } from "./harness";

const LINK = '<a id=file href="/guide.pdf" target=_blank>Guide</a>';

scene("modules in one file with the script: one request, and the first page view is theirs too", async (stage) => {
  const script = stage.script({ modules: "sampling,search,downloads", attributes: "data-sample=1" });
  const page = await stage.newPage();
  const asked: string[] = [];
  page.on("request", (request) => request.url().includes(".js") && asked.push(new URL(request.url()).pathname));
  await page.goto(`${stage.page("/a", { script, body: LINK })}?q=shoes`);
  await page.click("#file");
  await stage.leave(page);
  await stage.accepted(3);
  deepEqual(asked, ["/footfall.js"]);
  const counts = new Map<string, number>();
  for (const { name } of stage.told()) counts.set(name, (counts.get(name) || 0) + 1);
  deepEqual([counts.get("page_view"), counts.get("site_search"), counts.get("file_download")], [1, 1, 1]);
});

scene("a file with modules that stands on a page twice, without a stub, with a name that is none", async (stage) => {
  const script = stage.script({ modules: "downloads,nothing" }).repeat(2);
  const page = await stage.newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  // An element of the page with the tracker's name is none of ours.
  await page.goto(stage.page("/a", { script, head: "", body: `<i id=footfall></i>${LINK}` }));
  await page.click("#file");
  await stage.leave(page);
  await stage.accepted(2);
  equal(stage.told().filter(({ name }) => name === "page_view").length, 1);
  equal(stage.told().filter(({ name }) => name === "file_download").length, 1);
  deepEqual(said.filter((line) => !line.startsWith("Failed to load")), ["Footfall: ?m= names an unknown module"]);
});

scene("a module that fails costs nobody else anything; a strict policy allows one file", async (stage) => {
  const collector = stage.url("", "collector.example");
  const policy = `default-src 'none'; script-src 'nonce-n1'; style-src 'unsafe-inline'; connect-src ${collector}`;
  const script = `<script nonce=n1>Object.defineProperty(window, "MutationObserver", { get() { throw new Error("none") } })</script>
    <script defer nonce=n1 src="${collector}/footfall.js?m=video,outbound,clicks,forms,errors,vitals" data-site=${SITE}></script>`;
  const page = await stage.newPage();
  await page.goto(stage.page("/a", { script, head: STUB.replace("<script", "<script nonce=n1"), headers: { "Content-Security-Policy": policy } }));
  await stage.leave(page);
  await stage.accepted(1);
  equal(stage.told().filter(({ name }) => name === "page_view").length, 1);
});
