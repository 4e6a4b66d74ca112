// What a session is made of: its id, what is kept of it, and who else may write it.
import request from 'supertest';
import { sign } from 'cookie-signature';
import { sweepSessions } from '../../src/web/account-sessions.ts';
import type { Answer } from '../support/people.ts';
import { providerYaml } from '../support/provider.ts';
import {
  clickBitbucket,
  csrfOf,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  openSignIn,
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { startApp } from '../support/start-app.ts';

const NO_LIMITS = 'rate_limits: { oauth_per_minute: 0, password_per_minute: 0 }\n';

/** `gatehouse=s%3A…` of an answer, or ''. */
function sessionCookie(answer: Answer): string {
  const lines = [answer.headers['set-cookie'] ?? []].flat().map(String);
  return lines.find((line) => line.startsWith('gatehouse='))?.split(';')[0] ?? '';
}

function idOf(cookie: string): string {
  return decodeURIComponent(cookie).replace('gatehouse=s:', '').split('.')[0] ?? '';
}

test('session ids are long, random and never the same (SE-035)', async () => {
  const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
  const ids: string[] = [];
  for (let count = 0; count < 20; count += 1) {
    ids.push(idOf(sessionCookie(await signInWithBitbucket(openBrowser(app), sandbox))));
  }
  for (const id of ids) expect(id).toMatch(/^[\w-]{32}$/); // 192 bits
  expect(new Set(ids).size).toBe(20);
  // No place in the id is the same in all of them, so none is a counter, a time or a name.
  for (let place = 0; place < 32; place += 1) expect(new Set(ids.map((id) => id[place])).size).toBeGreaterThan(4);
  const stored = await app.services.db.selectFrom('sessions').selectAll().execute();
  for (const id of ids) expect(JSON.stringify(stored)).not.toContain(id);
});

test('a cookie without signature, in another form, signed twice, by a guessed key or another method is nobody (SE-025)', async () => {
  const app = await startApp();
  const cookie = sessionCookie(await signInWithPassword(openBrowser(app)));
  const id = idOf(cookie);
  const signed = decodeURIComponent(cookie.replace('gatehouse=', ''));
  const [key = ''] = app.services.keys.sessionCookie;
  const [csrfKey = ''] = app.services.keys.csrf;
  const forms = [
    id,
    `s:${id}`,
    `s:${id}.`,
    signed.replace('s:', ''),
    signed.replace('s:', 'S:'),
    `s:${signed}`,
    `j:${JSON.stringify({ id })}`,
    `s:${sign(sign(id, key), key)}`,
    `${signed}${signed.slice(signed.indexOf('.'))}`,
    ...['secret', 'keyboard cat', 'gatehouse', '', csrfKey].map((guess) => `s:${sign(id, guess || ' ')}`),
  ];
  for (const form of forms) {
    await request(app.url)
      .get('/api/v4/user')
      .set('Cookie', `gatehouse=${encodeURIComponent(form)}`)
      .expect(401);
  }
  await request(app.url).get('/api/v4/user').set('Cookie', cookie).expect(200);
});

test('an id that a client invents is never taken over, not even rightly signed (SE-003, SE-004)', async () => {
  const app = await startApp();
  const invented = 'a'.repeat(32);
  const planted = `gatehouse=${encodeURIComponent(`s:${sign(invented, app.services.keys.sessionCookie[0] ?? '')}`)}`;
  const browser = openBrowser(app);
  browser.jar.setCookie(planted, 'localhost', '/');
  const cookie = sessionCookie(await signInWithPassword(browser));
  expect(idOf(cookie)).not.toBe(invented);
  await request(app.url).get('/api/v4/user').set('Cookie', planted).expect(401);
});

test('signing in takes nothing along but who it is, and makes forms from before worthless (SE-006)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const before = await openSignIn(browser, '?return_to=/x');
  await signInWithBitbucket(browser, sandbox);
  const [row] = await app.services.db.selectFrom('sessions').selectAll().execute();
  const { id } = (await browser.get('/api/v4/user')).body as { id: number };
  expect(JSON.parse(row?.data ?? '')).toEqual({ passport: { user: { id, rights: '00' } } });
  await browser.post('/users/sign_out').type('form').send({ _csrf: before }).expect(403);
  const after = csrfOf(await browser.get('/'));
  expect(after).not.toBe(before);
  await browser.post('/users/sign_out').type('form').send({ _csrf: after }).expect(303);
});

test('one sign-in writes the session once (SE-013)', async () => {
  const { app, sandbox } = await startBoth();
  for (const signIn of [
    signInWithPassword,
    async (browser: ReturnType<typeof openBrowser>) => signInWithBitbucket(browser, sandbox),
  ]) {
    await app.services.db.deleteFrom('sessions').execute();
    const browser = openBrowser(app);
    await signIn(browser);
    await browser.get('/').expect(200);
    const rows = await app.services.db.selectFrom('sessions').select('version').execute();
    expect(rows).toEqual([{ version: 1 }]);
  }
});

