// The HTTP client where connecting itself goes wrong: packets that vanish, addresses that lead nowhere, connections that
// end between two requests; and that nothing is ever sent twice.
import { spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { BitbucketFailure } from '../../src/bitbucket/failure.ts';
import { createHttp, type HttpOptions } from '../../src/bitbucket/http.ts';
import { until } from '../support/until.ts';
import { afterThisTest } from './start-far-end.ts';

function makeHttp(options: HttpOptions = {}) {
  const http = createHttp({ deadlineMs: 30_000, ...options });
  afterThisTest(() => http.close());
  return http;
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';

/** Listens on a port and answers by hand; `requests` has what came, one text for each connection. */
async function listen(
  answer: (socket: Socket, text: string, nth: number) => void,
  at = { host: '127.0.0.1', port: 0 },
) {
  const requests: string[] = [];
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      requests.push(chunk.toString());
      answer(socket, chunk.toString(), requests.length);
    });
    afterThisTest(async () => void socket.destroy());
  });
  server.listen(at.port, at.host);
  await once(server, 'listening');
  afterThisTest(async () => void server.close());
  return { port: (server.address() as AddressInfo).port, requests };
}

const LISTENS = `const server = require('node:net').createServer();
server.listen(0, process.argv[1], 1, () => console.log(server.address().port));`;

