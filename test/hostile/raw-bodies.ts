// Requests with bodies as bytes, as in raw-requests.ts: where one ends, and what it holds.
import type { RawCase } from './raw-requests.ts';

const post = (headers: string, body: string) =>
  `POST /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\n${headers}{{END}}${body}`;
const repeat = (count: number, one: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => one(at)).join('');

const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
/** A second request hidden in the first one's body: it must not be answered. */
const HIDDEN = 'GET /zz-hidden HTTP/1.1\r\nHost: {{HOST}}\r\n\r\n';

export const framing: RawCase[] = [
  ['length and chunks', post(`${FORM}Content-Length: 4\r\n${CHUNKED}`, `0\r\n\r\n${HIDDEN}`), [400]],
  ['chunks and length', post(`${FORM}${CHUNKED}Content-Length: 60\r\n`, `0\r\n\r\n${HIDDEN}`), [400]],
  ['two lengths', post(`${FORM}Content-Length: 5\r\nContent-Length: 0\r\n`, `hello${HIDDEN}`), [400]],
  ['a list of lengths', post(`${FORM}Content-Length: 5, 5\r\n`, 'hello'), [400]],
  ...['0x5', '5 5', '+5', '-1', '5.0', '5e0', '99999999999999999999', 'five', ''].map((length): RawCase => [
    `the length ${JSON.stringify(length)}`,
    post(`${FORM}Content-Length: ${length}\r\n`, `hello${HIDDEN}`),
    [400, 413],
  ]),
  ['blanks around the length', post(`${FORM}Content-Length:   5  \r\n`, 'hello'), [403]],
  ...[
    'xchunked',
    'gzip, chunked',
    'identity',
    'chunked, identity',
    '\x0bchunked',
    'chunked\r\nTransfer-Encoding: identity',
    'chun ked',
    '"chunked"',
  ].map((coding): RawCase => [
    `the coding ${JSON.stringify(coding)}`,
    post(`${FORM}Transfer-Encoding: ${coding}\r\n`, `0\r\n\r\n${HIDDEN}`),
    [400, 403, 415, 501],
  ]),
  ['chunks in upper case', post(`${FORM}Transfer-Encoding: CHUNKED\r\n`, '5\r\nlogin\r\n0\r\n\r\n'), [403]],
  ...['FFFFFFFFFFFFFFFFF', '-1', '0x5', 'g', '5 ', '5\t;', ' 5'].map((size): RawCase => [
    `a chunk of ${JSON.stringify(size)}`,
    post(`${FORM}${CHUNKED}`, `${size}\r\nhello\r\n0\r\n\r\n`),
    [400, 403, 413, 'closed'],
  ]),
  ['a chunk without its end', post(`${FORM}${CHUNKED}`, `5\r\nhello${HIDDEN}0\r\n\r\n`), [400]],
  [
    'an extension of 400 kB',
    post(`${FORM}${CHUNKED}`, `5;${'x'.repeat(400_000)}\r\nhello\r\n0\r\n\r\n`),
    [400, 413, 'closed'],
  ],
  [
    'a trailer with our host',
    post(`${FORM}${CHUNKED}`, '5\r\nlogin\r\n0\r\nHost: evil.test\r\nCookie: gatehouse={{ID}}\r\n\r\n'),
    [403],
  ],
  [
    'a body with GET',
    `GET /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\nContent-Length: ${HIDDEN.length}\r\n{{END}}${HIDDEN}`,
    [200, 400, 415],
  ],
  ['less than was promised', post(`${FORM}Content-Length: 500\r\n`, 'login=a'), [400, 408, 'closed']],
];

const json = (body: string) =>
  post(`Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`, body);
const typed = (type: string, body: string) =>
  post(`Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`, body);
const NO = [400, 403, 413, 415];

export const bodies: RawCase[] = [
  ...[
    'null',
    '[]',
    '42',
    '"x"',
    '',
    '{',
    '{"login":}',
    '{"__proto__":{"admin":1}}',
    '{"constructor":{"prototype":{"admin":1}}}',
    '{"login":"a","login":"b"}',
    '{"_csrf":{"a":1}}',
    '{"_csrf":[1]}',
    '[[[]]]',
    '\ufeff{}',
  ].map((body): RawCase => [`JSON ${body}`, json(body), NO]),
  ['JSON 50,000 deep', json('['.repeat(50_000)), NO],
  ['JSON 20,000 deep and closed', json(`${'{"a":'.repeat(16_000)}1${'}'.repeat(16_000)}`), NO],
  ['UTF-16', typed('application/json; charset=utf-16', '{}'), NO],
  ['a charset nobody knows', typed('application/json; charset=klingon', '{}'), NO],
  ['two charsets', typed('application/x-www-form-urlencoded; charset=utf-8; charset=utf-16', 'login=a'), NO],
  ['no type', post('Content-Type: \r\nContent-Length: 7\r\n', 'login=a'), NO],
  ['no header for the type', post('Content-Length: 7\r\n', 'login=a'), NO],
  ...[
    'login[]=a&login[]=b',
    'login=%ff%&password=%',
    '__proto__[admin]=1&constructor.prototype.admin=1',
    'login',
    '=',
    '&&&',
    'a=1;b=2',
    '_csrf[a]=1',
    `a${'[a]'.repeat(20_000)}=1`,
  ].map((body): RawCase => [`a form ${body.slice(0, 30)}`, typed('application/x-www-form-urlencoded', body), NO]),
  [
    '2,000 fields',
    typed(
      'application/x-www-form-urlencoded',
      repeat(2000, (at) => `p${at}=1&`),
    ),
    NO,
  ],
  [
    'multipart without an end',
    typed('multipart/form-data; boundary=x', '--x\r\nContent-Disposition: form-data; name="login"\r\n\r\na'),
    [403, 415],
  ],
  ['YAML', typed('application/yaml', 'login: a'), [403, 415]],
  [
    'XML with an entity',
    typed('application/xml', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    [403, 415],
  ],
  ...['gzip', 'br, gzip, br', 'deflate', 'zstd', 'x-unknown'].map((coding): RawCase => [
    `${coding} announced, plain text sent`,
    post(`Content-Type: application/json\r\nContent-Encoding: ${coding}\r\nContent-Length: 2\r\n`, '{}'),
    [400, 403, 415],
  ]),
];
