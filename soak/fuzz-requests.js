// Makes one request at random: bytes that a browser, a script, a broken proxy or an attacker could send.
import { Buffer } from 'node:buffer';
import { encoded, INJECTED_HEADER, MARKUP, oddTarget, oddText, oneLine } from './strings.js';

/**
 * @typedef {object} FuzzRequest
 * @property {string} kind
 * @property {string} bytes as latin1
 * @property {boolean} head whether the answer has no body
 * @property {boolean} alone whether it may end the connection or be taken for more than one request
 */

const ROUTES = ['/', '/users/sign_in', '/users/auth', '/users/auth/bitbucket', '/users/sign_out', '/api/v4/user'];
const PLACES = [
  ...ROUTES,
  '/-/health',
  '/-/liveness',
  '/-/metrics',
  '/robots.txt',
  '/favicon.svg',
  '/admin',
  '/api/v4/users',
];
const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'LOCK',
  'PURGE',
  'M-SEARCH',
];
const TYPES = [
  'text/plain',
  'application/json',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/x-www-form-urlencoded; charset=utf-7',
];
const FORM = 'application/x-www-form-urlencoded';
const FIELDS = [
  'login',
  'password',
  'remember_me',
  'return_to',
  '_csrf',
  'state',
  'code',
  'error',
  'error_description',
  'iss',
  'scope',
];

/**
 * @param {ReturnType<import('./random.js').seeded>} random
 * @param {{ host: string, browsers: { cookie: string, csrf: string }[], sessions: string[], states: { cookie: string, state: string }[] }} world
 * @returns {FuzzRequest}
 */
export function makeRequest(random, world) {
  return random.weighted(KINDS)(random, world);
}

const KINDS = [
  [16, signInPage],
  [14, callback],
  [12, form],
  [6, start],
  [12, oddPath],
  [6, oddMethod],
  [4, oddHost],
  [6, forwarded],
  [8, oddCookie],
  [7, oddHeaders],
  [6, api],
  [3, broken],
];

function signInPage(random, world) {
  const wish = encoded(random, oddTarget(random));
  const more = random.chance(0.2) ? `&${oddQuery(random)}` : '';
  return request(random, world, { kind: 'sign-in page', path: `/users/sign_in?return_to=${wish}${more}` });
}

function oddQuery(random) {
  return Array.from({ length: 1 + random.int(4) }, () => `${oddName(random)}=${encoded(random, oddText(random))}`).join(
    '&',
  );
}

function oddName(random) {
  const name = random.chance(0.7) ? random.pick(FIELDS) : encodeURIComponent(oddText(random).toWellFormed());
  return (
    name +
    random.pick([
      '',
      '',
      '',
      '[]',
      '[a]',
      '[__proto__][zqpolluted]',
      '[0]',
      '.length',
      '[constructor][prototype][zqpolluted]',
    ])
  );
}

/** Answers of Bitbucket that it never gave, now and then to a sign-in that is really under way. */
function callback(random, world) {
  const { cookie, state } =
    world.states.length > 0 && random.chance(0.3)
      ? random.pick(world.states)
      : { cookie: someCookie(random, world), state: oddText(random) };
  const parts = [];
  if (random.chance(0.8))
    parts.push(
      `state=${random.chance(0.2) ? encoded(random, oddText(random)) : encodeURIComponent(state.toWellFormed())}`,
    );
  if (random.chance(0.8)) parts.push(`code=${encoded(random, oddText(random))}`);
  if (random.chance(0.2))
    parts.push(`error=${encoded(random, random.pick(['access_denied', 'server_error', oddText(random)]))}`);
  if (random.chance(0.3)) parts.push(oddQuery(random));
  const path = `/users/auth${random.chance(0.05) ? random.pick(['/', '/bitbucket', '//', '.json', '%2f', ';a']) : ''}?${parts.join('&')}`;
  return request(random, world, { kind: 'callback', path, cookie });
}

function form(random, world) {
  const { cookie, csrf } = random.pick(world.browsers);
  const token = random.chance(0.8) ? csrf : oddText(random);
  const path = random.pick([
    '/users/sign_in',
    '/users/sign_in',
    '/users/sign_in',
    '/users/sign_out',
    '/',
    '/users/auth',
  ]);
  const type = random.chance(0.8) ? FORM : random.pick(TYPES);
  const body = type === 'application/json' || random.chance(0.1) ? oddJson(random, token) : oddForm(random, token);
  const headers = [`Content-Type: ${body.startsWith('{') && type === FORM ? 'application/json' : type}`];
  if (random.chance(0.05)) headers.push(`Content-Encoding: ${random.pick(['gzip', 'br', 'identity', 'zz'])}`);
  if (random.chance(0.1)) headers.push(`X-CSRF-Token: ${oneLine(oddText(random))}`);
  return request(random, world, { kind: 'form', method: 'POST', path, cookie, headers, body });
}

