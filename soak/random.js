// Random choices that a seed repeats.

/** @param {number} seed @see https://github.com/bryc/code/blob/master/jshash/PRNGs.md (mulberry32) */
export function seeded(seed) {
  let state = seed >>> 0;

  function next() {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From 0 to `end`, without it. */
  const int = (end) => Math.floor(next() * end);
  const pick = (list) => list[int(list.length)];
  const chance = (share) => next() < share;
  /** As many picks from a list, or characters of a text, put together. */
  const text = (from, length) => Array.from({ length }, () => pick(from)).join('');
  /** One of `[[weight, value], …]`. */
  function weighted(choices) {
    let left = next() * choices.reduce((sum, [weight]) => sum + weight, 0);
    return choices.find(([weight]) => (left -= weight) < 0)?.[1] ?? choices[0][1];
  }

  return { next, int, pick, chance, text, weighted };
}

/** A seed for the n-th of several that run side by side. */
export function seedOf(seed, n) {
  return (seed + Math.imul(n + 1, 0x9e3779b1)) >>> 0;
}
