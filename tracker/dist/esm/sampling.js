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

// src/modules/sampling.ts
var sampling = (api) => {
  const given = Number(api.option("sample"));
  if (!(given > 0 && given <= 1)) return console.warn("Footfall: data-sample is no share such as 0.1, all is sent");
  const rate = Math.max(given, 1e-3);
  let taken;
  api.on("event", (event) => {
    if (taken === void 0) {
      const visitor = api.visitor();
      taken = (visitor ? fraction(`sample/${visitor}`) : Math.random()) < rate;
    }
    event.props = { ...event.props, sample_weight: 1 / rate };
    return taken;
  });
};
export {
  sampling
};
