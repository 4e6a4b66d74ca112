// How long lists are cut into what one statement takes.
import { chunksOf } from '../../src/db/chunks.ts';

test('a list of any length is cut into parts of few lengths, whole and in order', () => {
  const lengths = new Set<number>();
  for (let length = 0; length <= 200; length += 1) {
    const all = Array.from({ length }, (_, index) => index);
    const chunks = chunksOf(all);
    expect(chunks.flat()).toEqual(all);
    for (const chunk of chunks) lengths.add(chunk.length);
  }
  expect([...lengths].sort((a, b) => a - b)).toEqual([1, 2, 4, 8, 16, 32, 64]);
});