/** An address that swallows packets: a program that listens and is held still, with as many in its queue as it takes. */
async function startBlackHole(host: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', LISTENS, host], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  const port = Number(said.toString());
  const waiting = Array.from({ length: 4 }, () => connect(port, host).on('error', () => undefined));
  afterThisTest(async () => {
    for (const socket of waiting) socket.destroy();
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  await new Promise((resolve) => setTimeout(resolve, 50)); // two of the four are in the queue now, the others in nowhere
  return port;
}

/** Answers at 127.0.0.1, on the port of a black hole at another address. */
async function listenBeside(dead: string): Promise<{ port: number; requests: string[] }> {
  for (;;) {
    const port = await startBlackHole(dead);
    try {
      return await listen((socket) => socket.write(ANSWER), { host: '127.0.0.1', port });
    } catch (error) {
      // The system has chosen it for the other address; here somebody else may have it.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

const send = (http: ReturnType<typeof makeHttp>, port: number, form?: URLSearchParams) =>
  http.send({ endpoint: 'token', url: `http://127.0.0.1:${port}/`, ...(form ? { form } : {}) });

async function failureOf(sent: Promise<unknown>): Promise<BitbucketFailure> {
  const failure: unknown = await sent.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  if (failure instanceof BitbucketFailure) return failure;
  throw failure;
}

/** 127.0.0.2 is an address of its own only there, and so is how a full queue answers. */
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('packets that vanish end the wait for a connection long before the deadline (PF-002)', async () => {
  const port = await startBlackHole('127.0.0.1');
  const failure = await failureOf(send(makeHttp({ connectTimeoutMs: 200, deadlineMs: 60_000 }), port));
  expect(failure).toMatchObject({ reason: 'timeout', status: 504 });
});

onLinux.each([
  ['an IPv6 address', '::1', 6],
  ['one of two IPv4 addresses', '127.0.0.2', 4],
])('of two addresses the one that works is used: %s swallows packets (PF-029)', async (_name, dead, family) => {
  const { port, requests } = await listenBeside(dead);
  const both = [
    { address: dead, family },
    { address: '127.0.0.1', family: 4 },
  ];
  const lookup = jest.spyOn(dns, 'lookup') as unknown as jest.SpyInstance;
  lookup.mockImplementation((_name: string, _options: object, done: (error: null, all: object[]) => void) =>
    done(null, both),
  );
  afterThisTest(async () => lookup.mockRestore());
  const reply = await makeHttp({ connectTimeoutMs: 4000 }).send({
    endpoint: 'user',
    url: `http://two.example.test:${port}/`,
  });
  expect(reply.status).toBe(200);
  expect(requests).toHaveLength(1);
});

const form = () => new URLSearchParams({ code: 'once' });
const codesIn = (requests: string[]) => requests.filter((text) => text.includes('code=once')).length;

test('a kept connection that the far end has closed costs nothing: the code goes over a new one, once (PF-019)', async () => {
  const { port, requests } = await listen((socket, _text, nth) =>
    nth === 1 ? socket.end(ANSWER) : socket.write(ANSWER),
  );
  const http = makeHttp();
  await send(http, port);
  for (let times = 0; times < 20; times += 1) expect((await send(http, port, form())).status).toBe(200);
  expect(codesIn(requests)).toBe(20);
});

test.each<[string, (socket: Socket) => unknown]>([
  ['closed', (socket) => socket.end()],
  ['reset', (socket) => socket.resetAndDestroy()],
  ['closed after half an answer', (socket) => socket.end(ANSWER.slice(0, 30))],
])('a kept connection that is %s when the code has gone out: never sent again (PF-018, PF-019)', async (_name, end) => {
  const { port, requests } = await listen((socket, text) =>
    text.startsWith('POST') ? end(socket) : socket.write(ANSWER),
  );
  const http = makeHttp();
  await send(http, port);
  expect(await failureOf(send(http, port, form()))).toMatchObject({ reason: 'failed', status: 502 });
  await new Promise((resolve) => setTimeout(resolve, 100)); // for a second try, if there were one
  expect(codesIn(requests)).toBe(1);
});

test('the far end closes kept connections at any moment: no code is ever sent twice (PF-019)', async () => {
  const seen = new Map<string, number>();
  const { port } = await listen((socket, text, nth) => {
    const code = /code=(\d+)/.exec(text)?.[1] ?? '';
    seen.set(code, (seen.get(code) ?? 0) + 1);
    socket.write(ANSWER);
    if (nth % 3 === 0) setTimeout(() => socket.end(), nth % 4);
  });
  const http = makeHttp({ maxConnections: 500 });
  const outcomes: number[] = [];
  for (let code = 0; code < 200; code += 1) {
    const sent = send(http, port, new URLSearchParams({ code: String(code) }));
    outcomes.push(
      await sent.then(
        ({ status }) => status,
        ({ status }: BitbucketFailure) => status,
      ),
    );
  }
  expect(outcomes.filter((status) => status !== 200 && status !== 502)).toEqual([]);
  expect([...seen.values()].filter((times) => times > 1)).toEqual([]);
});

test('a slow provider takes no place from another one (PF-028)', async () => {
  const slow = await listen(() => undefined);
  const quick = await listen((socket) => socket.write(ANSWER));
  const http = makeHttp({ maxConnections: 2 });
  const stuck = Promise.allSettled([send(http, slow.port), send(http, slow.port)]);
  expect(await failureOf(send(http, slow.port))).toMatchObject({ reason: 'throttled', status: 503 });
  const replies = await Promise.all([send(http, quick.port), send(http, quick.port)]);
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  await http.close();
  await stuck;
});

test.each([
  ['20 MiB', 'HTTP/1.1 200 OK\r\nContent-Length: 20971520\r\n\r\n'],
  ['no end, in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
])('of a body of %s no more is taken in than the limit and what is on the way (PF-020)', async (_name, head) => {
  let socket: Socket | undefined;
  const piece = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`);
  const pour = () => {
    for (let goesOn = true; goesOn && !socket?.destroyed;) goesOn = socket?.write(piece) ?? false;
  };
  const { port } = await listen((connection) => {
    socket = connection.on('drain', pour);
    connection.write(head);
    pour();
  });
  expect(await failureOf(send(makeHttp(), port))).toMatchObject({ reason: 'failed', status: 502 });
  await until(() => socket?.destroyed === true);
  expect(socket!.bytesWritten - socket!.writableLength).toBeLessThan(12 * 1024 * 1024);
});
