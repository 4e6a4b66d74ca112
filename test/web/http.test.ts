// How the server answers whatever comes over HTTP.
import { connect } from 'node:net';
import request from 'supertest';
import { openBrowser, signInWithPassword } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';

/** Sends bytes as they are. @returns the whole answer */
function raw(app: TestApp, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(app.port, '127.0.0.1', () =>
      socket.write(bytes.replaceAll('{{HOST}}', `localhost:${app.port}`)),
    );
    socket.setTimeout(60_000, () => socket.destroy());
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', () => undefined);
  });
}

const statusOf = (answer: string) => Number(answer.split(' ')[1]);

test.each([
  ['evil.test', 421],
  ['evil.test:3000', 421],
  ['localhost.evil.test', 421],
  ['user@localhost', 421],
  ['<script>', 421],
  ['local host', 421],
  ['', 421],
])('Host: %j gives %i (HT-002)', async (host, status) => {
  const app = await startApp();
  const answer = await raw(app, `GET /users/sign_in HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  expect([status, 400]).toContain(statusOf(answer));
  expect(answer).not.toContain('evil.test');
});

test.each(['/\\x?1#', '/a#b', '/\u00a0/', 'http:/users/sign_in', '*'])(
  'a target that is no path is a bad request: %j',
  async (target) => {
    const app = await startApp();
    expect(statusOf(await raw(app, `GET ${target} HTTP/1.1\r\nHost: {{HOST}}\r\nConnection: close\r\n\r\n`))).toBe(400);
  },
);

test('two Host headers, none, and a foreign absolute target are not served (HT-002)', async () => {
  const app = await startApp();
  const end = 'Connection: close\r\n\r\n';
  expect(statusOf(await raw(app, `GET / HTTP/1.1\r\nHost: {{HOST}}\r\nHost: evil.test\r\n${end}`))).toBe(400);
  expect(statusOf(await raw(app, `GET / HTTP/1.1\r\n${end}`))).toBe(400);
  expect(statusOf(await raw(app, `GET http://evil.test/ HTTP/1.1\r\nHost: {{HOST}}\r\n${end}`))).toBe(421);
  expect(statusOf(await raw(app, `GET http://{{HOST}}/users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\n${end}`))).toBe(200);
});

test.each(['127.0.0.1', '[::1]'])(
  'on a development machine %s leads to the configured name, for reading only',
  async (name) => {
    const app = await startApp();
    const host = `${name}:${app.port}`;
    const answer = await request(app.url).get('/users/sign_in?a=b').set('Host', host).expect(302);
    expect(answer.headers['location']).toBe(`${app.url}/users/sign_in?a=b`);
    await request(app.url).post('/users/sign_in').set('Host', host).expect(421);
  },
);

test('on a public host loopback names are foreign; health checks need no host', async () => {
  const app = await startApp({ externalUrl: 'https://git.example.test' });
  await request(app.url).get('/').expect(421);
  await request(app.url).get('/-/health').expect(200);
  await request(app.url).get('/').set('Host', 'git.example.test').expect(303);
  await request(app.url).get('/').set('Host', 'GIT.example.test:443').expect(303);
});

test('every kind of answer carries the security headers (HT-003)', async () => {
  const app = await startApp();
  for (const [path, status] of [
    ['/users/sign_in', 200],
    ['/', 303],
    ['/nothing', 404],
    ['/api/v4/user', 401],
    ['/robots.txt', 200],
    ['/users/auth', 400],
    ['/-/health', 200],
  ] as const) {
    const { headers } = await request(app.url).get(path).expect(status);
    const csp = String(headers['content-security-policy']);
    for (const part of [
      "default-src 'self'",
      "object-src 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "form-action 'self' https:",
    ]) {
      expect(csp).toContain(part);
    }
    expect(csp).not.toMatch(/unsafe|\*/);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cross-origin-opener-policy': 'same-origin' });
    expect(headers['referrer-policy']).toMatch(/^(same-origin|no-referrer)$/);
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  }
});

test('pages are never stored; static files for ever, under a name that changes with them (HT-005, HT-006)', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  for (const path of [
    '/',
    '/api/v4/user',
    '/users/auth',
    '/nothing',
    '/api/v4/user/x.css',
    '/api/v4/user;x.css',
    '/api/v4/user%2fx.css',
  ]) {
    expect((await browser.get(path)).headers['cache-control']).toBe('no-store');
  }
  const css = /href="(\/assets\/app\.[0-9a-f]{10}\.css)"/.exec((await browser.get('/')).text)?.[1] ?? '';
  const answer = await browser.get(css).expect(200);
  expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect(answer.headers['content-type']).toBe('text/css; charset=utf-8');
});

test.each([
  '/assets/../package.json',
  '/assets/%2e%2e/package.json',
  '/assets/',
  '/assets/app.css',
  '/.git/config',
  '/package.json',
  '/views/error.ejs',
  '/assets/app.0000000000.css',
])('%s is not there (HT-012)', async (path) => {
  const app = await startApp();
  const answer = await raw(app, `GET ${path} HTTP/1.1\r\nHost: {{HOST}}\r\nConnection: close\r\n\r\n`);
  expect(statusOf(answer)).toBe(404);
});

