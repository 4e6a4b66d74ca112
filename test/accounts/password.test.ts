// The regular form.
import { statSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { hashPassword } from '../../src/accounts/passwords.ts';
import {
  csrfOf,
  openBrowser,
  openSignIn,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { makeDataDir } from '../support/at-end.ts';
import { ROOT_PASSWORD, startApp } from '../support/start-app.ts';

test('the first administrator signs in', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  const answer = await signInWithPassword(browser);
  expect(answer.status).toBe(303);
  expect(answer.headers['location']).toBe('/');
  expect((await browser.get('/api/v4/user')).body).toMatchObject({
    username: 'root',
    admin: true,
    email: null,
    identities: [],
  });
});

test('without a given password a random one is kept in a file until root has used it', async () => {
  const dataDir = makeDataDir();
  const app = await startApp({ dataDir, env: { GATEHOUSE_ROOT_PASSWORD: '' } });
  const path = join(dataDir, 'initial_root_password');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const { readFileSync } = await import('node:fs');
  const password = readFileSync(path, 'utf8').trim();
  expect(password.length).toBeGreaterThanOrEqual(20);
  expect(app.log.join()).toContain(path);
  expect(app.log.join()).not.toContain(password);
  expect((await signInWithPassword(openBrowser(app), 'root', 'wrong')).status).toBe(422);
  expect(existsSync(path)).toBe(true);
  expect((await signInWithPassword(openBrowser(app), 'root', password)).status).toBe(303);
  expect(existsSync(path)).toBe(false);
});

test('root is made once: a later start with another password changes nothing', async () => {
  const first = await startApp();
  await first.stop();
  const second = await startApp({ dataDir: first.dataDir, env: { GATEHOUSE_ROOT_PASSWORD: 'another password' } });
  expect((await signInWithPassword(openBrowser(second), 'root', 'another password')).status).toBe(422);
  expect((await signInWithPassword(openBrowser(second))).status).toBe(303);
});

test('wrong password, unknown name, blocked and Bitbucket-only account answer the same (PW-001)', async () => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox);
  const { db, now } = app.services;
  const blocked = {
    username: 'blocked',
    name: 'B',
    email: null,
    email_key: null,
    state: 'blocked',
    admin: 0,
    created_at: now(),
  } as const;
  await db
    .insertInto('accounts')
    .values({ ...blocked, password_hash: await hashPassword('right password') })
    .execute();
  const answers = [];
  for (const [login, password] of [
    ['root', 'wrong'],
    ['nobody', 'wrong'],
    ['blocked', 'right password'],
    ['alice', 'wrong'],
  ] as const) {
    const answer = await signInWithPassword(openBrowser(app), login, password);
    const text = answer.text.replaceAll(login, 'LOGIN').replace(/name="_csrf" value="[^"]+"|content="[0-9a-f.]+"/g, '');
    answers.push({ status: answer.status, text, type: answer.headers['content-type'] });
  }
  expect(answers[0]?.status).toBe(422);
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
});

test('the page comes back with what was typed, less the password', async () => {
  const app = await startApp();
  const answer = await signInWithPassword(openBrowser(app), 'some"one', 'my secret', {
    remember_me: '1',
    return_to: '/a?b=c',
  });
  expect(answer.status).toBe(422);
  expect(answer.text).toContain('value="some&#34;one"');
  expect(answer.text).toContain('name="return_to" value="/a?b=c"');
  expect(answer.text).toContain('checked');
  expect(answer.text).toContain('role="alert"');
  expect(answer.text).not.toContain('my secret');
});

test('as JSON the refusal is a problem document', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const answer = await browser
    .post('/users/sign_in')
    .set('Accept', 'application/json')
    .send({ login: 'root', password: 'no', _csrf });
  expect(answer.status).toBe(422);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({
    code: 'invalid_credentials',
    status: 422,
    request_id: answer.headers['x-request-id'],
  });
});

test('wrong tries for one account end at the limit, whatever name and address they use, and the right password waits, too (PW-004, PW-007, PW-010)', async () => {
  const app = await startApp({ yaml: 'rate_limits: { password_per_minute: 0, password_per_account: 5 }\n' });
  for (const login of ['root', 'ROOT', ' root ', 'Root', 'root']) {
    expect((await signInWithPassword(openBrowser(app), login, 'wrong')).status).toBe(422);
  }
  for (const password of ['wrong', ROOT_PASSWORD]) {
    const browser = openBrowser(app);
    const _csrf = await openSignIn(browser);
    const answer = await browser
      .post('/users/sign_in')
      .set('X-Forwarded-For', '203.0.113.9')
      .type('form')
      .send({ login: 'root', password, _csrf });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(15 * 60);
  }
});

