// Personal access tokens: making and revoking them, and what a request with one is and is not.
import request from 'supertest';
import type { Answer, Browser } from '../support/people.ts';
import {
  csrfOf,
  makeAccessToken,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  openSignIn,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { keepSecret } from '../support/leaks.ts';
import type { StartOptions, TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';

const TOKENS = '/-/profile/personal_access_tokens';
const DAY = 86_400_000;
/** Of the right form, and nobody's. */
const UNKNOWN = `gatehouse-${'A'.repeat(43)}`;
const INVALID = 'Bearer error="invalid_token"';

async function startSignedIn(options: StartOptions = {}): Promise<{ app: TestApp; browser: Browser }> {
  const app = await startApp(options);
  const browser = await openAsRoot(app);
  return { app, browser };
}

/** Asks by token, without any cookie. */
function ask(app: TestApp, token: string, path = '/api/v4/user') {
  return request(app.url).get(path).set('Authorization', `Bearer ${token}`);
}

interface Listed {
  id: number;
  name: string;
  scopes: string[];
  expires_at: string | null;
  last_used_at: string | null;
}

async function tokensOf(browser: Browser): Promise<Listed[]> {
  const answer = await browser.get(TOKENS).set('Accept', 'application/json').expect(200);
  return (answer.body as { tokens: Listed[] }).tokens;
}

async function send(browser: Browser, fields: object, path = ''): Promise<Answer> {
  const _csrf = csrfOf(await browser.get('/').expect(200));
  return browser
    .post(TOKENS + path)
    .type('form')
    .send({ _csrf, ...fields });
}

async function blocking(app: TestApp, username: string): Promise<void> {
  await app.services.db.updateTable('accounts').set({ state: 'blocked' }).where('username', '=', username).execute();
}

test('a token is shown once, kept as a hash only, opens the API by either header, and is shut out once revoked (SE-036)', async () => {
  const { app, browser } = await startSignedIn();
  const answer = await send(browser, { name: 'nightly <b>', scopes: ['read_user', 'import'] });
  expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
  const [token = '', ...again] = answer.text.match(/gatehouse-[\w-]{43}/g) ?? [];
  expect(again).toEqual([]);
  const row = await app.services.db.selectFrom('access_tokens').selectAll().executeTakeFirstOrThrow();
  expect(row.token_hash).toMatch(/^[0-9a-f]{64}$/);
  expect((await browser.get(TOKENS).expect(200)).text).not.toContain(token);
  expect(await tokensOf(browser)).toMatchObject([{ name: 'nightly <b>', scopes: ['read_user', 'import'] }]);

  for (const headers of [{ Authorization: `bearer ${token}` }, { 'PRIVATE-TOKEN': token }]) {
    const answer = await request(app.url).get('/api/v4/user').set(headers).expect(200);
    expect(answer.body).toMatchObject({ username: 'root', admin: true });
    expect(answer.headers['set-cookie']).toBeUndefined();
  }
  const revoked = await send(browser, {}, `/${row.id}/revoke`);
  expect([revoked.status, revoked.headers['location']]).toEqual([303, TOKENS]);
  const refused = await ask(app, token).expect(401);
  expect(refused.headers['www-authenticate']).toBe(INVALID);
  expect(refused.body).toMatchObject({ code: 'invalid_token' });
  expect(await tokensOf(browser)).toEqual([]);
  const events = await app.services.db.selectFrom('audit_events').selectAll().orderBy('id').execute();
  expect(events.filter(({ action }) => action.startsWith('token_'))).toMatchObject([
    { action: 'token_created', actor_name: 'root', target: 'nightly <b>' },
    { action: 'token_revoked', actor_name: 'root', target: 'nightly <b>' },
  ]);
});

test('a token speaks for its own account, whatever the cookies say, and a wrong one is not made good by them', async () => {
  const { app, sandbox } = await startBoth();
  const [root, alice] = [openBrowser(app), openBrowser(app)];
  await signInWithPassword(root);
  await signInWithBitbucket(alice, sandbox);
  const token = await makeAccessToken(alice);
  const both = await root.get('/api/v4/user').set('PRIVATE-TOKEN', token).expect(200);
  expect(both.body).toMatchObject({ username: 'alice' });
  await root.get('/api/v4/user').set('PRIVATE-TOKEN', UNKNOWN).expect(401);
  await root.get('/').set('Authorization', `Bearer ${UNKNOWN}`).expect(401);
  const two = await root.get('/api/v4/user').set({ 'PRIVATE-TOKEN': token, Authorization: `Bearer ${UNKNOWN}` });
  expect([two.status, two.headers['www-authenticate']]).toEqual([401, INVALID]);
  await root
    .get('/api/v4/user')
    .set({ 'PRIVATE-TOKEN': token, Authorization: `Bearer ${token}` })
    .expect(200);
  expect(await whoAmI(root)).toBe('root');
});

test('the token of a blocked or deleted person is refused at the next request, and stays so for whoever has the name next (SE-016, SE-017)', async () => {
  const { app, sandbox } = await startBoth();
  const alice = await openAs(app, sandbox);
  const token = await makeAccessToken(alice);
  await ask(app, token).expect(200);
  await blocking(app, 'alice');
  expect((await ask(app, token).expect(401)).headers['www-authenticate']).toBe(INVALID);
  await app.services.db.deleteFrom('accounts').where('username', '=', 'alice').execute();
  await makeAccount(app, { username: 'alice', name: 'Alice', email: 'alice@example.test' });
  await ask(app, token).expect(401);
  expect(await app.services.db.selectFrom('access_tokens').selectAll().execute()).toEqual([]);
});

test('a token that lacks the scope is told which one is needed; a session has no scopes', async () => {
  const { app, browser } = await startSignedIn();
  const token = await makeAccessToken(browser, ['read_projects', 'import']);
  const answer = await ask(app, token).expect(403);
  expect(answer.body).toMatchObject({ code: 'insufficient_scope' });
  expect(answer.headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="read_user"');
  expect(await whoAmI(browser)).toBe('root');
  expect((await request(app.url).get('/api/v4/user').expect(401)).headers['www-authenticate']).toBe('Bearer');
});

test('a token works through its last day in UTC, and without one for ever', async () => {
  let now = Date.parse('2026-03-10T12:00:00Z');
  const { app, browser } = await startSignedIn({ now: () => now });
  const [month, never] = [await makeAccessToken(browser), await makeAccessToken(browser, ['read_user'], 'second')];
  await app.services.db.updateTable('access_tokens').set({ expires_at: null }).where('name', '=', 'second').execute();
  const [second, first] = await tokensOf(browser);
  expect([first?.expires_at, second?.expires_at]).toEqual(['2026-04-10T00:00:00.000Z', null]);
  now = Date.parse('2026-04-09T23:59:59Z');
  await ask(app, month).expect(200);
  now += 1000;
  expect((await ask(app, month).expect(401)).headers['www-authenticate']).toBe(INVALID);
  await ask(app, never).expect(200);
  const again = await openAsRoot(app);
  expect((await again.get(TOKENS)).text).toContain('>expired<');
  now += 31 * DAY; // long expired ones make room
  const later = await openAsRoot(app);
  await makeAccessToken(later, ['read_user'], 'third');
  expect((await tokensOf(later)).map(({ name }) => name)).toEqual(['third', 'second']);
});

test('the last use is noted, once a minute', async () => {
  let now = Date.parse('2026-03-10T12:00:00Z');
  const { app, browser } = await startSignedIn({ now: () => now });
  const token = await makeAccessToken(browser);
  const lastUsed = async () => (await tokensOf(browser))[0]?.last_used_at;
  expect(await lastUsed()).toBeNull();
  await ask(app, token).expect(200);
  expect(await lastUsed()).toBe('2026-03-10T12:00:00.000Z');
  now += 59_000;
  await ask(app, token).expect(200);
  expect(await lastUsed()).toBe('2026-03-10T12:00:00.000Z');
  now += 1000;
  await ask(app, token).expect(200);
  expect(await lastUsed()).toBe('2026-03-10T12:01:00.000Z');
});

test('below /api/ any other token is refused; elsewhere what is not ours changes nothing, neither session nor form', async () => {
  const { app, browser } = await startSignedIn();
  const foreign = [{ Authorization: 'Bearer of-a-proxy-0123' }, { 'PRIVATE-TOKEN': 'glpat-0123456789' }];
  for (const headers of [
    ...foreign,
    { Authorization: 'Bearer' },
    { Authorization: 'bearer  ' },
    { 'PRIVATE-TOKEN': '' },
  ]) {
    for (const path of ['/api/v4/user', '/api/nothing']) {
      const { status, headers: sent } = await browser.get(path).set(headers);
      expect([headers, status, sent['www-authenticate']]).toEqual([headers, 401, INVALID]);
    }
    expect((await browser.get('/').set(headers).expect(200)).text).toContain('Welcome');
  }
  // The mere presence of such a header once switched the check of forms off.
  for (const headers of foreign) {
    await browser.post('/users/sign_out').set(headers).type('form').send({}).expect(403);
    const stranger = openBrowser(app);
    await stranger.post('/users/sign_in').set(headers).type('form').send({ login: 'root', password: 'x' }).expect(403);
    const _csrf = await openSignIn(stranger);
    await stranger
      .post('/users/sign_in')
      .set(headers)
      .type('form')
      .send({ _csrf, login: 'x', password: 'x' })
      .expect(422);
  }
  await browser.get('/api/v4/user').set('Authorization', 'Basic cm9vdDp4').expect(200);
  expect(await whoAmI(browser)).toBe('root');
});

test('no token opens a page or does what forms do: it is not found, whatever the cookies', async () => {
  const { app, browser } = await startSignedIn();
  const token = await makeAccessToken(browser, ['read_user', 'read_projects', 'import']);
  for (const path of ['/', TOKENS, '/-/user_settings/active_sessions.json', '/users/sign_in', '/nothing']) {
    const { status, headers } = await browser.get(path).set('PRIVATE-TOKEN', token);
    expect([path, status, headers['set-cookie']]).toEqual([path, 404, undefined]);
    await ask(app, UNKNOWN, path).expect(401);
  }
  const _csrf = csrfOf(await browser.get('/'));
  await browser.post('/users/sign_out').set('PRIVATE-TOKEN', token).type('form').send({ _csrf }).expect(404);
  await browser.post(TOKENS).set('PRIVATE-TOKEN', token).type('form').send({ _csrf, name: 'x' }).expect(404);
  expect(await whoAmI(browser)).toBe('root');
  await request(app.url).post('/api/v4/user').set('PRIVATE-TOKEN', token).expect(405);
});

test('refused tokens are limited per address, right ones are not counted and not kept out', async () => {
  let now = Date.now();
  const { app, browser } = await startSignedIn({ now: () => now, yaml: 'rate_limits: { password_per_minute: 3 }\n' });
  const token = await makeAccessToken(browser);
  const statuses: number[] = [];
  for (let index = 0; index < 5; index += 1) {
    await ask(app, token).expect(200);
    statuses.push((await ask(app, UNKNOWN)).status);
  }
  expect(statuses).toEqual([401, 401, 401, 429, 429]);
  expect((await ask(app, UNKNOWN)).headers['retry-after']).toMatch(/^\d+$/);
  await ask(app, token).expect(200);
  now += 61_000;
  await ask(app, UNKNOWN).expect(401);
});

test('what is not right in the form stands at its field, and nothing is made', async () => {
  const now = Date.parse('2026-03-10T12:00:00Z');
  const { browser } = await startSignedIn({ now: () => now });
  const good = { name: 'script', scopes: 'read_user', last_day: '2026-03-11' };
  for (const [bad, words] of [
    [{ name: ' ' }, 'Give it a name'],
    [{ name: 'x'.repeat(101) }, 'Give it a name'],
    [{ name: 'a\nb' }, 'Give it a name'],
    [{ scopes: [] }, 'Tick at least one'],
    [{ scopes: ['read_user', 'admin'] }, 'A token may have'],
    [{ scopes: '__proto__' }, 'A token may have'],
    [{ last_day: '2026-03-09' }, 'Choose a day'],
    [{ last_day: '2027-03-11' }, 'Choose a day'],
    [{ last_day: '2026-02-30' }, 'Choose a day'],
    [{ last_day: '' }, 'Choose a day'],
    [{ last_day: '"><script>' }, 'Choose a day'],
  ] as const) {
    const { status, text } = await send(browser, { ...good, ...bad });
    expect([bad, status, text.includes(words), text.includes('"><script>')]).toEqual([bad, 422, true, false]);
  }
  const json = await browser
    .post(TOKENS)
    .set('Accept', 'application/json')
    .send({ ...good, _csrf: csrfOf(await browser.get('/')), last_day: 'x' })
    .expect(400);
  expect(json.body).toMatchObject({ code: 'bad_request', detail: expect.stringContaining('Choose a day') as string });
  expect(await tokensOf(browser)).toEqual([]);
  expect((await send(browser, { ...good, last_day: '2027-03-10' })).status).toBe(200);
  expect((await send(browser, { ...good, last_day: '', never_expires: '1' })).status).toBe(200);
  expect((await tokensOf(browser)).map(({ expires_at }) => expires_at)).toEqual([null, '2027-03-11T00:00:00.000Z']);
});

test('making and revoking need a fresh proof of presence', async () => {
  let now = Date.now();
  const { browser } = await startSignedIn({ now: () => now });
  await makeAccessToken(browser);
  const [token] = await tokensOf(browser);
  now += 16 * 60_000;
  for (const path of ['', `/${token?.id}/revoke`]) {
    const answer = await send(browser, { name: 'late', scopes: 'read_user' }, path);
    expect(answer.status).toBe(303);
    expect(answer.headers['location']).toContain(`/users/confirm?return_to=${encodeURIComponent(TOKENS)}`);
  }
  expect((await tokensOf(browser)).map(({ name }) => name)).toEqual(['script']);
});

test('an account has at most 100 tokens, also when several are made at once', async () => {
  const { app, browser } = await startSignedIn();
  const account = await app.services.db.selectFrom('accounts').select('id').executeTakeFirstOrThrow();
  const row = { account_id: account.id, name: 'old', scopes: 'import', created_at: 0 };
  const rows = Array.from({ length: 98 }, (_, index) => ({ ...row, token_hash: `hash-${index}` }));
  await app.services.db.insertInto('access_tokens').values(rows).execute();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => send(browser, { name: 'new', scopes: 'read_user' })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 400, 400, 400]);
  expect(answers.find(({ status }) => status === 400)?.text).toContain('at most 100');
  expect(await tokensOf(browser)).toHaveLength(100);
});

test("what is no token's number, or somebody else's, is not found, and nothing is revoked (AD-016)", async () => {
  const { app, sandbox } = await startBoth();
  const [root, alice] = [openBrowser(app), openBrowser(app)];
  await signInWithPassword(root);
  await signInWithBitbucket(alice, sandbox);
  await makeAccessToken(alice);
  const [foreign] = await tokensOf(alice);
  for (const id of [
    foreign?.id,
    '0',
    '-1',
    '1.5',
    '1e3',
    'x',
    '9223372036854775808',
    '%00',
    '01',
    crypto.randomUUID(),
  ]) {
    expect([id, (await send(root, {}, `/${id}/revoke`)).status]).toEqual([id, 404]);
  }
  expect(await tokensOf(alice)).toHaveLength(1);
  await root.get(`${TOKENS}/${foreign?.id}/revoke`).expect(405);
});

test('log and metrics name no token, not even a wrong one', async () => {
  const { app, browser } = await startSignedIn();
  const token = await makeAccessToken(browser);
  keepSecret('guess', UNKNOWN);
  await ask(app, token).expect(200);
  await ask(app, UNKNOWN).expect(401);
  await ask(app, token, '/').expect(404);
  const { text } = await request(app.url).get('/-/metrics').expect(200);
  expect(text).not.toContain('gatehouse-');
  expect(app.log.join('\n')).not.toContain('gatehouse-A');
  expect(app.log.join('\n')).toContain('access token refused');
});
