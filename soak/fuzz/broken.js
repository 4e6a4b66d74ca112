// Bytes that break the rules of HTTP.
import { FORM, latin } from './request.js';
import { INJECTED_HEADER, MARKUP, oddText } from './strings.js';

/** Bytes that break the rules of HTTP, each on a connection of its own. */
export function broken(random, { host }) {
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
