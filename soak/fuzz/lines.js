// Requests that are odd in one line: path, method, host, a header or the cookies.
import { FORM, PLACES, request, someCookie, TYPES } from './request.js';
import { oddQuery } from './forms.js';
import { encoded, MARKUP, oddTarget, oddText, oneLine } from './strings.js';

const METHODS = 'GET HEAD POST PUT PATCH DELETE OPTIONS TRACE PROPFIND LOCK PURGE M-SEARCH'.split(' ');
const FORWARDING =
  'X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix Forwarded Via';
const REWRITING = 'X-Real-IP X-Original-URL X-Rewrite-URL X-HTTP-Method True-Client-IP X-Request-Id Remote-User';
const PROXY_HEADERS = `${FORWARDING} ${REWRITING}`.split(' ');

export function oddPath(random, world) {
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

export function oddMethod(random, world) {
  const method = random.pick(METHODS);
  const body = random.chance(0.3) ? oddQuery(random) : undefined;
  const headers = body === undefined ? [] : [`Content-Type: ${random.pick([FORM, ...TYPES])}`];
  if (random.chance(0.3)) headers.push(`X-HTTP-Method-Override: ${random.pick(METHODS)}`);
  return request(random, world, { kind: 'method', method, path: random.pick(PLACES), headers, body });
}

export function oddHost(random, world) {
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

export function forwarded(random, world) {
  const claims = '127.0.0.1 evil.test https ::1 for=evil;host=evil.test;proto=https /admin a,b,c,127.0.0.1'.split(' ');
  const value = () => (random.chance(0.8) ? random.pick([...claims, `${MARKUP}>`]) : oneLine(oddText(random)));
  const headers = Array.from({ length: 1 + random.int(3) }, () => `${random.pick(PROXY_HEADERS)}: ${value()}`);
  return request(random, world, { kind: 'forwarding', path: random.pick(PLACES), headers });
}

export function oddCookie(random, world) {
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

export function oddHeaders(random, world) {
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

export function api(random, world) {
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
