// Sessions and their cookie, from the outside.
import request from 'supertest';
import {
  openAs,
  openAsRoot,
  openBrowser,
  openSignIn,
  signInWithBitbucket,
  signInWithPassword,
  signOut,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { startApp } from '../support/start-app.ts';

const HOUR = 3_600_000;

/** The cookies an answer sets, as `name=value`. */
function cookiesOf(answer: request.Response): string[] {
  return ((answer.headers['set-cookie'] as unknown as string[] | undefined) ?? []).map(
    (line) => line.split(';')[0] ?? '',
  );
}

function sessionCookie(answer: request.Response): string {
  return cookiesOf(answer).find((cookie) => /^(__Host-)?gatehouse=/.test(cookie)) ?? '';
}

test('signing in changes the session id, and an id a client invents is never taken (SE-001 to SE-004)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const first = sessionCookie(await signInWithBitbucket(browser, sandbox));
  await signOut(browser);
  const second = sessionCookie(await signInWithBitbucket(browser, sandbox));
  expect(first).toMatch(/^gatehouse=s%3A/);
  expect(second).not.toBe(first);
  const ask = (cookie: string) => request(app.url).get('/api/v4/user').set('Cookie', cookie);
  await ask(first).expect(401);
  await ask(second).expect(200);
  const value = second.replace('gatehouse=', '');
  for (const bad of [
    'gatehouse=x',
    `gatehouse=${value.replace('s%3A', '')}`,
    `gatehouse=${value}x`,
    `gatehouse=j%3A%7B%7D`,
    `gatehouse=${'a'.repeat(5000)}`,
  ]) {
    await ask(bad).expect(401);
  }
});

test('every changed character of the cookie makes it worthless, and none makes a 500 (SE-024)', async () => {
  const app = await startApp();
  const cookie = sessionCookie(await signInWithPassword(openBrowser(app)));
  for (let index = 'gatehouse=s%3A'.length; index < cookie.length; index += 3) {
    const flipped = cookie.slice(0, index) + (cookie[index] === 'a' ? 'b' : 'a') + cookie.slice(index + 1);
    await request(app.url).get('/api/v4/user').set('Cookie', flipped).expect(401);
  }
});

test('signing out ends the session for good: record gone, cookie cleared, old cookie worthless (SE-007)', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  const cookie = sessionCookie(await signInWithPassword(browser));
  const answer = await signOut(browser);
  expect(answer.status).toBe(303);
  expect(answer.headers['location']).toBe('/users/sign_in');
  expect(String(answer.headers['set-cookie'])).toContain('gatehouse=; Path=/; Expires=Thu, 01 Jan 1970');
  await request(app.url).get('/api/v4/user').set('Cookie', cookie).expect(401);
  expect(await app.services.db.selectFrom('sessions').selectAll().execute()).toEqual([]);
});

test('after signing out the page says that Bitbucket still knows you', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox);
  await signOut(browser);
  const page = await browser.get('/users/sign_in').expect(200);
  expect(page.text).toContain('Bitbucket session is still open');
  expect((await browser.get('/users/sign_in')).text).not.toContain('still open');
  await signInWithBitbucket(browser, sandbox);
  await signOut(browser);
  expect((await browser.get('/users/sign_in')).text).toContain('still open');
});

test('nothing but a form of ours signs out (SE-008), and signing out twice is no error (SE-009)', async () => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  await browser.get('/users/sign_out').expect(405);
  await browser.post('/users/sign_out').expect(403);
  await browser.post('/users/sign_out').set('Origin', 'https://evil.test').expect(403);
  expect(await whoAmI(browser)).toBe('root');
  await signOut(browser);
  await browser.post('/users/sign_out').expect(303);
});

test('a slow request in flight during sign-out does not bring the session back (SE-011)', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  const cookie = sessionCookie(await signInWithPassword(browser));
  const { SessionStore } = await import('../../src/web/session-store.ts');
  const { db, config, now, log } = app.services;
  const store = new SessionStore({ db, config, now, log, cookie: {} });
  const id = decodeURIComponent(cookie.replace('gatehouse=s%3A', '')).split('.')[0] ?? '';
  // The slow request has read its session …
  const found = await new Promise<never>((resolve) => store.get(id, (_error, session) => resolve(session as never)));
  const session = store.createSession({ sessionID: id, sessionStore: store } as never, found);
  await signOut(browser);
  // … and now writes a changed one back.
  Object.assign(session, { changed: true });
  await new Promise<void>((resolve, reject) => store.set(id, session, (error) => (error ? reject(error) : resolve())));
  await request(app.url).get('/api/v4/user').set('Cookie', cookie).expect(401);
});

test('asking for the progress of imports in the background does not keep a session alive (SE-021)', async () => {
  let now = Date.now();
  const app = await startApp({ now: () => now, yaml: 'session: { idle_minutes: 60 }\n' });
  const browser = await openAsRoot(app);
  for (let minutes = 0; minutes < 60; minutes += 20) {
    await browser.get('/import/bitbucket/realtime_changes.json').expect(200);
    now += 20 * 60_000 + 1;
  }
  await browser.get('/import/bitbucket/realtime_changes.json').expect(401);
});

