// Long lists of rows or keys, cut into what one statement takes.

/** Far below what both databases take as variables of one statement (SQLite: 32,766), and short enough to wait for. */
const MOST = 64;

/**
 * Cuts a list into parts whose lengths are powers of two. Each length is a statement of its own, which SQLite prepares and
 * keeps, and one with many variables takes a tenth of a megabyte or more: there are to be few of them.
 */
export function chunksOf<T>(all: readonly T[]): T[][] {
  const chunks: T[][] = [];
  let from = 0;
  for (let length = MOST; length >= 1; length /= 2) {
    for (; all.length - from >= length; from += length) chunks.push(all.slice(from, from + length));
  }
  return chunks;
}
