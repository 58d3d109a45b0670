import assert from "node:assert/strict";
import { test } from "node:test";
import { cleaned, described as describedBy } from "../../src/modules/errors";
import { words } from "../../src/modules/lib/facts";
import { secret, stays } from "../../src/modules/lib/fields";
import { written } from "../../src/modules/lib/selector";
import { bounded, line, parsed, place } from "../../src/modules/lib/text";

const lines: [string, string, string][] = [
  ["blanks are squeezed", " Add \n\t to cart ", "Add to cart"],
  ["an e-mail address", "Write to jo.doe+x@mail.example now", "Write to [email] now"],
  ["an e-mail address in an address", "/u/jo%40mail.example/x", "/u/[email]/x"],
  ["a phone number", "Call +49 (30) 123-45 67", "Call +[number]"],
  ["an account", "Card 4111 1111 1111 1111", "Card [number]"],
  ["a price stays", "Pay 1,299.00 €", "Pay 1,299.00 €"],
  ["a year stays", "Report 2026", "Report 2026"],
  ["a package's version is no address", "at x (npm/pkg@1.2.3/a.js)", "at x (npm/pkg@1.2.3/a.js)"],
];
for (const [id, text, want] of lines) test(`line: ${id}`, () => assert.equal(line(text, 100), want));

test("text is cut between characters, and halves of characters fall away", () => {
  assert.equal(bounded("ab🚀", 3), "ab");
  assert.equal(bounded("ab🚀", 4), "ab🚀");
  assert.equal(bounded("a\ud800b", 9), "ab");
  assert.equal(line("x".repeat(5_000), 64).length, 64);
});

test("an address is told without user, query and fragment", () => {
  assert.equal(place(parsed("https://me:pw@a.example:8443/p/q?token=1#x")!), "a.example:8443/p/q");
  assert.equal(parsed("https://"), undefined);
});

const names: [string, boolean][] = [
  ["nav-main", true],
  ["addToCart", true],
  ["step-2", true],
  ["btn_primary", true],
  ["css-1x2y3z", false],
  ["sc-bdVaJa", false],
  ["bdVaJa", false],
  ["Button_root__x3Fg2", false],
  [":r1:", false],
  ["ember1234", false],
  ["md:hover", false],
  ["item-48213", false],
];
for (const [name, want] of names) test(`written: ${name} is ${want}`, () => assert.equal(written(name), want));

test("words: accents, capitals, signs and figures", () => {
  assert.equal(words("🛒 Zum Warenkorb hinzufügen (2)"), "zum warenkorb hinzufugen");
  assert.equal(words("addToCartBtn"), "add to cart btn");
  assert.equal(words("S'inscrire – créer"), "s inscrire creer");
  assert.equal(words(null), "");
});

const fields: [string, string, string, boolean][] = [
  ["password", "", "x", true],
  ["text", "current-password", "x", true], // shown by a button that makes it text
  ["hidden", "", "x", true],
  ["text", "cc-number", "x", true],
  ["tel", "", "cardNumber", true],
  ["text", "", "cvc", true],
  ["text", "one-time-code", "x", true],
  ["email", "email", "email", false],
  ["text", "street-address", "street", false],
];
for (const [type, use, name, want] of fields)
  test(`secret: ${type} ${use} ${name} is ${want}`, () => assert.equal(secret(type, use, name), want));

test("times in fields add up, and only that many are told", () => {
  const spent = stays();
  spent.go("email", 1_000);
  spent.go("name", 1_500);
  spent.go("email", 1_700);
  spent.go("", 2_000);
  spent.go("", 9_000);
  assert.deepEqual(Object.fromEntries(spent.times), { email: 800, name: 200 });
  for (let i = 0; i < 40; i++) spent.go(`f${i}`, 10_000 + i);
  assert.equal(spent.times.size, 30);
});

const described = (thrown: unknown, message: string, file = "") => describedBy(thrown, message, file, (text) => text);

test("addresses in messages and stacks lose their queries", () => {
  const stack = "Error: no\n    at f (https://a.example/x.js?token=s3cret:1:2)\n    at g (https://a.example/y.js#z:3:4)";
  const props = described({ name: "Error", message: "no https://a.example/?q=me", stack }, "")!;
  assert.equal(props.message, "Error: no https://a.example/");
  assert.equal(props.stack, "Error: no | at f (https://a.example/x.js:1:2) | at g (https://a.example/y.js:3:4)");
  assert.equal(cleaned("x".repeat(9_000), 1_000).length, 1_000);
});

test("extensions are not the page's fault", () => {
  const of = (frame: string) => described({ name: "E", message: "m", stack: `E: m\n at f (${frame}:1:2)` }, "");
  assert.equal(of("chrome-extension://abc/x.js"), undefined);
  assert.equal(of("moz-extension://abc/x.js"), undefined);
  assert.equal(described(null, "m", "safari-web-extension://x/y.js"), undefined);
  assert.ok(of("https://a.example/x.js"));
});

test("what is no error is described too", () => {
  assert.equal(described("plain", "plain")!.message, "plain");
  assert.equal(described(undefined, "undefined")!.message, "undefined");
});