test('a session unused for the idle time ends; used in time it lives on, up to the absolute limit (SE-019, SE-020, SE-022)', async () => {
  let now = Date.now();
  const app = await startApp({ now: () => now, yaml: 'session: { idle_minutes: 60, absolute_hours: 5 }\n' });
  const idle = await openAsRoot(app);
  now += HOUR + 1000;
  expect(await whoAmI(idle)).toBeNull();

  const busy = await openAsRoot(app);
  for (let minutes = 0; minutes < 295; minutes += 59) {
    now += 59 * 60_000;
    expect(await whoAmI(busy)).toBe('root');
  }
  now += 5 * 60_000 + 1000;
  expect(await whoAmI(busy)).toBeNull();
});

test('a clock that jumps back does not stretch a session beyond its absolute limit (SE-023)', async () => {
  let now = Date.now();
  const app = await startApp({ now: () => now });
  const browser = await openAsRoot(app);
  now -= HOUR;
  expect(await whoAmI(browser)).toBe('root');
  now += 25 * HOUR + 1000;
  expect(await whoAmI(browser)).toBeNull();
});

test.each(['password', 'Bitbucket'])(
  '"remember me" keeps the session for its days and outlives the browser: by %s',
  async (way) => {
    let now = Date.now();
    const { app, sandbox } = await startBoth({ now: () => now });
    const browser = openBrowser(app);
    const fields = { remember_me: '1' };
    const answer =
      way === 'password'
        ? await signInWithPassword(browser, undefined, undefined, fields)
        : await signInWithBitbucket(browser, sandbox, 'alice', fields);
    expect(String(answer.headers['set-cookie'])).toMatch(/gatehouse=s%3A[^;]+; Path=\/; Expires=/);
    now += 13 * 24 * HOUR;
    expect(await whoAmI(browser)).not.toBeNull();
    now += 25 * HOUR;
    expect(await whoAmI(browser)).toBeNull();
  },
);

test('without "remember me" the cookie ends with the browser', async () => {
  const app = await startApp();
  const answer = await signInWithPassword(openBrowser(app));
  expect(String(answer.headers['set-cookie'])).toMatch(/gatehouse=s%3A[^;]+; Path=\/; HttpOnly; SameSite=Lax/);
});

test('behind https the cookies are __Host-, Secure and Lax, whatever the proxy forgets to say (SE-010, SE-027, SE-030, SE-031)', async () => {
  const app = await startApp({ externalUrl: 'https://git.example.test' });
  const headers = { Host: 'git.example.test', 'X-Forwarded-Proto': 'http' };
  const page = await request(app.url).get('/users/sign_in').set(headers).expect(200);
  const _csrf = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1];
  const answer = await request(app.url)
    .post('/users/sign_in')
    .set({ ...headers, Cookie: cookiesOf(page).join('; ') })
    .type('form')
    .send({ _csrf, login: 'root', password: 'correct horse battery' })
    .expect(303);
  const lines = [
    ...(page.headers['set-cookie'] as unknown as string[]),
    ...(answer.headers['set-cookie'] as unknown as string[]),
  ];
  expect(lines.filter((line) => line.startsWith('__Host-gatehouse='))).toHaveLength(1);
  for (const line of lines) {
    expect(line).toMatch(/^__Host-gatehouse/);
    expect(line).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Lax$|; Path=\/; .*HttpOnly; Secure; SameSite=Lax/);
    expect(line).not.toContain('Domain');
    expect(line.length).toBeLessThan(4096);
  }
  expect(answer.headers['strict-transport-security']).toContain('max-age=');
  const cookie = [...cookiesOf(page), sessionCookie(answer)].join('; ');
  const home = await request(app.url)
    .get('/')
    .set({ ...headers, Cookie: cookie })
    .expect(200);
  const token = /name="_csrf" value="([^"]+)"/.exec(home.text)?.[1];
  const csrfCookie = cookiesOf(home).find((line) => line.startsWith('__Host-gatehouse-csrf')) ?? '';
  const out = await request(app.url)
    .post('/users/sign_out')
    .set({ ...headers, Cookie: `${cookie.replace(/__Host-gatehouse-csrf=[^;]+; /, '')}; ${csrfCookie}` })
    .type('form')
    .send({ _csrf: token })
    .expect(303);
  expect(out.headers['clear-site-data']).toBe('"cache", "storage"');
});

test('anonymous visits write nothing to the database (CB-059)', async () => {
  const { app } = await startBoth();
  const { db } = app.services;
  const before = await db.selectFrom('limits').selectAll().execute();
  for (let count = 0; count < 30; count += 1) {
    await request(app.url).get('/users/sign_in').expect(200);
    await request(app.url).get('/').expect(303);
    await request(app.url).get('/nothing').expect(404);
    await request(app.url).get('/users/sign_in').set('Cookie', 'gatehouse=s%3Aforged.signature').expect(200);
  }
  expect(await db.selectFrom('sessions').selectAll().execute()).toEqual([]);
  expect(await db.selectFrom('flows').selectAll().execute()).toEqual([]);
  expect(await db.selectFrom('limits').selectAll().execute()).toEqual(before);
});

