import { equal } from "node:assert/strict";
import { test } from "node:test";
import { pageOf } from "../../src/core/address";

for (const [href, plain, byHash] of [
  ["https://a.example/p?q=1", "https://a.example/p?q=1", "https://a.example/p?q=1"],
  ["https://a.example/p?q=1#part", "https://a.example/p?q=1", "https://a.example/p?q=1"],
  ["https://a.example/#/about", "https://a.example/", "https://a.example/about"],
  ["https://a.example/app/#!/about/us", "https://a.example/app/", "https://a.example/app/about/us"],
  ["https://a.example/#", "https://a.example/", "https://a.example/"],
  ["https://a.example/#/reset?token=secret", "https://a.example/", "https://a.example/reset"],
  ["https://a.example/#access_token=secret&x=1", "https://a.example/", "https://a.example/"],
  ["file:///home/page.html#part", "file:///home/page.html", "file:///home/page.html"],
] as const) {
  test(`the page of ${href}`, () => {
    equal(pageOf(href, false), plain);
    equal(pageOf(href, true), byHash);
  });
}
