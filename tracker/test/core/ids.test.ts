import { equal, match } from "node:assert/strict";
import { test } from "node:test";
import { uuid } from "../../src/core/ids";

const V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("ids are UUIDs of version 4, each another", () => {
  const ids = Array.from({ length: 200 }, uuid);
  for (const id of ids) match(id, V4);
  equal(new Set(ids).size, 200);
});
