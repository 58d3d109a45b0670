// src/modules/lib/hash.ts
var murmur3 = (text) => {
  const bytes = new TextEncoder().encode(text);
  const { length } = bytes;
  const { imul } = Math;
  let hash = 0;
  for (let i = 0; i < length; i += 4) {
    let block = bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24;
    block = imul(block, 3432918353);
    hash ^= imul(block << 15 | block >>> 17, 461845907);
    if (i + 4 <= length) hash = imul(hash << 13 | hash >>> 19, 5) + 3864292196;
  }
  hash ^= length;
  hash = imul(hash ^ hash >>> 16, 2246822507);
  hash = imul(hash ^ hash >>> 13, 3266489909);
  return (hash ^ hash >>> 16) >>> 0;
};
var fraction = (text) => murmur3(text) / 2 ** 32;

// src/modules/lib/text.ts
var bounded = (text, most) => text.slice(0, most).replace(/\p{Cs}/gu, "");

// src/modules/experiments.ts
var assign = (visitor, experiment, variants) => {
  let upto = 0;
  const ends = variants.map(([, weight]) => upto += weight >= 0 ? weight : NaN);
  const names = new Set(variants.map(([name]) => name));
  if (!(upto > 0 && upto < Infinity) || names.size < 2 || names.size < variants.length || names.has("")) return "";
  const at = fraction(`${experiment}/${visitor}`);
  return variants[ends.findIndex((end) => end / upto > at)][0];
};
var experiments = (api) => {
  const exposed = /* @__PURE__ */ new Set();
  let told = false;
  api.on("view", () => exposed.clear());
  api.command(
    "experiment",
    (name, variants, callback, options) => {
      const choices = Array.isArray(variants) ? variants.map((variant2) => [String(variant2), 1]) : Object.entries(variants);
      const unit = String(options?.unit ?? "") || api.visitor();
      const variant = unit && assign(unit, String(name), choices);
      if (variant) {
        if (!exposed.has(name)) {
          const props = { experiment: bounded(String(name), 128), variant: bounded(variant, 128) };
          api.send("experiment_exposure", props, { interactive: false });
        }
        exposed.add(name);
      } else if (unit) console.warn("Footfall: no two variants with weights", name);
      else if (!told) {
        told = true;
        console.info("Footfall: nobody may know the visitor, experiments show their first variant");
      }
      callback?.(variant || (choices[0]?.[0] ?? ""));
    }
  );
};
export {
  assign,
  experiments
};
