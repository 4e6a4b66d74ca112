// The HTTP client against far ends that stall, flood, lie, hang up and redirect.
import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { BitbucketFailure } from '../../src/bitbucket/failure.ts';
import { createHttp, type HttpOptions, type HttpRequest } from '../../src/bitbucket/http.ts';
import { freePort } from '../commands/run.ts';
import { until } from '../support/until.ts';
import { afterThisTest, json, listen, startFarEnd, type FarEnd } from './start-far-end.ts';
import { selfSigned } from './self-signed.ts';

function makeHttp(options: HttpOptions = {}) {
  const http = createHttp({ deadlineMs: 30_000, ...options });
  afterThisTest(() => http.close());
  return http;
}

/** Asks once and gives the failure that came of it. */
async function failureOf(request: Partial<HttpRequest>, options: HttpOptions = {}): Promise<BitbucketFailure> {
  const headers = { authorization: 'Bearer SECRET-token' };
  const sent = makeHttp(options).send({ endpoint: 'user', url: 'http://127.0.0.1:9/', headers, ...request });
  const failure: unknown = await sent.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof BitbucketFailure)) throw new Error('it did not fail with a BitbucketFailure');
  expect(JSON.stringify({ ...failure, message: failure.message, stack: failure.stack })).not.toContain('SECRET');
  expect(failure.cause).toBeUndefined();
  return failure;
}

const failureFrom = async (answer: FarEnd['answer'], options: HttpOptions = {}) =>
  failureOf({ url: (await startFarEnd(answer)).url }, options);

test('gives status, headers and the whole text of any answer', async () => {
  const { url } = await startFarEnd(json({ a: 1 }, 418, { 'x-custom': 'y' }));
  const reply = await makeHttp().send({ endpoint: 'user', url });
  expect(reply).toMatchObject({ endpoint: 'user', status: 418, headers: { 'x-custom': 'y' }, text: '{"a":1}' });
});

test('a character split over two packets stays whole (PF-022)', async () => {
  const bytes = Buffer.from('{"name":"Jürgen"}');
  const { url } = await startFarEnd((_, response) => {
    response.write(bytes.subarray(0, bytes.indexOf(0xc3) + 1));
    setTimeout(() => response.end(bytes.subarray(bytes.indexOf(0xc3) + 1)), 50);
  });
  expect((await makeHttp().send({ endpoint: 'user', url })).text).toBe('{"name":"Jürgen"}');
});

test('connections are used again', async () => {
  const sockets = new Set<unknown>();
  const { url } = await startFarEnd((request, response) => void response.end(String(sockets.add(request.socket).size)));
  const http = makeHttp();
  for (let i = 0; i < 5; i += 1) await http.send({ endpoint: 'user', url });
  expect(sockets.size).toBeLessThan(5);
});

test('redirects are given back and not followed (PF-030)', async () => {
  const elsewhere = await startFarEnd();
  const { url } = await startFarEnd(json({}, 307, { location: elsewhere.url }));
  const form = new URLSearchParams({ code: 'x' });
  expect(await makeHttp().send({ endpoint: 'token', url, form })).toMatchObject({ status: 307 });
  expect(elsewhere.requests).toHaveLength(0);
});

const stalls: [string, FarEnd['answer']][] = [
  ['accepting', () => undefined],
  ['the headers', (_, response) => response.writeHead(200).flushHeaders()],
  ['a part of the body', (_, response) => void response.writeHead(200, { 'content-length': '99' }).write('{')],
  ['one byte after the other', (_, response) => dripInto(response)],
];

test.each(stalls)('a far end that stalls after %s ends at the deadline (PF-004, PF-021)', async (_, answer) => {
  const started = Date.now();
  expect(await failureFrom(answer, { deadlineMs: 300 })).toMatchObject({ reason: 'timeout', status: 504 });
  expect(Date.now() - started).toBeLessThan(10_000);
});

function dripInto(response: Parameters<FarEnd['answer']>[1]): void {
  const timer = setInterval(() => response.write('x'), 50);
  response.on('close', () => clearInterval(timer));
}

test('a deadline of the caller counts too', async () => {
  const { url } = await startFarEnd(() => undefined);
  expect(await failureOf({ url, deadline: performance.now() + 100 })).toMatchObject({ reason: 'timeout' });
});

