// One request that keeps the rules of HTTP, so that its connection goes on.
import { Buffer } from 'node:buffer';
import { oneLine } from './strings.js';

export const FORM = 'application/x-www-form-urlencoded';
const OTHER = '/-/health /-/liveness /-/metrics /robots.txt /favicon.svg /admin /api/v4/users';
/** Where there is something, or could be. */
export const PLACES = `/ /users/sign_in /users/auth /users/auth/bitbucket /users/sign_out /api/v4/user ${OTHER}`.split(
  ' ',
);
export const TYPES = [
  'text/plain',
  'application/json',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/x-www-form-urlencoded; charset=utf-7',
];

/**
 * @param {{ kind: string, path: string, method?: string, host?: string, cookie?: string, headers?: string[], body?: string, alone?: boolean }} parts
 * @returns {import('./requests.js').FuzzRequest}
 */
export function request(
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

export function someCookie(random, world) {
  if (random.chance(0.2)) return '';
  return world.sessions.length > 0 && random.chance(0.3)
    ? random.pick(world.sessions)
    : random.pick(world.browsers).cookie;
}

/** What may stand in a request line; the rest is for `broken`. */
function pathOf(path) {
  const line = latin(path).replace(
    /[^\u0021-\u007e]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return /^(\/|http)/.test(line) ? line.slice(0, 12_000) : `/${line.slice(0, 12_000)}`;
}

export function latin(text) {
  return Buffer.from(text, 'utf8').toString('latin1');
}
