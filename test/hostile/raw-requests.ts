// Requests as bytes, by class, each with what may be answered. {{HOST}} is our host, {{ID}} the cookie of a session that is
// signed in; {{END}} ends the headers and asks for the connection to be closed.

import { bodies, framing } from './raw-bodies.ts';

export type RawCase = [what: string, bytes: string, allowed: (number | 'closed')[]];

const get = (rest: string, headers = '') => `GET ${rest} HTTP/1.1\r\nHost: {{HOST}}\r\n${headers}{{END}}`;
const repeat = (count: number, one: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => one(at)).join('');

const requestLine: RawCase[] = [
  ['our address in absolute form', `GET http://{{HOST}}/users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}`, [200]],
  [
    'a foreign address in absolute form',
    `GET http://evil.test/x HTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}`,
    [400, 404, 421],
  ],
  ['an address without a path', `GET http://{{HOST}} HTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}`, [303, 400, 404]],
  ['a backslash', get('/\\evil.test'), [400, 404]],
  ['two slashes', get('//evil.test/%2f..'), [404]],
  ['tabs between the parts', 'GET\t/\tHTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}', [400]],
  ['a blank in front', ` ${get('/')}`, [400]],
  ['a blank in the target', get('/a b'), [400]],
  ['empty lines in front', `\r\n\r\n${get('/users/sign_in')}`, [200, 400]],
  ['a method in lower case', `get / HTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}`, [400]],
  ['version 9.9', 'GET / HTTP/9.9\r\nHost: {{HOST}}\r\n{{END}}', [400, 505]],
  ['version 2.0', 'GET / HTTP/2.0\r\nHost: {{HOST}}\r\n{{END}}', [303, 400, 505]],
  ['no version', 'GET /\r\n\r\n', [400, 421, 'closed']],
  ['HTTP/1.0 without a host', 'GET /users/sign_in HTTP/1.0\r\n\r\n', [400, 421]],
  ['line ends without CR', 'GET / HTTP/1.1\nHost: {{HOST}}\n\n', [303, 400]],
  ['letters that are no ASCII', get('/é'), [400]],
  ['NUL in the target', get('/\0'), [400]],
  ['bad escapes', get('/%zz%'), [400, 404]],
  ['overlong UTF-8', get('/%C0%AF..%C0%AF'), [400, 404]],
  ['no UTF-8 in the query', get('/users/sign_in?%ff=%fe&return_to=%c3'), [200]],
  ['a fragment', get('/users/sign_in#x'), [200, 400, 404]],
  ['4,000 parameters', get(`/users/sign_in?${'a=1&'.repeat(3800)}`), [200, 400, 414, 431]],
  ['brackets 4,000 deep', get(`/users/sign_in?a${'[a]'.repeat(4000)}=1`), [200, 400, 414, 431]],
  ['a target of 60 kB', get(`/${'a'.repeat(60_000)}`), [414, 431]],
  ['a thousand steps up', get(`/${'%2e%2e/'.repeat(1000)}etc/passwd`), [400, 404]],
];

const paths: RawCase[] = [
  '/assets/../package.json',
  '/assets/..%2fpackage.json',
  '/assets/..%252fpackage.json',
  '/assets/..;/package.json',
  '/assets/%c0%ae%c0%ae/package.json',
  '/assets/%00/../package.json',
  '/assets/..\\package.json',
  '/assets//etc/passwd',
  '/assets/.git/config',
  '/assets/',
  '/assets',
  '/.git/HEAD',
  '/.env',
  '/config/gatehouse.yml',
  '/data/gatehouse.db',
  '/src/app.ts',
  '/dist/main.js',
  '/node_modules/express/package.json',
  '/views/error.ejs',
  '/assets/app.css.map',
].map((path) => [path, get(path), [400, 404]]);

const hosts: RawCase[] = [
  ...[
    '{{HOST}}.evil.test',
    '{{HOST}}@evil.test',
    '127.0.0.1:1@{{HOST}}',
    'a b',
    '{{HOST}}/x',
    '{{HOST}}#x',
    '[::1',
    '[::1]x',
    '{{HOST}}\0.evil.test',
    '{{HOST}}, evil.test',
    'xn--',
    '.',
    '{{HOST}}:99999',
    'loc\u00e4lhost',
  ].map((host): RawCase => [host, `GET /users/sign_in HTTP/1.1\r\nHost: ${host}\r\n{{END}}`, [400, 421]]),
  ['twice', `GET / HTTP/1.1\r\nHost: {{HOST}}\r\nHost: evil.test\r\n{{END}}`, [400]],
  [
    'twice, the second behind 2,100 other headers',
    `GET / HTTP/1.1\r\nHost: {{HOST}}\r\n${'a:\r\n'.repeat(2100)}Host: evil.test\r\n{{END}}`,
    [400],
  ],
  ['upper case', `GET /users/sign_in HTTP/1.1\r\nHOST: {{UPPER}}\r\n{{END}}`, [200]],
];

const forwarded: RawCase[] = [
  'X-Forwarded-Host: {{HOST}}\r\nX-Forwarded-Host: evil.test',
  'X-Forwarded-Host: evil.test',
  'X-Forwarded-Server: evil.test',
  'X-Host: evil.test',
  'Forwarded: for=127.0.0.1;host=evil.test;proto=https',
  'X-Original-URL: /api/v4/user',
  'X-Rewrite-URL: /api/v4/user',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Proto: javascript',
  'X-Forwarded-Prefix: //evil.test',
  'X-Forwarded-For: 127.0.0.1',
  'X-HTTP-Method-Override: DELETE',
  'X-Remote-User: root',
  'X_Forwarded_User: root',
  'Remote-User: root',
  'Connection: close, X-Forwarded-For, Cookie',
].map((header) => [header, get('/users/sign_in', `${header}\r\n`), [200]]);

