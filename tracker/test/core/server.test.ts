import { equal } from "node:assert/strict";
import { test } from "node:test";
import { init } from "../../src/index";

test("where there is no page, importing and starting do nothing", () => {
  const tracker = init({ endpoint: "https://stats.example/v1/events", site: "a.example" });
  tracker.event("signup", { props: { plan: "pro" } });
  tracker.consent({ analytics_storage: "denied" });
  tracker.flush();
  equal(typeof tracker.optOut, "function");
});
