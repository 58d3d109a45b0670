import { equal, match } from "node:assert/strict";
import { test } from "node:test";
import { uuid } from "../../src/core/ids";

const V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

for (const made of ["by the browser", "by hand, where a page has no TLS"]) {
  test(`ids made ${made}`, () => {
    const before = Object.getOwnPropertyDescriptor(crypto, "randomUUID");
    if (made !== "by the browser") Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
    try {
      const ids = Array.from({ length: 200 }, uuid);
      for (const id of ids) match(id, V4);
      equal(new Set(ids).size, 200);
    } finally {
      if (made === "by the browser") return;
      if (before) Object.defineProperty(crypto, "randomUUID", before);
      else delete (crypto as { randomUUID?: unknown }).randomUUID;
    }
  });
}