test('OPTIONS for no path in particular is refused quietly', async () => {
  const app = await startApp();
  expect(statusOf(await raw(app, 'OPTIONS * HTTP/1.1\r\nHost: {{HOST}}\r\nConnection: close\r\n\r\n'))).toBe(400);
});

test.each([
  ['TRACE', 501],
  ['PROPFIND', 501],
  ['PUT', 403],
  ['OPTIONS', 405],
])('%s gives %i (HT-011)', async (method, status) => {
  const app = await startApp();
  const answer = await raw(app, `${method} /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\nConnection: close\r\n\r\n`);
  expect(statusOf(answer)).toBe(status);
});

test('errors are a page for people and a problem document for scripts (HT-007)', async () => {
  const app = await startApp();
  const page = await request(app.url).get('/nothing').set('Accept', 'text/html').expect(404);
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(page.text).toContain(String(page.headers['x-request-id']));
  for (const [path, accept] of [
    ['/nothing', 'application/json'],
    ['/nothing.json', 'text/html'],
    ['/api/nothing', 'text/html'],
    ['/api/nothing', '*/*'],
  ] as const) {
    const answer = await request(app.url).get(path).set('Accept', accept).expect(404);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.body).toEqual({
      title: 'Not found',
      status: 404,
      detail: 'There is nothing at this address, or it is not yours to see.',
      code: 'not_found',
      request_id: answer.headers['x-request-id'],
    });
  }
});

test('nothing of the query is ever shown, and odd parameters are no 500 (HT-009, HT-021)', async () => {
  const app = await startApp();
  for (const query of [
    'settings[view options][client]=1&cache=false&delimiter=x&x=%3Cb%3Ezz',
    '__proto__[x]=zz&constructor[prototype][x]=zz',
    'return_to[toString]=zz',
    'a=%FF%FE&b=%',
  ]) {
    for (const path of ['/users/sign_in', '/nothing', '/users/auth']) {
      const answer = await request(app.url).get(`${path}?${query}`);
      expect(answer.status).toBeLessThan(500);
      expect(answer.text).not.toContain('zz');
    }
  }
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('bodies that are too large, broken or of another type are refused (HT-014)', async () => {
  const app = await startApp();
  const post = (type: string, body: string) => request(app.url).post('/users/sign_in').type(type).send(body);
  expect((await post('form', `login=${'x'.repeat(200_000)}`)).status).toBe(413);
  expect((await post('form', Array.from({ length: 2000 }, (_, n) => `p${n}=1`).join('&'))).status).toBe(413);
  expect((await post('application/json', JSON.stringify({ login: 'x'.repeat(200_000) }))).status).toBe(413);
  expect((await post('application/json', '{broken')).status).toBe(400);
  expect((await post('application/xml', '<a/>')).status).toBe(415);
  expect((await post('application/json', `${'['.repeat(5000)}${']'.repeat(5000)}`)).status).toBe(403);
});

test('a client chooses neither its request id nor what the log says (LG-002, LG-003, LG-008)', async () => {
  const app = await startApp();
  const evil = 'forged-id';
  const answer = await request(app.url)
    .get(`/x%0a%7B%22forged%22:1%7D?canary=s3cr3t`)
    .set({ 'X-Request-Id': evil, 'User-Agent': 'a"b' });
  expect(answer.headers['x-request-id']).not.toBe(evil);
  const lines = app.log.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.at(-1)).toMatchObject({ msg: 'request', method: 'GET', status: 404, address: '127.0.0.1' });
  expect(app.log.join()).not.toMatch(/s3cr3t|forged-id/);
});

test.each([
  ['', '203.0.113.7', '127.0.0.1'],
  ['trusted_proxies: [127.0.0.1]', '203.0.113.7', '203.0.113.7'],
  ['trusted_proxies: [127.0.0.1]', '203.0.113.7:4711', '203.0.113.7'],
  ['trusted_proxies: [127.0.0.1]', '[2001:db8::7]:4711', '2001:db8::7'],
  ['trusted_proxies: [127.0.0.1]', 'nonsense', '127.0.0.1'],
  ['trusted_proxies: [127.0.0.1]', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
  ['trusted_proxies: [127.0.0.1, 203.0.113.0/24]', '198.51.100.1, 203.0.113.7', '198.51.100.1'],
])('with %j, X-Forwarded-For: %s means %s (SE-032, CF-015)', async (yaml, forwarded, address) => {
  const app = await startApp({ yaml });
  await request(app.url).get('/nothing').set('X-Forwarded-For', forwarded);
  expect(JSON.parse(app.log.at(-1) ?? '{}')).toMatchObject({ address });
});

test('readiness tells of the database, liveness of the process only (HT-013)', async () => {
  const app = await startApp();
  expect((await request(app.url).get('/-/liveness').expect(200)).body).toEqual({ status: 'ok' });
  expect((await request(app.url).get('/-/readiness').expect(200)).body).toEqual({ status: 'ok', database: 'ok' });
  expect((await request(app.url).get('/-/health').expect(200)).text).toContain('OK');
});