test('static files, health checks, robots.txt and pages that do not exist set no cookie (SE-037)', async () => {
  const app = await startApp();
  for (const path of [
    '/-/health',
    '/-/liveness',
    '/-/readiness',
    '/robots.txt',
    '/favicon.svg',
    '/nothing',
    '/api/v4/user',
  ]) {
    const answer = await request(app.url).get(path);
    expect(answer.headers['set-cookie']).toBeUndefined();
  }
});

test('a used session is written at most once a minute (SE-038)', async () => {
  let now = Date.now();
  const app = await startApp({ now: () => now });
  const browser = await openAsRoot(app);
  const seen = async () => (await app.services.db.selectFrom('sessions').select(['seen_at', 'version']).execute())[0];
  const first = await seen();
  now += 30_000;
  await whoAmI(browser);
  expect(await seen()).toEqual(first);
  now += 31_000;
  await whoAmI(browser);
  expect(await seen()).toEqual({ seen_at: now, version: 1 });
});

test.each(['not json', '[]', 'null', '{"passport":{"user":"x"}}', '{"passport":null}'])(
  'a damaged session record is nobody, and no error: %s (SE-046)',
  async (data) => {
    const app = await startApp();
    const browser = await openAsRoot(app);
    await app.services.db.updateTable('sessions').set({ data }).execute();
    expect(await whoAmI(browser)).toBeNull();
    expect((await signInWithPassword(browser)).status).toBe(303);
  },
);

test('the database away: 503 with Retry-After, the cookie kept, and the same cookie works afterwards (SE-040)', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  const cookie = sessionCookie(await signInWithPassword(browser));
  await app.services.db.destroy();
  for (const path of ['/', '/api/v4/user', '/users/sign_in']) {
    const answer = await request(app.url).get(path).set('Cookie', cookie);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers['location']).toBeUndefined();
  }
  expect((await request(app.url).get('/-/readiness')).status).toBe(503);
  expect((await request(app.url).get('/-/health')).status).toBe(200);
  const port = app.port;
  await app.stop().catch(() => undefined);
  const again = await startApp({ port, dataDir: app.dataDir });
  await request(again.url).get('/api/v4/user').set('Cookie', cookie).expect(200);
});

test('a session that could not be saved is no sign-in (SE-042)', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  await openSignIn(browser);
  const { schema } = app.services.db;
  await schema.alterTable('sessions').renameTo('sessions_away').execute();
  const answer = await signInWithPassword(browser);
  expect(answer.status).toBeGreaterThanOrEqual(500);
  expect(answer.text).not.toContain('sessions');
  await schema.alterTable('sessions_away').renameTo('sessions').execute();
  expect(await whoAmI(browser)).toBeNull();
});

test('two cookies of the same name are never mixed (SE-034)', async () => {
  const { app, sandbox } = await startBoth();
  const one = sessionCookie(await signInWithPassword(openBrowser(app)));
  const two = sessionCookie(await signInWithBitbucket(openBrowser(app), sandbox));
  for (const cookie of [`${one}; ${two}`, `${two}; ${one}`]) {
    const names = await Promise.all(
      [1, 2, 3].map(
        async () => (await request(app.url).get('/api/v4/user').set('Cookie', cookie)).body as { username?: string },
      ),
    );
    expect(['root', 'alice']).toContain(names[0]?.username);
    expect(new Set(names.map(({ username }) => username)).size).toBe(1);
  }
});

test('signed in, the sign-in page leads home (SE-050), and nobody else sees that page from a cache', async () => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  const answer = await browser.get('/users/sign_in').expect(303);
  expect(answer.headers['location']).toBe('/');
  expect((await browser.get('/').expect(200)).headers['cache-control']).toBe('no-store');
});

test('the key can be replaced: cookies of the old one live while it is listed (SE-026)', async () => {
  const [oldKey, newKey] = ['o'.repeat(32), 'n'.repeat(32)];
  const first = await startApp({ yaml: `secret_key: ${oldKey}\n` });
  const cookie = sessionCookie(await signInWithPassword(openBrowser(first)));
  await first.stop();
  const second = await startApp({
    dataDir: first.dataDir,
    port: first.port,
    yaml: `secret_key: [${newKey}, ${oldKey}]\n`,
  });
  const answer = await request(second.url).get('/api/v4/user').set('Cookie', cookie).expect(200);
  const signedAnew = sessionCookie(answer);
  expect(signedAnew).not.toBe('');
  await second.stop();
  const third = await startApp({ dataDir: first.dataDir, port: first.port, yaml: `secret_key: ${newKey}\n` });
  await request(third.url).get('/api/v4/user').set('Cookie', cookie).expect(401);
  await request(third.url).get('/api/v4/user').set('Cookie', signedAnew).expect(200);
});
