import { equal } from "node:assert/strict";
import { test } from "node:test";
import { kept } from "../../src/core/kept";

for (const [address, want] of [
  ["https://a.example/p", "https://a.example/p"],
  ["https://a.example/p?token=s3cret", "https://a.example/p"],
  ["https://a.example/p?token=s3cret&UTM_Source=x&q=me&gclid=1-_2&", "https://a.example/p?UTM_Source=x&gclid=1-_2"],
  ["https://a.example/p?ref=a&utm_medium=b?c=d", "https://a.example/p?ref=a&utm_medium=b?c=d"],
  ["https://a.example/p&utm_source=x?xutm_source=1&utm_sourced=2&mail", "https://a.example/p&utm_source=x"],
  ["android-app://org.example/?q=me", "android-app://org.example/"],
  ["", ""],
] as const) {
  test(`of ${address} is kept`, () => equal(kept(address), want));
}

test("what others have put into storage harms nothing", () => {
  for (const odd of [undefined, null, 17, {}, [], true]) equal(kept(odd), undefined);
});
