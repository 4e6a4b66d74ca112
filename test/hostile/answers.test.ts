// What the server says and does when something of its own breaks, when another site asks, and when it is only looked at.
import express, { type Express } from 'express';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import request from 'supertest';
import { errorPages } from '../../src/web/error-page.ts';
import { requestLog } from '../../src/web/request-log.ts';
import { siteOf } from '../../src/web/site.ts';
import {
  clickBitbucket,
  openBrowser,
  pathOf,
  signInWithPassword,
  startBoth,
  whoAmI,
  type Browser,
} from '../support/people.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { setVariables } from '../support/environment-variables.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const errorsIn = (app: TestApp) => app.log.filter((line) => /"level":"error"/.test(line));
const SECRET_WORDS = /zz-secret|Error:|\bat .*:\d|node_modules|select |SQLITE/;

const thrown: [string, (app: TestApp) => void][] = [
  [
    'throws at once',
    ({ services }) =>
      (services.http.send = () => {
        throw new Error('zz-secret');
      }),
  ],
  [
    'rejects',
    ({ services }) =>
      (services.http.send = async () => {
        throw new Error('zz-secret');
      }),
  ],
  ['rejects with a text', ({ services }) => (services.http.send = () => Promise.reject('zz-secret'))],
  ['rejects with nothing', ({ services }) => (services.http.send = () => Promise.reject())],
  [
    'rejects with an object that looks like an answer',
    ({ services }) =>
      (services.http.send = () =>
        Promise.reject({ status: 200, statusCode: 200, headers: { 'set-cookie': 'zz-secret' } })),
  ],
];

test.each(thrown)(
  'what %s under a page is a 500 of ours, told once in the log, and the next page is well (HT-008)',
  async (_how, breakIt) => {
    const { app, sandbox } = await startBoth();
    const browser = openBrowser(app);
    const back = pathOf(await sandbox.decide(await clickBitbucket(browser), { as: 'alice' }));
    breakIt(app);
    const answer = await browser.get(back);
    expect(answer.status).toBe(500);
    expect(answer.text).toContain('The fault is ours');
    expect(answer.text).not.toMatch(SECRET_WORDS);
    expect(answer.text).toContain(String(answer.headers['x-request-id']));
    expect(errorsIn(app)).toHaveLength(1);
    await browser.get('/users/sign_in').expect(200);
  },
);

test('what a page is made with throws: a 500 of ours, for programs as well (HT-008)', async () => {
  const { app } = await startBoth();
  app.services.http.isDown = () => {
    throw new Error('zz-secret');
  };
  for (const accept of ['text/html', 'application/json']) {
    const answer = await request(app.url).get('/users/sign_in').set('Accept', accept).expect(500);
    expect(answer.text).toContain('The fault is ours');
    expect(answer.text).not.toMatch(SECRET_WORDS);
  }
  expect(errorsIn(app)).toHaveLength(2);
});

/** Our log and error pages around handlers that break when part of the answer is gone. */
async function startBroken(app: TestApp, routes: (broken: Express) => void): Promise<string> {
  const { services } = app;
  const site = siteOf(services.config());
  const broken = express().use(requestLog(services.log, site));
  routes(broken);
  broken.use(errorPages(services, site, (_req, res, _view, { title }) => void res.send(title)));
  const server = createServer(broken).listen(0, '127.0.0.1');
  closeAtEnd(() => void server.close(() => undefined).closeAllConnections());
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an answer that breaks after its beginning is cut off, so that no half passes for a whole (HT-008)', async () => {
  const app = await startApp();
  const url = await startBroken(app, (broken) => {
    const begin = (res: express.Response) => res.set('Content-Type', 'text/plain').write('half');
    broken.get('/throws', (_req, res) => {
      begin(res);
      throw new Error('zz-secret');
    });
    broken.get('/rejects', (_req, res) => {
      begin(res);
      return Promise.reject(new Error('zz-secret'));
    });
    broken.get('/stream', (_req, res, next) => {
      const source = Readable.from(
        (async function* () {
          yield 'half';
          throw new Error('zz-secret');
        })(),
      );
      source.on('error', next).pipe(res);
    });
    broken.get('/after-the-end', (_req, res) => {
      res.end('whole');
      throw new Error('zz-secret');
    });
  });
  for (const path of ['/throws', '/rejects', '/stream']) {
    const read = fetch(url + path).then((answer) => answer.text());
    await expect(read).rejects.toThrow();
  }
  expect(await (await fetch(`${url}/after-the-end`)).text()).toBe('whole');
  expect(errorsIn(app)).toHaveLength(4);
});

test('a visitor who goes in the middle of sending or reading is no error (HT-008)', async () => {
  const app = await startApp();
  const { connect } = await import('node:net');
  for (const bytes of [
    'POST /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"a',
    'GET /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\n\r\n',
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connect(app.port, '127.0.0.1', () => {
        socket.write(bytes.replace('{{HOST}}', `localhost:${app.port}`), () =>
          setTimeout(() => socket.resetAndDestroy(), 5),
        );
      });
      socket.once('close', () => resolve());
    });
  }
  await request(app.url).get('/-/health').expect(200);
  expect(errorsIn(app)).toEqual([]);
});

