// Every route of the administration, for everybody, by every method. The routes are read from the router: one that is
// added is in here by itself.
import { get } from 'node:http';
import type { Express } from 'express';
import { createApp } from '../../src/app.ts';
import type { Browser } from '../support/people.ts';
import {
  csrfOf,
  idOf,
  makeAccount,
  openAsRoot,
  openBrowser,
  openSignIn,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { PASSWORD } from './panel.ts';

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'] as const;

interface Layer {
  route?: { path: string | string[]; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

interface AdminRoute {
  path: string;
  /** Methods with a handler of their own. */
  methods: string[];
}

/** All routes below /admin, however deep the routers are nested. */
function adminRoutesOf(app: Express): AdminRoute[] {
  const byPath = new Map<string, string[]>();
  for (const { path, methods } of routesIn((app.router as unknown as { stack: Layer[] }).stack)) {
    if (path.startsWith('/admin')) byPath.set(path, [...(byPath.get(path) ?? []), ...methods]);
  }
  return [...byPath].map(([path, methods]) => ({ path, methods }));
}

function routesIn(stack: Layer[]): AdminRoute[] {
  return stack.flatMap(({ route, handle }) => {
    if (!route) return routesIn(handle.stack ?? []);
    const methods = Object.keys(route.methods).filter((method) => method !== '_all');
    return [route.path].flat().map((path) => ({ path, methods }));
  });
}

interface World {
  app: TestApp;
  routes: AdminRoute[];
  /** With real ids in place of the parameters. */
  fill(path: string): string;
  root: Browser;
  user: Browser;
  blocked: Browser;
}

async function makeWorld(): Promise<World> {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox, 'bob');
  const [user, blocked] = [openBrowser(app), openBrowser(app)];
  for (const [username, browser] of [
    ['ann', user],
    ['ben', blocked],
  ] as const) {
    await makeAccount(app, { username, password: PASSWORD });
    await signInWithPassword(browser, username, PASSWORD);
  }
  await app.services.db.updateTable('accounts').set({ state: 'blocked' }).where('username', '=', 'ben').execute();
  const identity = await app.services.db
    .selectFrom('identities')
    .select(['id', 'account_id'])
    .executeTakeFirstOrThrow();
  const ids = { id: identity.account_id, identity: identity.id };
  const fill = (path: string) =>
    path.replace(/:(\w+)/g, (_, name: string) => String(ids[name as keyof typeof ids] ?? 1));
  const routes = adminRoutesOf(createApp(app.services));
  return { app, routes, fill, root: await openAsRoot(app), user, blocked };
}

/** What an intruder could have changed. */
async function everything({ services: { db } }: TestApp): Promise<object> {
  return {
    accounts: await db.selectFrom('accounts').selectAll().orderBy('id').execute(),
    identities: await db.selectFrom('identities').selectAll().orderBy('id').execute(),
    settings: await db.selectFrom('settings').selectAll().execute(),
    events: await db.selectFrom('audit_events').selectAll().orderBy('id').execute(),
    tokens: await db.selectFrom('access_tokens').selectAll().execute(),
    sessions: await db.selectFrom('sessions').select(['id_hash', 'account_id']).orderBy('id_hash').execute(),
  };
}

test('there are routes to look at, also those of the administration of other parts', async () => {
  const { routes } = await makeWorld();
  const paths = routes.map(({ path }) => path);
  for (const path of ['/admin', '/admin/users/:id', '/admin/users/:id/block', '/admin/audit_log'])
    expect(paths).toContain(path);
});

test('strangers, members and blocked people get nowhere by any method, with or without a token (AD-001, AD-004)', async () => {
  const world = await makeWorld();
  const { app, routes, fill, user, blocked } = world;
  const stranger = openBrowser(app);
  const tokens = new Map([
    [stranger, await openSignIn(stranger)],
    [user, csrfOf(await user.get('/').expect(200))],
    [blocked, await openSignIn(blocked)],
  ]);
  const before = await everything(app);
  const wrong: string[] = [];
  const note = (what: string, status: number, allowed: number[]) => {
    if (!allowed.includes(status)) wrong.push(`${what}: ${status}`);
  };
  for (const { path } of routes) {
    for (const method of METHODS) {
      const reads = ['get', 'head', 'options'].includes(method);
      for (const [who, browser] of [
        ['stranger', stranger],
        ['member', user],
        ['blocked', blocked],
      ] as const) {
        const ask = () => browser[method](fill(path)).set('Accept', 'text/html').redirects(0);
        const allowed = who === 'member' ? [404] : method === 'get' && !path.endsWith('.json') ? [303] : [401];
        if (reads) {
          const answer = await ask();
          note(`${who} ${method} ${path}`, answer.status, allowed);
          if (answer.status === 303) expect(answer.headers['location']).toMatch(/^\/users\/sign_in\?return_to=/);
          continue;
        }
        const _csrf = tokens.get(browser) ?? '';
        note(`${who} ${method} ${path} with token`, (await ask().type('form').send({ _csrf })).status, allowed);
        note(`${who} ${method} ${path} without`, (await ask().type('form').send({})).status, [403]);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(await everything(app)).toEqual(before);
});

test('an administrator’s form is refused without its token, from another site, and as GET; nothing changes (AD-004, AD-015)', async () => {
  const { app, routes, fill, root } = await makeWorld();
  const _csrf = csrfOf(await root.get('/admin').expect(200));
  const before = await everything(app);
  for (const { path, methods } of routes.filter(({ methods }) => methods.includes('post'))) {
    const post = () => root.post(fill(path)).type('form');
    const statuses = [
      (await post().send({})).status,
      (await post().send({ _csrf: `${_csrf}x` })).status,
      (await post().set('Origin', 'https://evil.test').send({ _csrf })).status,
      (await post().set('Origin', 'null').send({ _csrf })).status,
      (await post().set('Sec-Fetch-Site', 'cross-site').send({ _csrf })).status,
      (await post().set('Sec-Fetch-Site', 'same-site').set('Accept', 'application/json').send({ _csrf })).status,
    ];
    expect([path, ...statuses]).toEqual([path, 403, 403, 403, 403, 403, 403]);
    if (!methods.includes('get')) expect([path, (await root.get(fill(path))).status]).toEqual([path, 405]);
    for (const other of ['put', 'patch', 'delete'] as const)
      expect([path, (await root[other](fill(path)).type('form').send({ _csrf })).status]).toEqual([path, 405]);
  }
  expect(await everything(app)).toEqual(before);
});

test('an administrator comes to every page and every form (AD-001)', async () => {
  const { app, routes, fill, root } = await makeWorld();
  for (const { path, methods } of routes) {
    if (methods.includes('get')) expect([path, (await root.get(fill(path))).status]).toEqual([path, 200]);
    if (!methods.includes('post')) continue;
    const _csrf = csrfOf(await root.get('/admin').expect(200));
    const { status } = await root.post(fill(path)).type('form').send({ _csrf });
    // The forms are empty, or ask for what was done already: refused with reason, but not for who asks.
    expect([path, status]).toEqual([path, [200, 302, 303, 400, 409, 422].find((expected) => expected === status)]);
  }
  expect(await idOf(app, 'root')).toBeGreaterThan(0);
});

const OTHER_SPELLINGS = [
  '/admin/',
  '//admin',
  '/ADMIN',
  '/Admin/users.json',
  '/admin;x',
  '/admin;/users.json',
  '/%61dmin',
  '/x/../admin',
  '/./admin',
  '/admin%00',
  '/admin.',
  '/admin..;/',
  '/admin%2f',
  '/admin%2fusers.json',
  '/admin/users.json/',
  '/admin/%75sers.json',
  '/admin\\',
  '/admin?',
  '/admin#',
  '/users/../admin',
];

test('no other spelling of an address shows members and strangers anything of the administration (AD-002)', async () => {
  const { app, user } = await makeWorld();
  const cookie = cookiesOf(user);
  for (const path of OTHER_SPELLINGS) {
    for (const headers of [{}, { Cookie: cookie }] as Record<string, string>[]) {
      const answer = await rawGet(app, path, headers);
      expect([path, answer.status === 200]).toEqual([path, false]);
      expect(answer.text).not.toContain('Audit log</a>');
    }
  }
});

const OVERRIDES: [Record<string, string>, string][] = [
  [{ 'X-Original-URL': '/admin' }, '/'],
  [{ 'X-Rewrite-URL': '/admin' }, '/'],
  [{ 'X-HTTP-Method-Override': 'GET' }, '/admin'],
  [{ 'X-Forwarded-Prefix': '/admin' }, '/'],
  [{ 'X-Forwarded-Uri': '/admin' }, '/'],
  [{ 'X-Remote-User': 'root' }, '/admin'],
];

test('no header opens the administration, and no method gets around its guard (AD-003)', async () => {
  const { app, user } = await makeWorld();
  const rootId = await idOf(app, 'root');
  for (const [headers, path] of OVERRIDES) {
    const answer = await user.get(path).set(headers);
    expect(answer.text).not.toContain('Audit log</a>');
    const _csrf = csrfOf(await user.get('/').expect(200));
    const form = user.post(`/admin/users/${rootId}/block?_method=DELETE`).set(headers).type('form');
    expect((await form.send({ _csrf, _method: 'DELETE' })).status).toBe(404);
    for (const method of ['head', 'options'] as const)
      expect((await user[method]('/admin').set(headers)).status).toBe(404);
  }
});

test('the administration is in no frame of another site (AD-017)', async () => {
  const { root } = await makeWorld();
  const { headers } = await root.get('/admin').expect(200);
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
});

function cookiesOf(browser: Browser): string {
  return browser.jar.getCookies({ domain: 'localhost', path: '/', secure: false, script: false }).toValueString();
}

/** As it stands: no client tidies the path up. */
function rawGet(app: TestApp, path: string, headers: Record<string, string>) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    get({ host: 'localhost', port: app.port, path, headers, family: 4, agent: false }, (res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk.toString()));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
    }).on('error', reject);
  });
}
