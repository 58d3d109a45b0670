import { deepEqual, equal, ok } from "node:assert/strict";
import { scene, type Page, type Row } from "../harness";
import { typed } from "./stored";

const named = (events: Row[], name: string) => events.filter((event) => event.name === name).map(typed);
const after = (page: Page, ms: number) => page.evaluate((time) => new Promise((done) => setTimeout(done, time)), ms);

/** Components as libraries make them: a button or link whose text is slotted, a bare one with a label, a field. */
const PARTS = `<script>
  const part = (name, html) => customElements.define(name, class extends HTMLElement {
    connectedCallback() { if (!this.shadowRoot) this.attachShadow({ mode: "open" }).innerHTML = "<style>a, button { color: teal }</style>" + html(this); } });
  part("x-button", () => "<button part='base' class='button'> <slot name='prefix'></slot><slot></slot> </button>");
  part("x-link", (one) => "<a href='" + one.getAttribute("to") + "' target='_blank'><slot></slot></a>");
  part("x-icon", () => "<button><svg width='9' height='9'></svg></button>");
  part("x-word", () => "<b>Checkout</b>");
  part("x-input", (one) => "<input name='" + one.getAttribute("name") + "' type='" + (one.getAttribute("type") || "text") + "'>");
  part("x-form", () => "<form id='join' onsubmit='return false'><input name='email' type='email'><input name='pw' type='password' autocomplete='new-password'><button>Create account</button></form>");
  part("x-outer", () => "<div><x-form></x-form><slot></slot></div>");
</script>`;

scene("components: what is slotted is read, what stands on a component is its button's, and SVG links lead somewhere", async (stage) => {
  const body = `${PARTS}<x-button id="join">Sign up</x-button><x-icon data-testid="cart" aria-label="Add to cart"></x-icon>
    <x-button data-footfall-event="plan_chosen" data-footfall-prop-plan="pro">Take it</x-button>
    <button id="go"><x-word></x-word></button><x-button id="mine"><input value="s3cret"></x-button>
    <svg width="90" height="30"><a id="svg" xlink:href="/contact" target="_blank"><text y="20">Shape</text></a></svg>`;
  const page = await stage.open(stage.page("/a", { modules: "clicks", body }));
  await page.evaluate(() => {
    const link = document.querySelector("svg a")!;
    link.removeAttribute("xlink:href");
    link.setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", "/contact");
  });
  for (const at of ["#join", "x-icon", "[data-footfall-event]", "#go", "#mine button", "#svg"])
    await page.locator(at).first().click(at.startsWith("#mine") ? { position: { x: 2, y: 2 } } : {});
  await stage.leave(page);
  const told = (await stage.accepted(8), stage.told());
  const clicks = told.filter(({ name }) => name === "click").map(({ props }) => [props.kind, props.text]);
  deepEqual(clicks, [["sign_up", "Sign up"], ["add_to_cart", "Add to cart"], ["checkout", "Checkout"], ["other", ""], ["contact", "Shape"]]);
  const [plan] = told.filter(({ name }) => name === "plan_chosen");
  deepEqual([plan?.props.plan, plan?.props.text], ["pro", "Take it"]);
  ok(told.find(({ props }) => props?.text === "Sign up")?.props.selector.startsWith("#join > "));
  ok(!JSON.stringify(told).includes("s3cret"));
});

scene("components: an answer in another component's shadow tree is one", async (stage) => {
  const body = `${PARTS}<x-outer><x-button id="add">Add</x-button></x-outer>
    <script>document.querySelector("#add").addEventListener("click", () => { document.querySelector("x-outer").shadowRoot.querySelector("div").dataset.count = "1"; });</script>`;
  const page = await stage.open(stage.page("/a", { modules: "clicks", body }));
  await page.click("#add");
  await after(page, 1_100);
  await stage.leave(page);
  await stage.accepted(3);
  equal(stage.told().filter(({ name }) => name === "dead_click").length, 0);
});