const methods: RawCase[] = [
  ...['TRACE', 'PROPFIND', 'SEARCH', 'PURGE', 'LINK', 'MKCOL', 'NOTIFY', 'REPORT'].map((method): RawCase => [
    method,
    `${method} /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\nX-Secret: zz-echo\r\n{{END}}`,
    [501],
  ]),
  ...['DEBUG', 'FOO', 'GETS', 'PRI'].map((method): RawCase => [
    method,
    `${method} /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}`,
    [400, 501, 'closed'],
  ]),
  ['CONNECT', 'CONNECT evil.test:443 HTTP/1.1\r\nHost: {{HOST}}\r\n\r\n', [400, 405, 501, 'closed']],
  ...['DELETE', 'PUT', 'PATCH'].map((method): RawCase => [
    method,
    `${method} /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}`,
    [403, 405],
  ]),
  ['HEAD', `HEAD /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}`, [200]],
  ['OPTIONS', `OPTIONS /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}`, [405]],
  ['signing out by GET', get('/users/sign_out', 'Cookie: gatehouse={{ID}}\r\n'), [405]],
  [
    '_method in the query',
    `POST /users/sign_in?_method=DELETE HTTP/1.1\r\nHost: {{HOST}}\r\nContent-Length: 0\r\n{{END}}`,
    [403],
  ],
];

const headers: RawCase[] = [
  ['CR inside a value', get('/', 'X: a\rb\r\n'), [400]],
  ['a blank before the colon', get('/', 'X : a\r\n'), [400]],
  ['NUL inside a value', get('/', 'X: a\0b\r\n'), [400]],
  ['no name', get('/', ': a\r\n'), [400]],
  ['no colon', get('/', 'nonsense\r\n'), [400]],
  ['a folded line', get('/', 'X: a\r\n b\r\n'), [303, 400]],
  [
    '__proto__ and constructor',
    get('/users/sign_in', '__proto__: x\r\nconstructor: y\r\ntoString: z\r\nhasOwnProperty: a\r\n'),
    [200, 400],
  ],
  [
    '3,000 of them',
    get(
      '/',
      repeat(3000, (at) => `h${at}:x\r\n`),
    ),
    [431],
  ],
  [
    'a cookie behind 2,100 of them',
    get('/api/v4/user', `${'a:\r\n'.repeat(2100)}Cookie: gatehouse={{ID}}\r\n`),
    [200, 431],
  ],
  ['64 kB in one', get('/', `X: ${'x'.repeat(65_536)}\r\n`), [431]],
  ['a thousand ranges', get('/robots.txt', `Range: bytes=${'0-,'.repeat(1000)}0-\r\n`), [200, 206, 416]],
  ['two thousand etags', get('/robots.txt', `If-None-Match: ${'"a",'.repeat(2000)}"b"\r\n`), [200, 304]],
  [
    'a wish for a websocket',
    `GET / HTTP/1.1\r\nHost: {{HOST}}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    [303, 400, 426],
  ],
  ['a wish for HTTP/2', get('/', 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'), [303]],
  ['an expectation nobody knows', get('/', 'Expect: miracles\r\n'), [417]],
  ['a thousand wishes for a type', get('/nothing', `Accept: ${'a/b;q=0.1,'.repeat(1000)}*/*\r\n`), [404]],
  ['nonsense as Accept', get('/nothing', 'Accept: ;;;,/,*\r\n'), [404]],
];

const cookies: RawCase[] = [
  's%3A',
  's%3A.',
  '../../etc/passwd',
  '%',
  '%E0%A4%A',
  '"quoted"',
  "' or 1=1 --",
  '\u00e9',
  'j%3A%7B%22passport%22%3A%7B%22user%22%3A1%7D%7D',
  '[object Object]',
  'x'.repeat(8000),
].map((value): RawCase => [value.slice(0, 30), get('/api/v4/user', `Cookie: gatehouse=${value}\r\n`), [400, 401]]);
cookies.push(
  ['one of ours', get('/api/v4/user', 'Cookie: gatehouse={{ID}}\r\n'), [200]],
  ['one of ours and a bad one', get('/api/v4/user', 'Cookie: gatehouse={{ID}}; gatehouse=bad\r\n'), [200]],
  ['a bad one and one of ours', get('/api/v4/user', 'Cookie: gatehouse=bad; gatehouse={{ID}}\r\n'), [401]],
  ['one without a name', get('/api/v4/user', 'Cookie: =x\r\n'), [401]],
  ['the old form', get('/api/v4/user', 'Cookie: $Version=1; gatehouse=x; $Path=/\r\n'), [401]],
  ['one named __proto__', get('/api/v4/user', 'Cookie: __proto__=x; constructor=y\r\n'), [401]],
  ['3,000 of them', get('/api/v4/user', `Cookie: ${'a=b;'.repeat(3000)}\r\n`), [401, 431]],
  ['for the browser, too long', get('/users/sign_in', `Cookie: gatehouse-browser=${'x'.repeat(4000)}\r\n`), [200]],
);

export const RAW_REQUESTS: Record<string, RawCase[]> = {
  'request lines': requestLine,
  paths,
  'Host headers': hosts,
  'forwarding headers': forwarded,
  methods,
  headers,
  cookies,
  'framing of bodies': framing,
  bodies,
};
