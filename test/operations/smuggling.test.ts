// Requests that a proxy and the server behind it could understand differently: what hides in them is never answered,
// neither to who sent it nor to the next visitor on the same connection.
import { connect as connectTls } from 'node:tls';
import { providerYaml } from '../support/provider.ts';
import { startApp } from '../support/start-app.ts';
import { readSample, startCaddy, startNginx, type StartFront } from './fronts.ts';
import { command, describeWith, type Need } from './needs.ts';
import { openSandbox, PUBLIC_URL } from './nodes.ts';
import { Visitor } from './visitor.ts';

const HOST = new URL(PUBLIC_URL).host;
const HIDDEN = `GET /zz-hidden HTTP/1.1\r\nHost: ${HOST}\r\nX-Ignore: x`;
const post = (headers: string, body: string) =>
  `POST /users/sign_in HTTP/1.1\r\nHost: ${HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n${headers}\r\n\r\n${body}`;

const CASES: [string, string][] = [
  ['CL.TE', post(`Content-Length: ${HIDDEN.length + 5}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${HIDDEN}`)],
  [
    'TE.CL',
    post('Transfer-Encoding: chunked\r\nContent-Length: 4', `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`),
  ],
  ...[
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:\tchunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
    'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity, chunked',
    'X: x\r\n Transfer-Encoding: chunked',
    'X: x\nTransfer-Encoding: chunked',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: \x0bchunked',
    'Transfer_Encoding: chunked',
  ].map((coding): [string, string] => [
    `TE.TE, ${JSON.stringify(coding)}`,
    post(`Content-Length: ${HIDDEN.length + 5}\r\n${coding}`, `0\r\n\r\n${HIDDEN}`),
  ]),
  ['two lengths', post(`Content-Length: 0\r\nContent-Length: ${HIDDEN.length}`, HIDDEN)],
  ['a list of lengths', post(`Content-Length: 0, ${HIDDEN.length}`, HIDDEN)],
  ['a length with a sign', post(`Content-Length: +${HIDDEN.length}`, HIDDEN)],
  [
    'GET with a body',
    `GET /users/sign_in HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${HIDDEN.length + 4}\r\n\r\n${HIDDEN}\r\n\r\n`,
  ],
  ['a chunk size with a sign', post('Transfer-Encoding: chunked', `+0\r\n\r\n${HIDDEN}`)],
  ['a chunk size of too many digits', post('Transfer-Encoding: chunked', `00000000000000000\r\n\r\n${HIDDEN}`)],
  ['a chunk that ends with LF', post('Transfer-Encoding: chunked', `0\n\n${HIDDEN}`)],
  ['a chunk extension with a line end', post('Transfer-Encoding: chunked', `5;a\nb\r\nhello\r\n0\r\n\r\n${HIDDEN}`)],
  ['an Expect and a body', post(`Expect: 100-continue\r\nContent-Length: ${HIDDEN.length}`, HIDDEN)],
  [
    'a wish to change the protocol',
    `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n${HIDDEN}`,
  ],
  ['two hosts', `GET /users/sign_in HTTP/1.1\r\nHost: ${HOST}\r\nHost: evil.test\r\n\r\n`],
];

/** Sends bytes and, on the same connection, a good request. @returns everything that came back until it was quiet or closed */
function ask(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connectTls(
      { host: '127.0.0.1', port, servername: HOST, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
      () => {
        socket.write(bytes);
      },
    );
    socket.setTimeout(300, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(text));
  });
}

describe.each<[string, Need, StartFront, string]>([
  ['nginx', command('nginx'), startNginx, 'nginx.conf'],
  ['Caddy', command('caddy'), startCaddy, 'Caddyfile'],
])('%s in front', (_name, need, start, sample) => {
  describeWith([need], 'requests within requests', () => {
    test(`${CASES.length} of them are refused or are one request, and the next visitor gets the own answer (HT-023)`, async () => {
      const sandbox = await openSandbox();
      const app = await startApp({
        externalUrl: PUBLIC_URL,
        yaml: `${providerYaml(sandbox)}trusted_proxies: [127.0.0.1]\n`,
      });
      const { port } = await start(readSample(sample), [app.port]);
      const visitor = new Visitor({ url: PUBLIC_URL, port, tls: true });
      const wrong: string[] = [];
      for (const [what, bytes] of CASES) {
        const answer = await ask(port, bytes);
        // The hidden request would be a 404; whoever comes next would get it, or the log would know its path. A 502 is the
        // proxy's own word for a body that it cannot read.
        if (/zz-hidden|^HTTP\/1\.1 (101|404|500)/m.test(answer)) wrong.push(`${what}: ${answer.slice(0, 60)}`);
        for (let times = 0; times < 3; times += 1) {
          const next = await visitor.get('/-/health');
          if (next.status !== 200) wrong.push(`${what}: the next visitor got ${next.status}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(app.log.filter((line) => line.includes('zz-hidden'))).toEqual([]);
    });
  });
});
