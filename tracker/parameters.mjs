// Query parameters that may leave the browser: those that the collector keeps, from its own list.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const LIST = join(dirname(fileURLToPath(import.meta.url)), "../collector/event/data/parameters.csv");

const backwards = (name) => [...name].reverse().join("");

const names = () =>
  readFileSync(LIST, "utf8")
    .split("\n")
    .filter((line) => /^\w+,(?:campaign|click_id)$/.test(line))
    .map((line) => line.split(",")[0])
    .sort((a, b) => (backwards(a) < backwards(b) ? -1 : 1)) // like ends together: smaller when packed
    .join("|");

/** For esbuild: puts the names where src/core/kept.ts says KEPT_PARAMETERS. */
export const parameters = {
  name: "parameters",
  setup(build) {
    build.onLoad({ filter: /core[\\/]kept\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace("KEPT_PARAMETERS", names),
      loader: "ts",
    }));
  },
};