test('the limits outlast a restart, and their window ends (PW-009)', async () => {
  let now = Date.now();
  const options = { yaml: 'rate_limits: { password_per_minute: 2 }\n', now: () => now };
  const first = await startApp(options);
  for (let count = 0; count < 2; count += 1) await signInWithPassword(openBrowser(first), 'x', 'x');
  expect((await signInWithPassword(openBrowser(first))).status).toBe(429);
  await first.stop();
  const second = await startApp({ ...options, dataDir: first.dataDir });
  expect((await signInWithPassword(openBrowser(second))).status).toBe(429);
  now += 61_000;
  expect((await signInWithPassword(openBrowser(second))).status).toBe(303);
});

test('a good sign-in clears the count of the account', async () => {
  const app = await startApp({ yaml: 'rate_limits: { password_per_minute: 0, password_per_account: 3 }\n' });
  for (let round = 0; round < 3; round += 1) {
    for (let count = 0; count < 2; count += 1) await signInWithPassword(openBrowser(app), 'root', 'no');
    expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
  }
});

test('passwords are compared whole, and as typed but for Unicode composition (PW-012, PW-014)', async () => {
  const long = 'é'.repeat(40) + 'x'.repeat(60);
  const app = await startApp({ env: { GATEHOUSE_ROOT_PASSWORD: ` ${long}` } });
  const answer = (password: string) => signInWithPassword(openBrowser(app), 'root', password);
  expect((await answer(long)).status).toBe(422);
  expect((await answer(` ${long}y`)).status).toBe(422);
  expect((await answer(` ${long}`.normalize('NFD'))).status).toBe(303);
});

test.each([
  ['a megabyte', { login: 'root', password: 'x'.repeat(1_000_000) }, 413],
  ['beyond the documented length', { login: 'root', password: 'x'.repeat(2000) }, 422],
  ['no password', { login: 'root' }, 400],
  ['two logins', { login: ['a', 'b'], password: 'x' }, 400],
  ['SQL', { login: "root' OR '1'='1", password: "' OR 1=1 --" }, 422],
  ['a NUL', { login: 'root\0', password: ROOT_PASSWORD }, 422],
])('%s is refused quietly (PW-013, PW-020, PW-021)', async (_name, fields, status) => {
  const app = await startApp();
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const answer = await browser
    .post('/users/sign_in')
    .type('form')
    .send({ ...fields, _csrf });
  expect(answer.status).toBe(status);
  expect(await whoAmI(browser)).toBeNull();
});

test('credentials in the query are ignored and not logged (PW-022)', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  await browser
    .post(`/users/sign_in?login=root&password=${encodeURIComponent(ROOT_PASSWORD)}`)
    .type('form')
    .send({ _csrf })
    .expect(400);
  expect(app.log.join()).not.toContain('correct');
});

test('without a token nobody is signed in, nor by text/plain (PW-019)', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const right = { login: 'root', password: ROOT_PASSWORD };
  await browser.post('/users/sign_in').type('form').send(right).expect(403);
  await browser
    .post('/users/sign_in')
    .type('text/plain')
    .send(JSON.stringify({ ...right, _csrf }))
    .expect(415);
  await browser
    .post('/users/sign_in')
    .set('Origin', 'https://evil.test')
    .type('form')
    .send({ ...right, _csrf })
    .expect(403);
  expect(await whoAmI(browser)).toBeNull();
});

test('switched off, the form is gone and its address refuses (PW-028)', async () => {
  const { app } = await startBoth({ yaml: 'password_sign_in: false\n' });
  const browser = openBrowser(app);
  const page = await browser.get('/users/sign_in').expect(200);
  expect(page.text).not.toContain('type="password"');
  const _csrf = csrfOf(page);
  await browser.post('/users/sign_in').type('form').send({ _csrf, login: 'root', password: ROOT_PASSWORD }).expect(404);
});

test('a stored hash that cannot be read is a wrong password and a line in the log (PW-024)', async () => {
  const app = await startApp();
  await app.services.db.updateTable('accounts').set({ password_hash: 'garbage' }).execute();
  expect((await signInWithPassword(openBrowser(app))).status).toBe(422);
  expect(app.log.join()).toContain('could not be read');
});

test('a hash made with the costs of the past is made anew at sign-in (PW-023)', async () => {
  const app = await startApp();
  const { hash } = await import('@node-rs/argon2');
  const weak = await hash(ROOT_PASSWORD, { memoryCost: 8192, timeCost: 1, parallelism: 1 });
  await app.services.db.updateTable('accounts').set({ password_hash: weak }).execute();
  expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
  const stored = await app.services.db.selectFrom('accounts').select('password_hash').executeTakeFirstOrThrow();
  expect(stored.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
});
