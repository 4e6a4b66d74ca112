// What kind of image a file is, by its first bytes: neither its name nor what a server calls it proves anything.

/* eslint-disable no-control-regex -- files begin with such bytes so that nobody takes them for text */
const SIGNS: readonly [string, RegExp][] = [
  ['image/png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[\s\S]{4}WEBP/],
  ['image/bmp', /^BM[\s\S]{4}\0\0\0\0/],
  ['image/avif', /^[\s\S]{4}ftypavi[fs]/],
];

/** @returns a type that browsers show and never run; undefined for anything else: it is kept as bytes of no kind */
export function imageTypeOf(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, 16).toString('latin1');
  return SIGNS.find(([, sign]) => sign.test(head))?.[0];
}