test.each([undefined, 'development', 'test', 'production'])(
  'with NODE_ENV %s cookies are for https and errors tell nothing (CF-013)',
  async (name) => {
    closeAtEnd(setVariables({ NODE_ENV: name }));
    const app = await startApp({ externalUrl: 'https://git.example.test' });
    const get = (path: string) => request(app.url).get(path).set('Host', 'git.example.test');
    const page = await get('/users/sign_in').expect(200);
    for (const cookie of page.headers['set-cookie'] as unknown as string[])
      expect(cookie).toMatch(/^__Host-.*; Secure/);
    app.services.http.isDown = () => {
      throw new Error('zz-secret');
    };
    app.reconfigure('omniauth: { providers: [{ name: bitbucket, app_id: a, app_secret: b }] }');
    expect((await get('/users/sign_in').expect(500)).text).not.toMatch(SECRET_WORDS);
  },
);

const EVIL = 'https://evil.test';

test('another site is allowed nothing, neither to ask nor to read (HT-010)', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  for (const origin of [EVIL, 'null', `${app.url}.evil.test`]) {
    const requests = [
      ...['/api/v4/user', '/users/sign_in', '/users/sign_out', '/-/health', '/-/metrics', '/nothing'].flatMap(
        (path) => [
          browser.get(path).set('Origin', origin),
          browser.options(path).set({
            Origin: origin,
            'Access-Control-Request-Method': 'POST',
            'Access-Control-Request-Headers': 'x-csrf-token, private-token',
          }),
        ],
      ),
      browser.post('/users/sign_out').set('Origin', origin),
    ];
    for (const sent of requests) {
      const { headers } = await sent;
      expect(Object.keys(headers).filter((header) => header.startsWith('access-control-'))).toEqual([]);
      expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    }
  }
  expect(await whoAmI(browser)).toBe('root');
});

test('health tells the state and nothing else, metrics are for chosen addresses, and there is no door for debugging (HT-013)', async () => {
  const app = await startApp({ yaml: 'monitoring: { allow: [192.0.2.1] }' });
  const get = (path: string) => request(app.url).get(path);
  expect((await get('/-/health').expect(200)).text).toBe('Gatehouse OK\n');
  expect((await get('/-/liveness').expect(200)).text).toBe('{"status":"ok"}');
  expect((await get('/-/readiness').expect(200)).text).toBe('{"status":"ok","database":"ok"}');
  const absent = [
    '/-/metrics',
    '/metrics',
    '/-/debug',
    '/debug/pprof',
    '/debug',
    '/status',
    '/server-status',
    '/actuator',
    '/env',
    '/-/env',
    '/info',
    '/phpinfo.php',
    '/graphql',
    '/swagger.json',
    '/api-docs',
    '/json/version',
    '/console',
    '/.well-known/openid-configuration',
  ];
  for (const path of absent) expect([path, (await get(path)).status]).toEqual([path, 404]);
  app.reconfigure('monitoring: { allow: [127.0.0.1] }');
  await get('/-/metrics').expect(200);
  await get('/-/metrics').set('X-Forwarded-For', '127.0.0.1').expect(404);
});

/** Everything that is stored, but for when a session was seen last and how often somebody has come. */
async function everythingStored({ services }: TestApp): Promise<object> {
  const { db } = services;
  const of = (table: 'accounts' | 'identities' | 'flows') => db.selectFrom(table).selectAll().execute();
  const sessions = await db.selectFrom('sessions').selectAll().execute();
  return {
    accounts: await of('accounts'),
    identities: await of('identities'),
    flows: await of('flows'),
    sessions: sessions.map(({ id_hash, account_id, data, version }) => ({ id_hash, account_id, data, version })),
  };
}

/** Goes to every address that a page names, the targets of its forms as well. @returns the addresses with their statuses */
async function crawl(browser: Browser, url: string, starts: string[]): Promise<Map<string, number>> {
  const statuses = new Map<string, number>();
  const ahead = [...starts];
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    if (statuses.has(path)) continue;
    const answer = await browser.get(path);
    statuses.set(path, answer.status);
    const named = [...String(answer.text).matchAll(/(?:href|src|action|formaction)="([^"#]*)/g)].map(
      ([, address = '']) => address.replaceAll('&amp;', '&'),
    );
    for (const address of [...named, answer.headers['location'] ?? '']) {
      const next = new URL(address, url + path);
      if (next.origin === url) ahead.push(next.pathname + next.search);
    }
  }
  return statuses;
}

test('an administrator who follows every link, and opens the target of every form, changes nothing (HT-025)', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  const before = await everythingStored(app);
  const starts = [
    '/',
    '/users/sign_in',
    '/users/sign_in?other_account=true',
    '/users/sign_out',
    '/users/auth',
    '/users/auth/bitbucket',
    '/api/v4/user',
    '/-/health',
    '/-/readiness',
    '/-/metrics',
    '/nothing',
  ];
  const seen = await crawl(browser, app.url, starts);
  expect([...seen.values()].filter((status) => status >= 500)).toEqual([]);
  expect(seen.get('/users/sign_out')).toBe(405);
  expect(seen.get('/users/auth/bitbucket')).toBe(405);
  const stranger = await crawl(openBrowser(app), app.url, starts);
  expect([...stranger.keys()].some((path) => path.startsWith('/assets/'))).toBe(true);
  expect(await everythingStored(app)).toEqual(before);
  expect(await whoAmI(browser)).toBe('root');
});
