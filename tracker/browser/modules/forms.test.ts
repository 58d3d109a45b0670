import { deepEqual, equal, ok } from "node:assert/strict";
import { type Row, scene } from "../harness";
import { typed } from "./stored";

const SECRET = "hunter2-s3cret";

const named = (events: Row[], name: string) => events.filter((event) => event.name === name).map(typed);
/** Without the times, which are never the same twice. */
const timeless = (props: Record<string, any>) =>
  Object.fromEntries(Object.entries(props).filter(([name]) => !/^ms/.test(name)));

const SIGN_UP = `<form id="join" action="/register" onsubmit="return false">
  <input name="email" type="email" required><input name="full_name"><input name="pw" type="password" autocomplete="new-password">
  <input name="card_number" autocomplete="cc-number"><input type="hidden" name="csrf" value="t0ken">
  <input name="quiet" data-footfall-ignore><textarea name="about"></textarea><button>Create account</button></form>`;

const nothingPrivate = (events: Row[]) => {
  const all = JSON.stringify(events);
  for (const word of [SECRET, "jo@mail.example", "t0ken", "card_number", "csrf", "quiet", "ms_pw", '"pw"'])
    ok(!all.includes(word), word);
};

scene("forms: start and submit, with times and without values", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "forms", body: SIGN_UP }));
  await page.fill("[name=email]", "jo@mail.example");
  await page.locator("[name=full_name]").pressSequentially(SECRET, { delay: 20 });
  for (const name of ["pw", "card_number", "quiet"]) await page.fill(`[name=${name}]`, SECRET);
  await page.click("button");
  await stage.leave(page);
  const events = await stage.events(4);
  const about = { form: "join", kind: "sign_up", confidence: "high", rule: "fields:sign_up" };
  deepEqual(named(events, "form_start"), [about]);
  const [submit] = named(events, "form_submit");
  deepEqual(timeless(submit!), { ...about, fields: "email,full_name", last_field: "full_name" });
  ok(submit!.ms_full_name >= 200, "typing took a while");
  ok(submit!.ms >= submit!.ms_full_name);
  equal(named(events, "form_abandon").length, 0);
  nothingPrivate(events);
  nothingPrivate(stage.sent());
});

scene("forms: abandoned where it was left", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "forms", body: SIGN_UP }));
  await page.locator("[name=email]").pressSequentially("jo@mail.example");
  await page.locator("[name=about]").pressSequentially("x");
  await stage.leave(page);
  const events = await stage.events(4);
  const [abandon] = named(events, "form_abandon");
  equal(abandon!.last_field, "about");
  equal(abandon!.fields, "email,about");
  equal(events.find((event) => event.name === "form_abandon")!.interactive, false);
  equal(events.find((event) => event.name === "form_abandon")!.path, "/a");
  nothingPrivate(events);
});

scene("forms: abandoned where the application goes on to another page", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "forms", body: SIGN_UP }));
  await page.locator("[name=email]").pressSequentially("j");
  await page.evaluate(() => history.pushState(0, "", "/b"));
  await stage.leave(page);
  const found = (await stage.events(5)).filter((event) => event.name === "form_abandon");
  deepEqual(found.map((event) => event.path), ["/a"]);
});

scene("forms: what the page fills in itself starts nothing", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "forms", body: SIGN_UP }));
  await page.evaluate(() => {
    const field = document.querySelector("input")!;
    field.value = "x";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await stage.leave(page);
  deepEqual((await stage.events(2)).map((event) => event.name).sort(), ["engagement", "page_view"]);
});

scene("forms: the browser's errors, once a try", async (stage) => {
  const body = `<form id="f" onsubmit="return false"><input name="mail" type="email" value="no"><input name="name" required>
    <input name="pw" type="password" required><button>Save</button></form>`;
  const page = await stage.open(stage.page("/a", { modules: "forms", body }));
  await page.evaluate(() => document.forms[0]!.checkValidity()); // nobody has tried to send it
  await page.click("button");
  await page.focus("[name=name]");
  await page.keyboard.press("Enter");
  await stage.leave(page);
  const found = named(await stage.events(4), "form_error");
  deepEqual(found.map(({ fields, errors }) => [fields, errors]), [
    ["mail,name,", "typeMismatch,valueMissing"],
    ["mail,name,", "typeMismatch,valueMissing"],
  ]);
});

scene("forms: the page's own errors, a moment after it was sent", async (stage) => {
  const body = `<form id="f" onsubmit="setTimeout(()=>n.setAttribute('aria-invalid','true'),200);return false">
    <input id="n" name="name"><button>Save</button></form>`;
  const page = await stage.open(stage.page("/a", { modules: "forms", body }));
  await page.click("button");
  await page.evaluate(() => new Promise((done) => setTimeout(done, 1_100)));
  await stage.leave(page);
  const events = await stage.events(4);
  deepEqual(named(events, "form_error").map(({ form, fields, errors }) => [form, fields, errors]), [["f", "name", "aria-invalid"]]);
});

scene("forms: an event of the owner's, forms that are left alone, and forms with awkward fields", async (stage) => {
  const body = `<form id="own" data-footfall-event="joined" data-footfall-prop-from="footer" onsubmit="return false"><button>Go</button></form>
    <form data-footfall-ignore onsubmit="return false"><button id="quiet">Go</button></form>
    <form action="/x/y?token=1" onsubmit="return false"><input name="id"><input name="name"><input name="action"><button id="odd">Go</button></form>`;
  const page = await stage.open(stage.page("/a", { modules: "forms", body }));
  for (const at of ["#own button", "#quiet", "#odd"]) await page.click(at);
  await stage.leave(page);
  const events = await stage.events(5);
  deepEqual(named(events, "joined"), [{ from: "footer", form: "own", confidence: "high", rule: "attribute" }]);
  deepEqual(named(events, "form_submit").map(({ form }) => form), ["own", "/x/y"]);
});