const broken: [string, FarEnd['answer'], string][] = [
  ['ends in the middle of the headers', (request) => void request.socket.end('HTTP/1.1 200 O'), ''],
  ['resets the connection', (request) => void request.socket.resetAndDestroy(), ''],
  ['talks no HTTP', (request) => void request.socket.end('SSH-2.0-OpenSSH\r\n'), 'HTTPParserError'],
  [
    'sends more than 1 MiB (PF-020)',
    (_, response) => void response.end('x'.repeat(1024 * 1024 + 1)),
    'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  ],
  ['sends 64 kB of headers (PF-020)', json({}, 200, { 'x-long': 'y'.repeat(65_536) }), 'UND_ERR_HEADERS_OVERFLOW'],
  ['compresses, asked not to (PF-020)', json({}, 200, { 'content-encoding': 'gzip' }), 'compressed'],
  ['sends what is not UTF-8', (_, response) => void response.end(Buffer.from([0x7b, 0xff, 0x7d])), 'not UTF-8'],
  [
    'sends 10,000 interim answers (PF-020)',
    (_, response) => {
      for (let i = 0; i < 10_000; i += 1) response.writeContinue();
      response.end('{}');
    },
    'UND_ERR_SOCKET',
  ],
];

test.each(broken)('a far end that %s is a failure, once', async (_, answer, words) => {
  const farEnd = await startFarEnd(answer);
  const failure = await failureOf({ url: farEnd.url });
  expect(failure).toMatchObject({ reason: 'failed', status: 502, detail: expect.stringContaining(words) as string });
  expect(farEnd.requests).toHaveLength(1);
});

test('a connection that is refused is named with host and code (PF-001)', async () => {
  const port = await freePort();
  const failure = await failureOf({ url: `http://127.0.0.1:${port}/?code=SECRET` });
  expect(failure).toMatchObject({ reason: 'failed', detail: `no answer from 127.0.0.1:${port} (ECONNREFUSED)` });
});

// A label may have 63 characters at most, so that the lookup fails without asking anybody.
test('a name that does not exist is a failure (PF-001)', async () => {
  expect(await failureOf({ url: `http://${'a'.repeat(64)}.invalid/` })).toMatchObject({ reason: 'failed' });
});

test('a certificate that nobody vouches for is never accepted (PF-003)', async () => {
  const server = createTlsServer(selfSigned, (_request, response) => void response.end('{}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(async () => void server.close());
  const { port } = server.address() as AddressInfo;
  const failure = await failureOf({ url: `https://127.0.0.1:${port}/` });
  expect(failure).toMatchObject({
    reason: 'failed',
    detail: expect.stringMatching(/\((CERT|DEPTH|ERR_TLS)\w+\)$/) as string,
  });
});

test('requests beyond the limit are refused at once instead of queueing up (PF-028)', async () => {
  const waiting: (() => void)[] = [];
  const { url, requests } = await startFarEnd((_, response) => void waiting.push(() => response.end('{}')));
  const http = makeHttp({ maxConnections: 2 });
  const send = () => http.send({ endpoint: 'user', url });
  const underWay = [send(), send()];

  await expect(send()).rejects.toMatchObject({ reason: 'throttled', status: 503, retryAfterSeconds: 1 });
  await until(() => waiting.length === 2);
  for (const answer of waiting) answer();
  await Promise.all(underWay);

  waiting.length = 0;
  const later = send();
  await until(() => waiting.length === 1);
  waiting[0]?.();
  await expect(later).resolves.toMatchObject({ status: 200 });
  expect(requests).toHaveLength(3);
});

test('a header value that would break the request is not sent', async () => {
  const farEnd = await startFarEnd();
  const failure = await failureOf({ url: farEnd.url, headers: { authorization: 'Bearer SECRET\r\nx: y' } });
  expect(failure.reason).toBe('failed');
  expect(farEnd.requests).toHaveLength(0);
});

test('listens nowhere and leaves nothing open once closed', async () => {
  const port = await listen((_request, response) => void response.end('{}'));
  const http = createHttp();
  await http.send({ endpoint: 'user', url: `http://127.0.0.1:${port}/` });
  await http.close();
  await expect(http.send({ endpoint: 'user', url: `http://127.0.0.1:${port}/` })).rejects.toMatchObject({
    reason: 'failed',
  });
});
