import { deepEqual, equal, ok } from "node:assert/strict";
import { type Row, scene } from "../harness";
import { typed } from "./stored";


const named = (events: Row[], name: string) => events.filter((event) => event.name === name).map(typed);

scene("clicks: what was clicked and what it is for", async (stage) => {
  const body = `
    <nav id="menu"><a href="#top">About us</a><a href="#contact" class="css-1x2y3z">Contact us</a></nav>
    <button data-testid="buy"><span>Add to cart</span></button>
    <form onsubmit="return false"><input type="submit" value="Log in"><input name="q" value="mine"></form>
    <button>Mail jo@mail.example or call +49 30 1234567</button>
    <div data-footfall-ignore><button id="left">Alone</button></div>
    <p id="text">Only text</p>`;
  const page = await stage.open(stage.page("/a", { modules: "clicks", body }));
  for (const at of ["text=About us", "text=Contact us", "span", "[type=submit]", "[name=q]", "text=Mail", "#left", "#text"])
    await page.click(at);
  await page.evaluate(() => document.querySelector("button")!.click()); // the page's own click
  await stage.leave(page);
  deepEqual(named(await stage.events(7), "click"), [
    { kind: "other", confidence: "low", rule: "none", selector: "#menu > a:nth-of-type(1)", text: "About us" },
    { kind: "contact", confidence: "high", rule: "says:contact", selector: "#menu > a:nth-of-type(2)", text: "Contact us" },
    { kind: "add_to_cart", confidence: "high", rule: "says:add_to_cart", selector: '[data-testid="buy"]', text: "Add to cart" },
    { kind: "log_in", confidence: "high", rule: "says:log_in", selector: "form > input:nth-of-type(1)", text: "" },
    { kind: "other", confidence: "low", rule: "none", selector: "button:nth-of-type(2)", text: "Mail [email] or call +[number]" },
  ]);
});

scene("clicks: only known kinds where the owner wants no others", async (stage) => {
  const body = "<button>Something</button><button>Add to cart</button>";
  const page = await stage.open(stage.page("/a", { modules: "clicks", attributes: `data-clicks="known"`, body }));
  for (const text of ["Something", "Add to cart"]) await page.click(`text=${text}`);
  await stage.leave(page);
  deepEqual(named(await stage.events(3), "click").map(({ kind }) => kind), ["add_to_cart"]);
});

scene("clicks: data attributes say what an event is called", async (stage) => {
  const body = `<div data-footfall-event="plan_chosen" data-footfall-prop-plan="pro" data-footfall-prop-per-month="12">
    <b>Pro</b></div><button data-footfall-event="open">Add to cart</button>`;
  const page = await stage.open(stage.page("/a", { modules: "clicks", body }));
  await page.click("b");
  await page.click("button");
  await stage.leave(page);
  const events = await stage.events(4);
  deepEqual(named(events, "plan_chosen"), [
    { plan: "pro", per_month: "12", selector: "div", text: "Pro", confidence: "high", rule: "attribute" },
  ]);
  equal(named(events, "open").length, 1);
  equal(named(events, "click").length, 0);
});

scene("clicks: elements in open shadow trees", async (stage) => {
  const body = `<x-shop></x-shop><script>
    const root = document.querySelector("x-shop").attachShadow({ mode: "open" });
    root.innerHTML = '<button id="inner">Checkout</button>';</script>`;
  const page = await stage.open(stage.page("/a", { modules: "clicks", body }));
  await page.click("#inner");
  await stage.leave(page);
  deepEqual(named(await stage.events(3), "click").map(({ kind, selector }) => [kind, selector]), [["checkout", "#inner"]]);
});

const RAGE = `<div id="stuck" style="padding:20px">Stuck</div><p id="words">Some words to select</p>
  <input id="field"><button id="next">Next</button><button id="plus">+</button><video id="film" controls></video>`;

scene("rage: three fast clicks at one place, once a burst", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "clicks", body: `<style>#stuck{user-select:none}</style>${RAGE}` }));
  await page.click("#stuck", { clickCount: 5 });
  await stage.leave(page);
  const found = (await stage.events(3)).filter((event) => event.name === "rage_click");
  deepEqual(found.map(typed), [{ selector: "#stuck" }]);
  equal(found[0]!.interactive, false);
});

scene("rage: not fields, players, steppers and the selecting of words", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "clicks", body: RAGE }));
  for (const id of ["words", "field", "next", "plus", "film"]) await page.click(`#${id}`, { clickCount: 3 });
  await page.focus("#next");
  for (let i = 0; i < 3; i++) await page.keyboard.press("Enter");
  await stage.leave(page);
  deepEqual(named(await stage.events(2), "rage_click"), []);
});

const DEAD = `<style>.hand{cursor:pointer}</style>
  <button id="none">None</button><div id="hand" class="hand">Hand</div><p id="plain">Plain</p>
  <a id="hash" href="#">Hash</a><a id="held" href="/b" onclick="event.preventDefault()">Held</a>
  <button id="changes" onclick="this.textContent='Done'">Changes</button>
  <button id="class" onclick="setTimeout(()=>this.className='on',300)">Class</button>
  <button id="focus" onclick="field.focus()">Focus</button><input id="field">
  <button id="scroll" onclick="window.scrollTo(0,300)">Scroll</button>
  <button id="push" onclick="history.replaceState(0,'','?x')">Push</button>
  <button id="copy" onclick="field.value='x';field.select();document.execCommand('copy')">Copy</button>
  <a id="other" href="/b" target="_blank">Other</a><label id="label" class="hand">Label</label>
  <button id="off" aria-disabled="true">Off</button>
  <div style="height:3000px"></div>`;

scene("dead: what should have done something and did not, and nothing else", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "clicks", body: DEAD }));
  const dead = ["none", "hand", "hash", "held"];
  // What moves the page or another into sight comes last.
  const alive = ["plain", "label", "off", "field", "changes", "class", "focus", "push", "copy", "scroll", "other"];
  for (const id of [...dead, ...alive]) {
    await page.click(`#${id}`, { force: true });
    // The page's own clock: what is to come after a second has come by then.
    await page.evaluate(() => new Promise((done) => setTimeout(done, 1_100)));
  }
  await stage.leave(page);
  await stage.events(2);
  deepEqual(named(stage.told() as Row[], "dead_click").map(({ selector }) => selector), dead.map((id) => `#${id}`));
});

scene("dead: words selected on something that looks clickable were not meant to do more", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "clicks", body: DEAD }));
  await page.click("#hand", { clickCount: 2 });
  await page.evaluate(() => new Promise((done) => setTimeout(done, 1_100)));
  ok(await page.evaluate(() => getSelection()!.toString()));
  await stage.leave(page);
  await stage.events(2);
  deepEqual(named(stage.sent(), "dead_click"), []);
});

scene("clicks: no more than a hundred of a page view", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "clicks", body: "<button onclick='this.dataset.n=1'>Go</button>" }));
  const { x, y, width } = (await page.locator("button").boundingBox())!;
  for (let i = 0; i < 105; i++) await page.mouse.click(x + width / 2, y + 5);
  await stage.leave(page);
  equal(named(await stage.events(102), "click").length, 100);
});
