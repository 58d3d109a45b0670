import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { answer, labels, type Label } from "../../test/modules/labels";
import { scene, until } from "../harness";
import { once, typed } from "./stored";

const ALL = readdirSync(`${process.env.TRACKER}/src/modules`)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3));

const BODY = `
  <h1>Everything at once</h1><img src="/missing.png" alt="">
  <a id="out" href="https://other.example/p" target="_blank">Other</a>
  <a id="file" href="/list.pdf" target="_blank">List</a>
  <button id="add">Add to cart</button><button id="boom" onclick="throw new Error('boom')">Boom</button>
  <div id="dead" style="cursor:pointer;user-select:none">Dead</div>
  <form id="mail" action="/newsletter" onsubmit="return false"><input name="email" type="email" required><button>Subscribe</button></form>
  <form id="half"><input name="x"></form>`;

scene("all modules together: everything arrives, nothing is rejected", async (stage) => {
  equal(ALL.length, 11);
  const attributes = `data-sample="1" data-identity="first-party" data-affiliate="shop:ref"`;
  const page = await stage.open(stage.page("/a", { modules: ALL.join(), attributes, body: BODY }).concat("?q=tea&ref=r1"));
  await page.waitForLoadState("networkidle");
  await page.evaluate(() => (window as any).footfall("experiment", "hero", ["control", "blue"]));
  for (const id of ["out", "file", "add", "boom"]) await page.click(`#${id}`);
  await page.click("#dead", { clickCount: 3 });
  await page.click("#mail button"); // the browser asks for the address
  await page.fill("[name=email]", "jo@mail.example");
  await page.click("#mail button");
  await page.fill("[name=x]", "1");
  await page.evaluate(() => new Promise((done) => setTimeout(done, 1_100)));
  await page.click("#dead");
  await page.evaluate(() => new Promise((done) => setTimeout(done, 1_100)));
  await page.evaluate(() => (window as any).footfall("event", "order", { revenue: { amount: 5 } }));
  await stage.leave(page);
  const wanted =
    "affiliate_click click dead_click engagement experiment_exposure file_download form_abandon form_error form_start form_submit js_error order outbound_click page_view rage_click site_search web_vital";
  const told = () => [...new Set(once(stage.sent()).map((event) => event.name))].sort().join(" ");
  await until(() => told() === wanted, `all are sent, not ${told()}`).catch(() => equal(told(), wanted));
  const stored = await stage.events(once(stage.sent()).length);
  const ids = new Set(stored.map((event) => event.event_id));
  deepEqual(once(stage.sent()).filter((event) => !ids.has(event.event_id)), [], "what was sent is stored");
  equal(ids.size, stored.length, "and each once");
  ok(stage.posted().every(({ status }) => status === 202));
  ok(stored.every((event) => typed(event).sample_weight === 1));
  const [order] = stored.filter((event) => event.name === "order");
  deepEqual([typed(order!).affiliate_network, typed(order!).affiliate_click_id], ["shop", "r1"]);
  ok(!JSON.stringify(stage.sent()).includes("jo@mail.example"));
}, { measures: true });

scene("a module that throws harms neither the page nor the others", async (stage) => {
  const head = `<script>window.footfall=window.footfall||function(){(footfall.q=footfall.q||[]).push(arguments)}
    footfall("use", (api) => { for (const hook of ["view", "event", "leave"]) api.on(hook, () => { throw new Error(hook); }); });
    footfall("use", () => { throw new Error("use"); });</script>`;
  const page = await stage.open(stage.page("/a", { modules: "clicks", head, body: "<button onclick=\"this.dataset.n=1\">Go</button>" }));
  await page.waitForLoadState("networkidle");
  await page.click("button");
  await stage.leave(page);
  deepEqual((await stage.events(3)).map((event) => event.name).sort(), ["click", "engagement", "page_view"]);
});

/** Put a label's element or form into the page; its click or sending stays there. */
const show = (label: Label): void => {
  const make = (tag: string, attributes: Record<string, string | undefined>, text = ""): HTMLElement => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
    made.append(text);
    return made;
  };
  const { id, name, role, attrs, text, submit, action, href, type, fields = [] } = label;
  const element = make(label.tag || "form", { id, name, role, class: label.class, ...attrs, href, type, action }, text);
  for (const { localName = "input", ...attributes } of fields) element.append(make(localName, attributes));
  const button = label.on === "form" ? make("button", {}, submit) : element;
  if (button !== element) element.append(button);
  document.body.replaceChildren(element);
  for (const type of ["click", "submit"]) element.addEventListener(type, (event) => type === "submit" || button === element ? event.preventDefault() : 0);
  button.style.cssText = "position:fixed;left:0;top:0;display:block;width:50px;height:30px";
};

for (const [on, name, module] of [
  ["click", "click", "clicks"],
  ["form", "form_submit", "forms"],
] as const) {
  scene(`${module}: real elements get the answers that the rules give to their labels`, async (stage) => {
    const page = await stage.open(stage.page("/a", { modules: module, head: "" }));
    await page.waitForLoadState("networkidle");
    const all = labels("labels.json").concat(labels("labels-held.json"));
    // What is left out leads to other hosts and programs; a page view's clicks have a bound.
    const some = all.filter((one) => one.on === on && (on === "form" || (one.tag !== "input" && !/^[a-z]+:/.test(one.href || "")))).filter((_, i) => on === "form" || i % 4 === 0);
    ok(some.length > 30 && some.length <= 100);
    for (const label of some) {
      await page.evaluate(show, label);
      await page.mouse.click(20, 15);
    }
    await stage.leave(page);
    const told = () => once(stage.sent()).filter((event) => event.name === name);
    await until(() => told().length >= some.length, "all are sent");
    const got = told().map(({ props }) => [props.kind, props.confidence, props.rule]);
    deepEqual(got, some.map((label) => Object.values(answer(label))));
  });
}
