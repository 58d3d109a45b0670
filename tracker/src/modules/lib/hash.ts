/**
 * MurmurHash3, x86, 32 bits, seed 0, of the UTF-8 bytes: the same number as everywhere else that computes it.
 * As a fraction: 0 is reached, 1 is not.
 */
export const murmur3 = (text: string): number => {
  const bytes = new TextEncoder().encode(text);
  const { length } = bytes;
  const { imul } = Math;
  let hash = 0;
  for (let i = 0; i < length; i += 4) {
    // What is not there counts as zero.
    let block = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    block = imul(block, 0xcc9e2d51);
    hash ^= imul((block << 15) | (block >>> 17), 0x1b873593);
    // The last block is not mixed on where it is not whole.
    if (i + 4 <= length) hash = imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  hash ^= length;
  hash = imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

export const fraction = (text: string): number => murmur3(text) / 2 ** 32;
