// Limits on connections: how many, and how long each may take. The times are small here; `npm run soak` measures the real ones.
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import request from 'supertest';
import { createHttpServer, SERVER_LIMITS } from '../../src/web/http-server.ts';
import type { StartOptions, TestApp } from '../support/start-app.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { startApp } from '../support/start-app.ts';

const QUICK = { headersMs: 150, requestMs: 300, idleMs: 150, stillMs: 250, checkEveryMs: 25 };
const quickApp = (limits: StartOptions['limits'] = {}) => startApp({ limits: { ...QUICK, ...limits } });

function open(app: TestApp, bytes = ''): Socket {
  const socket = connect(app.port, '127.0.0.1');
  socket.write(bytes.replaceAll('{{HOST}}', new URL(app.url).host)); // before whatever the test writes next
  socket.on('error', () => undefined);
  closeAtEnd(() => void socket.destroy());
  return socket;
}

/** Resolves when the server has closed it; the test's own time-out ends the wait. */
async function answerUntilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

function drip(socket: Socket, bytes: string): void {
  const timer = setInterval(() => socket.write(bytes), 40);
  socket.once('close', () => clearInterval(timer));
}

// A page could take longer than these times on a busy machine.
const ASK = 'GET /-/health HTTP/1.1\r\nHost: {{HOST}}\r\n\r\n';
const BYE = 'GET /-/health HTTP/1.1\r\nHost: {{HOST}}\r\nConnection: close\r\n\r\n';
const FORM = 'POST /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\nContent-Type: application/x-www-form-urlencoded\r\n';

test('the limits that are served with are those of the operations guide (HT-015, HT-016)', () => {
  expect(SERVER_LIMITS).toMatchObject({ maxConnections: 5000, headersMs: 20_000, requestMs: 30_000, idleMs: 65_000 });
  const { maxConnections, headersTimeout, requestTimeout, keepAliveTimeout, timeout } = createHttpServer();
  expect({ maxConnections, headersTimeout, requestTimeout, keepAliveTimeout, timeout }).toEqual({
    maxConnections: 5000,
    headersTimeout: 20_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    timeout: 60_000,
  });
});

const slow: [string, string, string | undefined, RegExp][] = [
  ['connects and says nothing', '', undefined, /^(HTTP\/1\.1 408 |$)/],
  ['sends its headers a byte at a time', 'GET / HTTP/1.1\r\nX: ', 'a', /^HTTP\/1\.1 408 /],
  ['stops in the middle of the headers', 'GET / HTTP/1.1\r\nHost: {{HOST}}\r\nX', undefined, /^HTTP\/1\.1 408 /],
  ['sends its body a byte at a time', `${FORM}Content-Length: 1000\r\n\r\n`, 'a', /408/],
  ['sends its body in chunks of one byte', `${FORM}Transfer-Encoding: chunked\r\n\r\n`, '1\r\na\r\n', /408/],
  ['asks nothing more', ASK, undefined, /^HTTP\/1\.1 200 /],
];

test.each(slow)('a client that %s is let go (HT-015)', async (_name, first, then, answer) => {
  const app = await quickApp();
  const socket = open(app, first);
  if (then !== undefined) drip(socket, then);
  expect(await answerUntilClosed(socket)).toMatch(answer);
  await request(app.url).get('/-/health').expect(200);
});

test('a client that asks for much and does not read it is let go (HT-015)', async () => {
  const server = createHttpServer({ ...SERVER_LIMITS, ...QUICK });
  server.on('request', (_req, res) => res.end(Buffer.alloc(32_000_000)));
  server.listen(0, '127.0.0.1');
  closeAtEnd(() => void server.close());
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1', () => client.write(BYE));
  client.pause();
  closeAtEnd(() => void client.destroy());
  const [held] = (await once(server, 'connection')) as [Socket];
  await new Promise((resolve) => held.once('close', resolve));
});

test('connections beyond the limit are closed as they come, said in the log once, and make room again (HT-016)', async () => {
  const app = await quickApp({ maxConnections: 10, idleMs: 60_000, headersMs: 60_000, requestMs: 60_000, stillMs: 0 });
  const held = Array.from({ length: 10 }, () => open(app));
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  for (let count = 0; count < 5; count += 1) expect(await answerUntilClosed(open(app, ASK))).toBe('');
  const told = app.log.filter((line) => line.includes('connections refused'));
  expect(told.map((line) => JSON.parse(line) as object)).toMatchObject([{ level: 'warn', max_connections: 10 }]);
  expect(held.every((socket) => !socket.closed)).toBe(true);

  held[0]?.destroy();
  let status = 0;
  while (status !== 200) status = Number((await answerUntilClosed(open(app, BYE))).split(' ')[1]);
  expect(status).toBe(200);
});