/** A password that is checked costs tens of milliseconds, so nearly all of these are too long or no text at all. */
function oddForm(random, token) {
  const fields = [`_csrf=${encodeURIComponent(token.toWellFormed())}`, `login=${encoded(random, oddText(random))}`];
  if (random.chance(0.004)) fields.push('password=wrong');
  else
    fields.push(
      random.pick(['password=', 'password[]=a', 'password=a&password=b', `password=${'p'.repeat(1100)}`, 'passwort=a']),
    );
  if (random.chance(0.4)) fields.push(`return_to=${encoded(random, oddTarget(random))}`);
  if (random.chance(0.3)) fields.push(oddQuery(random));
  if (random.chance(0.02)) fields.push('&a=b'.repeat(120));
  if (random.chance(0.01)) fields.push('x'.repeat(110_000));
  return fields.join('&');
}

function oddJson(random, token) {
  const text = JSON.stringify(oddText(random));
  const values = [
    text,
    '1',
    'true',
    'null',
    '[]',
    '{}',
    `[${text}]`,
    `{"__proto__":{"zqpolluted":1}}`,
    '1e999',
    '"\\ud800"',
  ];
  const value = () => random.pick(values);
  return random.weighted([
    [5, `{"_csrf":${JSON.stringify(token)},"login":${value()},"password":[${value()}],"return_to":${value()}}`],
    [2, `{"_csrf":${JSON.stringify(token)},"__proto__":{"zqpolluted":1},"constructor":{"prototype":{"zqpolluted":1}}}`],
    [1, `{"a":`.repeat(2000) + '1' + '}'.repeat(2000)],
    [1, `{"_csrf":${value()},`],
    [1, '['.repeat(5000)],
    [1, `{"_csrf":${JSON.stringify(token)},"login":"a","login":${value()}}\0`],
  ]);
}