scene("components: forms in shadow trees are sent, and fields of components belong to their form", async (stage) => {
  const body = `${PARTS}<x-outer></x-outer><form id="light" onsubmit="return false"><x-input name="email" type="email"></x-input>
    <x-input name="pw" type="password"></x-input><button>Log in</button></form>`;
  const page = await stage.open(stage.page("/a", { modules: "forms", body }));
  await page.fill("#join [name=email]", "jo@mail.example");
  await page.click("#join button");
  await page.locator("#light [name=email] input").fill("jo@mail.example");
  await page.click("#light button");
  await after(page, 200);
  await stage.leave(page);
  const events = await stage.events(6);
  deepEqual(named(events, "form_submit").map(({ form, kind, fields }) => [form, kind, fields]), [["join", "sign_up", "email"], ["light", "log_in", "email"]]);
  equal(named(events, "form_abandon").length, 0);
  ok(!JSON.stringify(events).includes("jo@"));
});

scene("components: films in shadow trees", async (stage) => {
  const body = `<x-player></x-player><script>
    const film = Object.assign(document.createElement("video"), { muted: true, title: "Tour" });
    document.querySelector("x-player").attachShadow({ mode: "open" }).append(film);
    window.made = (async () => {
      const canvas = document.createElement("canvas"), paint = canvas.getContext("2d");
      const timer = setInterval(() => paint.fillRect(Math.random() * 300, 0, 9, 9), 40);
      film.srcObject = canvas.captureStream(25);
      await film.play();
    })();
  </script>`;
  const page = await stage.open(stage.page("/a", { modules: "video", body }));
  await page.evaluate(() => (window as any).made);
  await after(page, 1_500);
  await stage.leave(page);
  const events = await stage.accepted(3);
  deepEqual(events.filter(({ name }) => name.startsWith("video")).map(({ name, props }) => [name, props.video]), [["video_start", "Tour"]]);
});

scene("links: what the page holds back is not followed", async (stage) => {
  const body = `<a id="held" href="https://other.example/a" onclick="event.preventDefault()">Held</a>
    <a id="stopped" href="https://other.example/b" target="_blank" onclick="event.stopImmediatePropagation()">Stopped</a>
    <a id="file" href="/x.pdf" onclick="return false">File</a>`;
  const page = await stage.open(stage.page("/a", { modules: "outbound,downloads", body }));
  for (const id of ["held", "file", "stopped"]) await page.click(`#${id}`);
  await stage.leave(page);
  const events = await stage.accepted(3);
  deepEqual(events.filter(({ props }) => props?.url).map(({ props }) => props.url), ["other.example/b"]);
  equal(events.filter(({ name }) => name === "file_download").length, 0);
});

scene("forms: what the page refuses is not sent, what it sends itself is, and Enter is no click", async (stage) => {
  const body = `<form id="own" novalidate><input name="town" required><button>Save</button></form>
    <form id="marks"><input name="code" id="m"><button>Try</button></form>
    <form id="fetched"><input name="note" required><button id="send">Note</button></form><script>
    own.onsubmit = (event) => event.preventDefault();
    marks.onsubmit = (event) => { event.preventDefault(); setTimeout(() => m.setAttribute("aria-invalid", m.value ? "false" : "true"), 20); };
    fetched.onsubmit = (event) => { event.preventDefault(); fetched.reset(); };</script>`;
  const page = await stage.open(stage.page("/a", { modules: "forms,clicks", body }));
  for (const id of ["own", "marks"]) await page.click(`#${id} button`);
  await after(page, 300);
  await page.fill("[name=note]", "x");
  await page.press("[name=note]", "Enter");
  await after(page, 300);
  await page.fill("#m", "x");
  await page.focus("#marks button");
  await page.keyboard.press("Enter");
  await after(page, 300);
  await stage.leave(page);
  const events = await stage.accepted(10);
  const props = (name: string) => events.filter((event) => event.name === name).map((event) => event.props);
  deepEqual(props("form_submit").map(({ form }) => form), ["fetched", "marks"]);
  deepEqual(props("form_error").map(({ form, fields, errors }) => [form, fields, errors]), [["own", "town", "valueMissing"], ["marks", "code", "aria-invalid"]]);
  deepEqual(props("click").map(({ text }) => text), ["Save", "Try", "Try"]);
});
