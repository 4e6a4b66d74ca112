// Texts that break programs, in classes. Our own; each fuzzed value is one of them, or several, or a change of one.

/** Nobody may ever find the first unescaped in an answer, or the second in a header of one. */
export const MARKUP = '<zq9soak';
export const INJECTED_HEADER = 'x-zq9';
const TAG = `"'>${MARKUP} onload=zq9soak()>`;
const CRLF = `\r\n${INJECTED_HEADER}: 1\r\n\r\n`;

const plain = [
  '',
  ' ',
  '0',
  '-1',
  'a',
  'root',
  'alice',
  'Alice@Example.com',
  'null',
  'undefined',
  'true',
  'NaN',
  '1e400',
];
const markup = [TAG, `${MARKUP}/>`, `<%= ${MARKUP} %>`, `javascript:${TAG}`, `data:text/html,${TAG}`, `{{7*7}}${TAG}`];
const injection = [
  `' or 1=1 --${TAG}`,
  '"; drop table accounts; --',
  '$(id)',
  '`id`',
  '|id',
  '${7*7}',
  '#{7*7}',
  '*)(uid=*',
];
const control = [CRLF, '\0', 'a\0b', '\u001b[31m', '\u2028', '\u202e', '\ufeff', '\t', '\u0085', '\u200b'];
const unicode = ['é', 'e\u0301', 'ß', 'İ', 'K', '🙂', '\ud800', 'ﷺ', 'а', '\u0300'.repeat(200), '٣', '١٢٣'];
const magic = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'valueOf', '__proto__.a'];
const files = [
  '../'.repeat(8),
  '..\\..\\',
  '/etc/passwd',
  'C:\\boot.ini',
  '.env',
  '.git/config',
  'gatehouse.db',
  'CON',
];

/** Wishes for a page to come back to: each tries another way to leave the site. */
const HOSTS = [
  'evil.test',
  'evil.test:80',
  'user@evil.test',
  '[::1]',
  '①②⑦.0.0.1',
  '0x7f000001',
  'evil。test',
  'evil.test#',
];
const LEADS = [
  '//',
  '///',
  '/\\',
  '\\\\',
  '/.//',
  '/..//',
  '/%2f/',
  '/%5c',
  '/%09/',
  '/\t/',
  '\t//',
  'https:',
  'https://',
  '%2f%2f',
];
const LEADS_MORE = [
  'http:///',
  'hTTps:/\\',
  'javascript://',
  'data:',
  '/;/',
  '/?//',
  '/#//',
  '////',
  '/%252f%252f',
  '/\u0000/',
  '@',
  '.',
];
const ours = [
  '/',
  '/api/v4/user',
  '/-/health',
  '/users/sign_in',
  '/users/auth',
  '/users/sign_out',
  '/a/b?c=d#e',
  '/%2e%2e/',
];

/** @param {ReturnType<import('../random.js').seeded>} random */
export function oddText(random) {
  const text = random.weighted([
    [4, random.pick(plain)],
    [4, random.pick(markup)],
    [3, random.pick(injection)],
    [3, random.pick(control)],
    [3, random.pick(unicode)],
    [2, random.pick(magic)],
    [2, random.pick(files)],
    [1, random.text('abcXYZ019 _-.:/?#[]@!$&()*+,;=%<>"\'\\', random.int(300))],
  ]);
  if (random.chance(0.05)) return text.repeat(1 + random.int(100));
  return random.chance(0.2) ? text + oddText(random) : text;
}

export function oddTarget(random) {
  const lead = random.pick(random.chance(0.5) ? LEADS : LEADS_MORE);
  const made = random.chance(0.3) ? random.pick(ours) : `${lead}${random.pick(HOSTS)}${random.chance(0.5) ? '/' : ''}`;
  return random.chance(0.15) ? made + oddText(random) : made;
}

const PERCENT = [encodeURIComponent, (text) => text, (text) => encodeURIComponent(encodeURIComponent(text)), escape];

/** Percent-encoded once, twice, wrongly or not at all. */
export function encoded(random, text) {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return random.chance(0.05)
    ? `${encodeURIComponent(whole)}%${random.pick(['', '0', 'zz', 'c0%af', 'ff', 'u0041'])}`
    : random.pick(PERCENT)(whole);
}

/** Without what would end a header or a request line: those are tried with sockets of their own. */
export function oneLine(text) {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, '%0d%0a').slice(0, 4000);
}
