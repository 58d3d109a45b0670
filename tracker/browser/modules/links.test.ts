import { deepEqual, equal } from "node:assert/strict";
import { scene } from "../harness";
import { typed } from "./stored";

const LINKS = `
  <a id="out" href="https://www.other.example:9/p/q?secret=1#x" target="_blank"><b>Other</b> <i>site</i></a>
  <a id="own" href="//shop.site.example/x" target="_blank">Own</a>
  <a id="mail" href="mailto:jo@mail.example">Mail</a>
  <a id="ignored" data-footfall-ignore href="https://other.example/ignored" target="_blank">Ignored</a>
  <a id="masked" href="https://other.example/u/jo@mail.example" target="_blank">jo@mail.example</a>
  <a id="pdf" href="/files/Price%20list.PDF?v=2" target="_blank">Prices</a>
  <a id="named" href="/export" download="orders.csv">Orders</a>
  <a id="page" href="/b.html" target="_blank">Page</a>`;

scene("outbound: links to other sites, by any button of the mouse that follows them", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "outbound", body: LINKS }));
  await page.waitForLoadState("networkidle");
  for (const id of ["own", "mail", "ignored", "masked"]) await page.click(`#${id}`, { modifiers: ["Control"] });
  await page.click("#out", { button: "right" });
  await page.click("#out i");
  await page.click("#out", { button: "middle" });
  await stage.leave(page);
  const found = (await stage.events(5)).filter((event) => event.name === "outbound_click");
  const out = { url: "www.other.example:9/p/q", text: "Other site" };
  deepEqual(found.map(typed), [{ url: "other.example/u/[email]", text: "[email]" }, out, out]);
});

scene("outbound: hosts that the owner names are the site's own", async (stage) => {
  const attributes = 'data-outbound-own="other.example, third.example"';
  const page = await stage.open(stage.page("/a", { modules: "outbound", attributes, body: `${LINKS}<a id="third" href="https://fourth.example/" target="_blank">4</a>` }));
  await page.waitForLoadState("networkidle");
  for (const id of ["out", "third"]) await page.click(`#${id}`);
  await stage.leave(page);
  const found = (await stage.events(3)).filter((event) => event.name === "outbound_click");
  deepEqual(found.map((event) => typed(event).url), ["fourth.example/"]);
});

scene("outbound: a link that leaves the page is told before it is gone", async (stage) => {
  const body = `<a id="out" href="${stage.url("/gone", "elsewhere.example")}">Go</a>`;
  const page = await stage.open(stage.page("/a", { modules: "outbound", body }));
  await page.waitForLoadState("networkidle");
  await page.click("#out");
  const found = (await stage.events(3)).filter((event) => event.name === "outbound_click");
  equal(typed(found[0]!).url, `elsewhere.example:${stage.port}/gone`);
});

scene("downloads: files by their extension, and what the page calls a download", async (stage) => {
  stage.serve("/export", () => ({ body: "a,b", headers: { "Content-Type": "text/csv" } }));
  const page = await stage.open(stage.page("/a", { modules: "downloads", body: LINKS }));
  await page.waitForLoadState("networkidle");
  for (const id of ["pdf", "named", "page", "out"]) await page.click(`#${id}`);
  await stage.leave(page);
  const found = (await stage.events(4)).filter((event) => event.name === "file_download");
  deepEqual(found.map(typed), [
    { file: "Price list.PDF", extension: "pdf" },
    { file: "orders.csv", extension: "csv" },
  ]);
});

scene("downloads: extensions of the owner's", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "downloads", attributes: 'data-downloads="html"', body: LINKS }));
  await page.waitForLoadState("networkidle");
  for (const id of ["pdf", "page"]) await page.click(`#${id}`);
  await stage.leave(page);
  const found = (await stage.events(3)).filter((event) => event.name === "file_download");
  deepEqual(found.map(typed), [{ file: "b.html", extension: "html" }]);
});
