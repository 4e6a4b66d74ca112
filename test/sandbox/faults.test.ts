// Every fault reaches the client as it is named; the sandbox itself stays well.
import { request } from 'node:http';
import { exchangeCode, askForToken, startTestSandbox } from './start-test-sandbox.ts';
import type { Fault } from '../../src/sandbox/faults.ts';

const sandbox = startTestSandbox();

async function getUser(as = 'dan', signal?: AbortSignal) {
  const headers = { authorization: `Bearer ${sandbox().accessToken(as)}` };
  const init = { headers, redirect: 'manual' as const, ...(signal && { signal }) };
  return fetch(`${sandbox().apiUrl}/user`, init);
}

const set = (fault: Fault) => sandbox().fault('user', fault);
const truth = async () => JSON.parse(await (await getUser()).text()) as Record<string, unknown>;

it.each([
  ['null', null],
  ['a list', []],
  ['a text', 'x'],
  ['a number', 42],
])('answers with %s', async (_name, json) => {
  set({ kind: 'answer', json });
  expect(await (await getUser()).json()).toEqual(json);
});

it('answers with any status, headers and body', async () => {
  set({ kind: 'answer', status: 502, headers: { 'Content-Type': 'text/html' }, text: '<html>' });
  const response = await getUser();
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    502,
    'text/html',
    '<html>',
  ]);
});

it('uses up no code when the fault brings its own body', async () => {
  sandbox().fault('token', { kind: 'answer', status: 500, text: '', times: 1 });
  const response = await fetch(`${sandbox().url}site/oauth2/access_token`, { method: 'POST' });
  expect([response.status, await response.text()]).toEqual([500, '']);
  expect((await exchangeCode(sandbox())).status).toBe(200);
});

it('adds headers to the real answer', async () => {
  set({ kind: 'answer', headers: { Date: 'Mon, 22 Nov 2027 12:00:00 GMT' } });
  const response = await getUser('alice');
  expect(response.headers.get('date')).toContain('2027');
  expect(await response.json()).toMatchObject({ username: 'alice' });
});

it('changes single keys of the real answer', async () => {
  sandbox().fault('token', { kind: 'change', json: { expires_in: -1, token_type: undefined } });
  const { body } = await exchangeCode(sandbox());
  expect(body).toMatchObject({ expires_in: -1, scope: 'account email' });
  expect(body).not.toHaveProperty('token_type');
});

it('strikes so often, and after so many', async () => {
  set({ kind: 'answer', status: 500, text: '', times: 2, after: 1 });
  const statuses: number[] = [];
  for (let tries = 0; tries < 4; tries += 1) statuses.push((await getUser()).status);
  expect(statuses).toEqual([200, 500, 500, 200]);
});

it('strikes on its route only, until it is cleared', async () => {
  set({ kind: 'reset' });
  expect((await askForToken(sandbox(), { grant_type: 'client_credentials' })).status).toBe(200);
  await expect(getUser()).rejects.toThrow();
  sandbox().clearFaults();
  expect((await getUser()).status).toBe(200);
});

it.each<Fault>([
  { kind: 'stall', at: 'accept' },
  { kind: 'stall', at: 'headers' },
  { kind: 'stall', at: 'body' },
  { kind: 'drip', bytes: 1, everyMs: 20 },
])('keeps the client waiting: %j', async (fault) => {
  set(fault);
  const whole = getUser('dan', AbortSignal.timeout(150)).then((response) => response.text());
  await expect(whole).rejects.toThrow(/abort/i);
});

it.each<Fault>([
  { kind: 'reset' },
  { kind: 'hangUp' },
  { kind: 'truncate' },
  { kind: 'hugeHeaders', bytes: 65_536 },
  { kind: 'interimFlood', count: 10_000 },
])('breaks a careful client: %j', async (fault) => {
  set(fault);
  await expect(getUser().then((response) => response.text())).rejects.toThrow();
});

it('sends so many interim answers', async () => {
  set({ kind: 'interimFlood', count: 50 });
  const interim = await new Promise<number>((resolve, reject) => {
    let count = 0;
    request(`${sandbox().apiUrl}/user`, (response) => response.resume().once('end', () => resolve(count)))
      .on('information', () => void (count += 1))
      .on('error', reject)
      .end();
  });
  expect(interim).toBe(50);
});

it('delays the real answer', async () => {
  set({ kind: 'delay', ms: 60 });
  const start = performance.now();
  expect((await getUser()).status).toBe(200);
  expect(performance.now() - start).toBeGreaterThan(50);
});

it('drips the real answer to its end', async () => {
  const expected = await truth();
  set({ kind: 'drip', bytes: 300, everyMs: 2 });
  expect(await truth()).toEqual(expected);
});

it('cuts a character in two without harm', async () => {
  const expected = await truth();
  set({ kind: 'splitMultibyte', pauseMs: 500 }); // or a busy machine reads both at once
  const pieces: Uint8Array[] = [];
  for await (const piece of (await getUser()).body ?? []) pieces.push(piece as Uint8Array);
  expect(pieces.length).toBeGreaterThan(1);
  expect(() => new TextDecoder('utf-8', { fatal: true }).decode(pieces[0])).toThrow();
  expect(JSON.parse(Buffer.concat(pieces).toString('utf8'))).toEqual(expected);
});

it('pads the real answer', async () => {
  set({ kind: 'pad', bytes: 2_000_000 });
  const body = await truth();
  expect(body).toMatchObject({ type: 'user' });
  expect(String(body['padding'])).toHaveLength(2_000_000);
});

it('inflates to what was asked for', async () => {
  set({ kind: 'gzipBomb', bytes: 8 * 1024 * 1024 });
  const response = await getUser();
  expect(Number(response.headers.get('content-length'))).toBeLessThan(20_000);
  const text = await response.text();
  expect(text.length).toBeGreaterThanOrEqual(8 * 1024 * 1024);
  expect(JSON.parse(text)).toMatchObject({ type: 'user' });
});

it('nests arrays deeply', async () => {
  set({ kind: 'deepJson', depth: 10_000 });
  expect(await (await getUser()).text()).toBe('['.repeat(10_000) + ']'.repeat(10_000));
});

it('writes UTF-16 and broken UTF-8', async () => {
  set({ kind: 'utf16le', times: 1 });
  expect(Buffer.from(await (await getUser()).arrayBuffer()).toString('utf16le')).toContain('Müller 🦊');
  set({ kind: 'invalidUtf8' });
  expect(
    Buffer.from(await (await getUser()).arrayBuffer()).includes(Buffer.from('"display_name":"\xff', 'latin1')),
  ).toBe(true);
});

it('says HTML, a form or a redirect where JSON is due', async () => {
  sandbox().fault('token', { kind: 'form', times: 1 });
  const url = `${sandbox().url}site/oauth2/access_token`;
  const ask = () => fetch(url, { method: 'POST', redirect: 'manual' });
  expect((await ask()).headers.get('content-type')).toBe('application/x-www-form-urlencoded');
  sandbox().fault('token', { kind: 'html', times: 1 });
  expect((await ask()).headers.get('content-type')).toContain('text/html');
  sandbox().fault('token', { kind: 'redirect', to: 'http://evil.test/' });
  const response = await ask();
  expect([response.status, response.headers.get('location')]).toEqual([302, 'http://evil.test/']);
  expect(await response.text()).toContain('unauthorized_client');
});

it('closes with stalled connections open', async () => {
  set({ kind: 'stall', at: 'body' });
  const response = await getUser();
  await sandbox().close();
  await expect(response.text()).rejects.toThrow();
});