function start(random, world) {
  const { cookie, csrf } = random.pick(world.browsers);
  const name = random.chance(0.3) ? 'bitbucket' : encoded(random, oddText(random)).replace(/[\s/?#]/g, '%20');
  const token = random.chance(0.7) ? csrf : oddText(random);
  const body = `_csrf=${encodeURIComponent(token.toWellFormed())}&return_to=${encoded(random, oddTarget(random))}`;
  return request(random, world, {
    kind: 'start',
    method: 'POST',
    path: `/users/auth/${name}`,
    cookie,
    headers: [`Content-Type: ${FORM}`],
    body,
  });
}

function oddPath(random, world) {
  const base = random.pick(PLACES);
  const path = random.weighted([
    [
      3,
      `${base}${random.pick(['/', '//', '/.', '/..', '%2f', ';x.css', '/x.css', '.json', '%00', '~', '.bak', '%20', '?', '#'])}`,
    ],
    [3, `/${encoded(random, oddText(random))}`],
    [2, `/${'../'.repeat(1 + random.int(9))}${random.pick(['etc/passwd', 'gatehouse.db', 'package.json', '.env'])}`],
    [
      2,
      `/assets/${encoded(random, random.pick(['../views/error.ejs', '..%2f..%2fpackage.json', 'app.css.map', '.git/HEAD']))}`,
    ],
    [1, base.toUpperCase()],
    [1, `/${'a-'.repeat(random.int(3000))}`],
    [2, `${base}?${oddQuery(random)}`],
    [1, `${base}?settings[view options][client]=1&cache=false&delimiter=${MARKUP}&_locals=1`],
  ]);
  return request(random, world, { kind: 'path', path });
}

function oddMethod(random, world) {
  const method = random.pick(METHODS);
  const body = random.chance(0.3) ? oddForm(random, '') : undefined;
  const headers = body === undefined ? [] : [`Content-Type: ${random.pick([FORM, ...TYPES])}`];
  if (random.chance(0.3)) headers.push(`X-HTTP-Method-Override: ${random.pick(METHODS)}`);
  return request(random, world, { kind: 'method', method, path: random.pick(PLACES), headers, body });
}

function oddHost(random, world) {
  const host = random.pick([
    'evil.test',
    '',
    'a b',
    `user@${world.host}`,
    `${world.host}.evil.test`,
    '127.0.0.1',
    'localhost:1',
    '[::1',
    MARKUP,
    `${world.host}:99999`,
    'evil.test, ' + world.host,
  ]);
  const headers = random.chance(0.3) ? [`Host: ${world.host}`] : [];
  const path = random.chance(0.1) ? `http://evil.test${random.pick(PLACES)}` : random.pick(PLACES);
  return request(random, world, { kind: 'host', path, host, headers, alone: true });
}

function forwarded(random, world) {
  const names = [
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'X-Forwarded-Port',
    'X-Forwarded-Prefix',
    'Forwarded',
    'X-Real-IP',
    'Via',
  ];
  const more = [
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-HTTP-Method',
    'True-Client-IP',
    'X-Request-Id',
    'X-Forwarded-User',
    'Remote-User',
  ];
  const values = [
    '127.0.0.1',
    'evil.test',
    'https',
    '::1',
    'for=evil;host=evil.test;proto=https',
    '/admin',
    'a, b, c, 127.0.0.1',
    `${MARKUP}>`,
  ];
  const headers = Array.from(
    { length: 1 + random.int(3) },
    () => `${random.pick([...names, ...more])}: ${random.chance(0.8) ? random.pick(values) : oneLine(oddText(random))}`,
  );
  return request(random, world, { kind: 'forwarding', path: random.pick(PLACES), headers });
}

function oddCookie(random, world) {
  const real = someCookie(random, world);
  const cookie = random.weighted([
    [3, real.replace(/[A-Za-z0-9](?=[^=]*$)/, random.pick(['A', '%00', '']))],
    [2, `gatehouse=${oneLine(oddText(random))}; ${real}`],
    [2, `${real}; gatehouse=s%3A${'a'.repeat(32)}.${'b'.repeat(43)}`],
    [
      2,
      `gatehouse=j%3A${encodeURIComponent('{"passport":{"user":1001}}')}; gatehouse-browser=__proto__; __proto__=zqpolluted`,
    ],
    [1, `gatehouse-signed-out=${random.pick(['news', MARKUP, ''])}; gatehouse-csrf=${oneLine(oddText(random))}`],
    [1, `${'a=b; '.repeat(random.int(1500))}${real}`],
    [1, `$Version=1; __Host-gatehouse=x; gatehouse="${oneLine(oddText(random))}"`],
    [1, ';'.repeat(200)],
  ]);
  return request(random, world, { kind: 'cookie', path: random.pick(PLACES), cookie });
}

function oddHeaders(random, world) {
  const choices = [
    () =>
      `Accept: ${random.pick(['application/json', 'text/html;q=0', '*/*;q=nan', ','.repeat(2000), oneLine(oddText(random)), 'application/problem+json'])}`,
    () => `Origin: ${random.pick(['null', 'https://evil.test', `http://${world.host}`, oneLine(oddText(random))])}`,
    () => `Sec-Fetch-Site: ${random.pick(['cross-site', 'same-origin', 'none', oneLine(oddText(random))])}`,
    () => `Range: bytes=${random.pick(['0-', '-1', '0-0,1-1', '99999999999-', `${'0-1,'.repeat(500)}0-1`])}`,
    () => `If-None-Match: ${random.pick(['*', 'W/"a"', oneLine(oddText(random))])}`,
    () => `If-Modified-Since: ${random.pick(['Thu, 01 Jan 1970 00:00:00 GMT', 'never', oneLine(oddText(random))])}`,
    () => `Purpose: prefetch`,
    () => `User-Agent: ${oneLine(oddText(random))}`,
    () => `Referer: ${oneLine(oddTarget(random))}`,
    () => `Accept-Language: ${oneLine(oddText(random))}`,
    () => `Accept-Encoding: ${random.pick(['gzip', 'br, gzip;q=0', '*;q=0', oneLine(oddText(random))])}`,
    () => `__proto__: zqpolluted`,
    () => `constructor: zqpolluted`,
  ];
  const headers = Array.from({ length: 1 + random.int(4) }, () => random.pick(choices)());
  return request(random, world, { kind: 'headers', path: random.pick(PLACES), headers });
}

function api(random, world) {
  const token = random.pick([
    'Bearer a',
    'bearer',
    'Basic cm9vdDphYmM=',
    'Bearer ' + 'x'.repeat(3000),
    oneLine(oddText(random)),
    'Negotiate',
  ]);
  const header = random.pick([`Authorization: ${token}`, `Private-Token: ${oneLine(oddText(random))}`]);
  const path = `/api/v4/${random.pick(['user', 'user', 'user/', 'users', 'user.json', encoded(random, oddText(random))])}`;
  return request(random, world, { kind: 'api', path, headers: random.chance(0.5) ? [header] : [] });
}

function someCookie(random, world) {
  if (random.chance(0.2)) return '';
  return world.sessions.length > 0 && random.chance(0.3)
    ? random.pick(world.sessions)
    : random.pick(world.browsers).cookie;
}

/** A request that keeps the rules of HTTP, so that its connection goes on. */

function request(
  random,
  world,
  { kind, method = 'GET', path, host = world.host, cookie, headers = [], body, alone = false },
) {
  const lines = [`${method} ${pathOf(path)} HTTP/1.1`, `Host: ${host}`, ...headers.map(latin)];
  const jar = cookie ?? (random.chance(0.6) ? someCookie(random, world) : '');
  if (jar !== '') lines.push(`Cookie: ${latin(oneLine(jar))}`);
  const text = body === undefined ? '' : Buffer.from(body, 'utf8').toString('latin1');
  if (body !== undefined) lines.push(`Content-Length: ${text.length}`);
  const bytes = `${lines.join('\r\n')}\r\n\r\n${text}`;
  return { kind, bytes, head: method === 'HEAD', alone: alone || lines.join('').length > 15_000 };
}

/** What may stand in a request line; the rest is for `broken`. */
function pathOf(path) {
  const line = latin(path).replace(
    /[^\u0021-\u007e]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return /^(\/|http)/.test(line) ? line.slice(0, 12_000) : `/${line.slice(0, 12_000)}`;
}

function latin(text) {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Bytes that break the rules of HTTP, each on a connection of its own. */
function broken(random, { host }) {
  const end = `Host: ${host}\r\n\r\n`;
  const post = `POST /users/sign_in HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${FORM}\r\n`;
  const bytes = random.pick([
    () =>
      random.text(
        [...Array(256).keys()].map((code) => String.fromCharCode(code)),
        1 + random.int(2000),
      ),
    () => `GET / HTTP/${random.pick(['0.9', '1.0', '2.0', '3', '1.2', 'x', '1.10'])}\r\n${end}`,
    () => `GET /\r\n\r\n`,
    () => `GET / HTTP/1.1\n${end}`,
    () => `GET  / HTTP/1.1\r\n${end}`,
    () => `GET /${latin(oddText(random))} HTTP/1.1\r\n${end}`,
    () => `GET / HTTP/1.1\r\n Host: ${host}\r\n\r\n`,
    () => `GET / HTTP/1.1\r\n\r\n`,
    () => `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: evil.test\r\n\r\n`,
    () => `GET / HTTP/1.1\r\nX${latin(oddText(random))}: a\r\n${end}`,
    () => `GET / HTTP/1.1\r\nX: ${latin(oddText(random))}\r\n${end}`,
    () => `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n${end}`,
    () => `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${end}`,
    () => `GET / HTTP/1.1\r\n${'X: a\r\n'.repeat(2100)}${end}`,
    () =>
      `${post}Content-Length: ${random.pick(['-1', '1e3', '99999999999999999999', '0x5', '5, 5', '+3', ''])}\r\n\r\na=b`,
    () => `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b`,
    () => `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n${end}`,
    () =>
      `${post}Transfer-Encoding: ${random.pick(['chunked, identity', 'xchunked', '\u000bchunked', 'chunked\r\nTransfer-Encoding: x', 'gzip'])}\r\n\r\n0\r\n\r\n`,
    () =>
      `${post}Transfer-Encoding: chunked\r\n\r\n${random.pick(['zz\r\n', '-1\r\n', 'fffffffffffffffff\r\n', '3;ext="\r\na=b\r\n0\r\n\r\n', '3\r\na=bX0\r\n\r\n', '3\na=b\n0\n\n'])}`,
    () => `${post}Transfer-Encoding: chunked\r\n\r\n0\r\n${INJECTED_HEADER}: 1\r\nContent-Length: 5\r\n\r\n`,
    () => `${post}Expect: ${random.pick(['100-continue', '200-ok', ''])}\r\nContent-Length: 3\r\n\r\na=b`,
    () => `CONNECT evil.test:443 HTTP/1.1\r\n${end}`,
    () => `OPTIONS * HTTP/1.1\r\n${end}`,
    () => `GET http://evil.test/ HTTP/1.1\r\n${end}`,
    () =>
      `GET / HTTP/1.1\r\nUpgrade: ${random.pick(['websocket', 'h2c', MARKUP])}\r\nConnection: Upgrade, HTTP2-Settings\r\n${end}`,
    () => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
    () => `\u0016\u0003\u0001\u0002\u0000\u0001${'\u0000'.repeat(50)}`,
    () => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n${end}`,
  ])();
  return { kind: 'broken', bytes, head: false, alone: true };
}