test('two sign-ins of one browser at the same moment: each cookie is one person, whole, and the last one counts (SE-039)', async () => {
  const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
  const browser = openBrowser(app);
  const back = pathOf(await sandbox.decide(await clickBitbucket(browser), { as: 'alice' }));
  const _csrf = await openSignIn(browser);
  const [bitbucket, password] = await Promise.all([
    browser.get(back),
    browser.post('/users/sign_in').type('form').send({ _csrf, login: 'root', password: 'correct horse battery' }),
  ]);
  expect([bitbucket.status, password.status]).toEqual([303, 303]);
  const ask = async (answer: Answer) =>
    (await request(app.url).get('/api/v4/user').set('Cookie', sessionCookie(answer)).expect(200)).body as object;
  expect(await ask(bitbucket)).toMatchObject({ username: 'alice' });
  expect(await ask(password)).toMatchObject({ username: 'root' });
  expect(['alice', 'root']).toContain(await whoAmI(browser));
});

test("a deleted person's cookies stay dead when somebody new has the same name and address (SE-017)", async () => {
  const { app, sandbox } = await startBoth();
  const old = await openAs(app, sandbox);
  const { db } = app.services;
  await db.deleteFrom('accounts').where('username', '=', 'alice').execute();
  expect(await whoAmI(old)).toBeNull();
  await makeAccount(app, { username: 'alice', name: 'Alice', email: 'alice@example.test' });
  expect(await whoAmI(old)).toBeNull();
});

test('a right that is taken away is gone at the next request (SE-018)', async () => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  expect((await browser.get('/api/v4/user')).body).toMatchObject({ admin: true });
  await app.services.db.updateTable('accounts').set({ admin: 0 }).execute();
  expect((await browser.get('/api/v4/user')).body).toMatchObject({ admin: false });
});

test('a record as another version may have written it works, or asks for a new sign-in (SE-047)', async () => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  const { db } = app.services;
  const [row] = await db.selectFrom('sessions').selectAll().execute();
  const user = row?.account_id;
  const store = async (data: object) =>
    db
      .updateTable('sessions')
      .set({ data: JSON.stringify(data) })
      .execute();
  await store({ passport: { user }, flash: ['hello'], cookie: { path: '/' }, later: { x: 1 } });
  expect(await whoAmI(browser)).toBe('root');
  for (const other of [{}, { user }, { passport: {} }, { passport: { user: String(user) } }, { passport: [user] }]) {
    await store(other);
    expect(await whoAmI(browser)).toBeNull();
    await browser.get('/users/sign_in').expect(200);
  }
  expect((await signInWithPassword(browser)).status).toBe(303);
});

test('records that have expired are swept away a few at a time, and nobody else is touched (SE-048)', async () => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  const { db, now } = app.services;
  const [row] = await db.selectFrom('sessions').selectAll().execute();
  const expired = (index: number) => ({ ...row!, id_hash: `expired-${index}`, expires_at: now() - 1 });
  for (let from = 0; from < 1200; from += 100) {
    await db
      .insertInto('sessions')
      .values(Array.from({ length: 100 }, (_, index) => expired(from + index)))
      .execute();
  }
  let answered = 0;
  const sweeping = sweepSessions(db, now());
  const asking = browser.get('/api/v4/user').then(({ status }) => (answered = status));
  await sweeping;
  await asking;
  expect(answered).toBe(200);
  expect(await db.selectFrom('sessions').select('id_hash').execute()).toEqual([{ id_hash: row?.id_hash }]);
});

test('two servers on one database: begun at one, come back to the other, at home with both, out at both (SE-049)', async () => {
  const { app: one, sandbox } = await startBoth();
  const two = await startApp({ dataDir: one.dataDir, externalUrl: one.url, yaml: providerYaml(sandbox) });
  const browser = openBrowser(one);
  const back = pathOf(await sandbox.decide(await clickBitbucket(browser), { as: 'alice' }));
  const atTwo = (path: string, cookie: string) =>
    request(two.url)
      .get(path)
      .set({ Host: new URL(one.url).host, Cookie: cookie });
  const jar = browser.jar.getCookies({ domain: 'localhost', path: '/', secure: false, script: false }).toValueString();
  const answer = await atTwo(back, jar).expect(303);
  const cookie = sessionCookie(answer);
  await request(one.url).get('/api/v4/user').set('Cookie', cookie).expect(200);
  browser.jar.setCookie(cookie, 'localhost', '/');
  const _csrf = csrfOf(await browser.get('/'));
  await browser.post('/users/sign_out').type('form').send({ _csrf }).expect(303);
  await atTwo('/api/v4/user', cookie).expect(401);
});
