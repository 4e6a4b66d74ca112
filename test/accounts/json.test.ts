// The pages of this feature and of the administration for scripts: JSON, and what answers their changes.
import type { Answer, Browser } from '../support/people.ts';
import { CONSUMER } from '../support/provider.ts';
import {
  csrfOf,
  openAs,
  openAsRoot,
  openBrowser,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { ROOT_PASSWORD, startApp } from '../support/start-app.ts';
import { give, LINK_PAGE, makeLink } from '../support/one-time-links.ts';

const ACCOUNT = '/-/profile/account';
const TOKENS = '/-/profile/personal_access_tokens';
const DEVICES = '/-/user_settings/active_sessions';
const LATE_MS = 16 * 60_000;

/** Each page that a signed-in administrator has, and what its JSON holds. */
const PAGES: Record<string, string[]> = {
  '/': ['admin', 'created_at', 'email', 'id', 'identities', 'name', 'notices', 'state', 'username', 'waiting'],
  [ACCOUNT]: [
    ...['confirmed', 'connectable', 'email', 'email_verified', 'identities', 'name', 'notices'],
    ...['password', 'pending', 'username'],
  ],
  '/users/confirm': ['confirmed', 'password', 'providers', 'username'],
  [TOKENS]: ['tokens'],
  [DEVICES]: ['devices'],
  '/-/user_settings/authentication_log': ['events', 'next_before'],
  '/admin': ['counts', 'page', 'pages', 'total', 'users'],
  '/admin/audit_log': ['events', 'next_before'],
  '/admin/set_up': ['changes', 'checked_at', 'providers', 'request', 'server', 'to_enter'],
  '/admin/configuration': [...['broken', 'file', 'loaded_at', 'need_restart', 'panel', 'settings', 'warnings']],
  '/admin/application_settings/general': [
    ...['enabled_oauth_sign_in_sources', 'import_sources', 'password_authentication_enabled_for_web'],
  ],
};

/**
 * What a script does with the cookies of a browser: a page gives it a token, good until the session gets a new id.
 * What scripts have done is not told on the next page of whoever looks there.
 */
async function scriptOf(browser: Browser) {
  const page = await browser.get('/').expect(200);
  expect(page.text).not.toContain('class="flash"');
  const token = csrfOf(page);
  return (path: string, body: object = {}): Promise<Answer> =>
    browser
      .post(path)
      .set({ Accept: 'application/json', 'X-CSRF-Token': token })
      .send(body)
      .then((answer) => answer);
}

async function getJson(browser: Browser, path: string): Promise<Record<string, unknown>> {
  const answer = await browser.get(path).set('Accept', 'application/json').expect(200);
  expect([path, answer.type]).toEqual([path, 'application/json']);
  return answer.body as Record<string, unknown>;
}

test('every page is JSON for who asks for it, by header or by address, and says to strangers 401', async () => {
  const { app } = await startBoth();
  const root = await openAsRoot(app);
  for (const [path, keys] of Object.entries(PAGES)) {
    const json = await getJson(root, path);
    expect([path, Object.keys(json).sort()]).toEqual([path, keys]);
    expect((await root.get(path)).type).toBe('text/html');
    const stranger = await openBrowser(app).get(path).set('Accept', 'application/json').expect(401);
    expect(stranger.type).toBe('application/problem+json');
    if (path === '/') continue;
    const address = path === '/admin' ? '/admin/users.json' : `${path}.json`;
    expect([address, Object.keys((await root.get(address).expect(200)).body as object).sort()]).toEqual([
      address,
      keys,
    ]);
  }
});

test('the account, for a script, is what its page shows: identities, ways in, notices; nothing that opens it', async () => {
  const { app, sandbox } = await startBoth();
  const alice = await openAs(app, sandbox, 'alice');
  await signInWithBitbucket(openBrowser(app), sandbox, 'alice');
  const account = await getJson(alice, ACCOUNT);
  expect(account).toMatchObject({
    ...{ name: 'Alice Example', username: 'alice', email: 'alice@example.test', email_verified: true },
    ...{ confirmed: true, password: { on: true, has: false }, pending: null },
    connectable: [{ name: 'bitbucket', label: 'Bitbucket' }],
    identities: [{ provider: 'bitbucket', label: 'Bitbucket', name: 'Alice Example', on: true, last_way_in: true }],
    notices: { list: [{ title: 'Sign-in from a new device', address: '127.0.0.1', count: 1 }] },
  });
  expect(JSON.stringify(account)).not.toMatch(/hash|token|session/i);
  const home = await getJson(alice, '/');
  expect(home).toMatchObject({ username: 'alice', admin: false, waiting: [], notices: account['notices'] });
  const { up_to } = account['notices'] as { up_to: number };
  const post = await scriptOf(alice);
  expect((await post(`${ACCOUNT}/notices`, { up_to: String(up_to) })).status).toBe(204);
  expect(await getJson(alice, '/')).toMatchObject({ notices: { list: [] } });
});

test('the set-up and the log, for a script: findings with their steps, events page by page, and no secret', async () => {
  const { app } = await startBoth();
  const signedOut = { at: 0, action: 'sign_out', result: 'ok', search_text: 'sign_out' };
  await app.services.db.insertInto('audit_events').values(Array(60).fill(signedOut)).execute();
  const root = await openAsRoot(app);
  const setUp = await getJson(root, '/admin/set_up');
  expect(setUp).toMatchObject({
    to_enter: { callback_url: `${app.url}/users/auth`, permissions: ['Account: Email', 'Account: Read'] },
    providers: [{ name: 'bitbucket', open: true, last_test: null }],
    request: { client: '127.0.0.1', peer_trusted: false },
    changes: [],
  });
  expect(JSON.stringify(setUp)).not.toContain(CONSUMER.secret);
  type Log = { events: { id: number; action: string; at: string }[]; next_before: number | null };
  const first = (await getJson(root, '/admin/audit_log')) as unknown as Log;
  expect(first.events).toHaveLength(50);
  expect(first.events[0]).toMatchObject({ action: 'sign_in', actor_name: 'root', result: 'ok' });
  expect(first.events[0]).not.toHaveProperty('search_text');
  expect(first.next_before).toBe(first.events[49]?.id);
  const rest = (await getJson(root, `/admin/audit_log?before=${first.next_before}`)) as unknown as Log;
  expect([rest.events.length, rest.next_before]).toEqual([11, null]);
  const narrowed = (await getJson(root, '/admin/audit_log.json?action=sign_in')) as unknown as Log;
  expect(narrowed.events.map(({ action }) => action)).toEqual(['sign_in']);
});

test('signing in and out, for a script: 204 and a cookie; what is refused is a problem with its code', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  const token = csrfOf(await browser.get('/users/sign_in'));
  expect(await getJson(browser, '/users/sign_in')).toEqual({
    password: true,
    providers: [{ name: 'bitbucket', label: 'Bitbucket', down: false }],
  });
  const post = (path: string, body: object = {}) =>
    browser.post(path).set({ Accept: 'application/json', 'X-CSRF-Token': token }).send(body);
  const wrong = await post('/users/sign_in', { login: 'root', password: 'no' });
  expect([wrong.status, wrong.type, (wrong.body as { code: string }).code]).toEqual([
    422,
    'application/problem+json',
    'invalid_credentials',
  ]);
  expect((await post('/users/sign_in', { login: 'root', password: ROOT_PASSWORD })).status).toBe(204);
  expect(await whoAmI(browser)).toBe('root');
  const postAsRoot = await scriptOf(browser);
  expect((await postAsRoot('/users/sign_out')).status).toBe(204);
  expect(await whoAmI(browser)).toBeNull();
  expect((await post('/users/sign_out')).status).toBe(204); // already
});

test('a one-time link is used by a script as well', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  const _csrf = csrfOf(await browser.get(LINK_PAGE).expect(200));
  const use = (token: string) => browser.post(LINK_PAGE).set('Accept', 'application/json').send({ _csrf, token });
  const wrong = await use('x');
  expect([wrong.status, (wrong.body as { code: string }).code]).toEqual([400, 'invalid_link']);
  expect((await use(await makeLink(app))).status).toBe(204);
  expect(await whoAmI(browser)).toBe('root');
  expect((await give(openBrowser(app), await makeLink(app))).status).toBe(303); // people are led on
});

test('changes of one’s account by a script: what came of it, or 204; slips are 400 with the sentence; no page tells of it later', async () => {
  let now = Date.now();
  const app = await startApp({ now: () => now });
  const root = await openAsRoot(app);
  let post = await scriptOf(root);
  const slip = await post(ACCOUNT, { name: ' ' });
  expect([slip.status, slip.type]).toEqual([400, 'application/problem+json']);
  expect(slip.body).toMatchObject({ code: 'bad_request', detail: 'Please enter a name.' });
  const renamed = await post(ACCOUNT, { name: 'The Root' });
  expect([renamed.status, renamed.body]).toEqual([200, { name: 'The Root' }]);
  const fields = { current_password: ROOT_PASSWORD, new_password: 'x', new_password_again: 'y' };
  expect((await post(`${ACCOUNT}/password`, fields)).body).toMatchObject({
    detail: 'The new passwords are not the same.',
  });
  const right = { ...fields, new_password: 'another horse entirely', new_password_again: 'another horse entirely' };
  expect((await post(`${ACCOUNT}/password`, right)).status).toBe(204);
  post = await scriptOf(root);
  const made = await post(TOKENS, { name: 'script', scopes: ['read_user'] });
  expect([made.status, made.type]).toEqual([201, 'application/json']);
  expect((await post(`${TOKENS}/${(made.body as { id: number }).id}/revoke`)).status).toBe(204);
  expect((await post(`${TOKENS}/4711/revoke`)).body).toMatchObject({ status: 404, code: 'not_found' });
  await signInWithPassword(openBrowser(app), 'root', right.new_password);
  expect((await post(`${DEVICES}/end_others`)).body).toEqual({ ended: 1 });
  now += LATE_MS;
  expect((await post(`${ACCOUNT}/password`, right)).body).toMatchObject({ code: 'not_recent' });
  const wrong = await post('/users/confirm', { password: 'no' });
  expect([wrong.status, (wrong.body as { code: string }).code]).toEqual([422, 'invalid_credentials']);
  expect((await post('/users/confirm', { password: right.new_password })).status).toBe(204);
  post = await scriptOf(root);
  expect(await getJson(root, '/users/confirm')).toMatchObject({ confirmed: true });
  const [{ id }] = (await getJson(root, DEVICES))['devices'] as [{ id: string }];
  expect((await post(`${DEVICES}/${id}/end`)).status).toBe(204);
  expect(await whoAmI(root)).toBeNull();
});

test('disconnecting and proving an account by a script', async () => {
  const { app, sandbox } = await startBoth();
  const root = await openAsRoot(app);
  await signInWithBitbucket(openBrowser(app), sandbox, 'alice');
  const { id } = (await root.get('/api/v4/user')).body as { id: number };
  await app.services.db.updateTable('identities').set({ account_id: id }).execute();
  const post = await scriptOf(root);
  const { identities } = (await getJson(root, ACCOUNT)) as { identities: [{ id: number; last_way_in: boolean }] };
  expect(identities[0].last_way_in).toBe(false);
  expect((await post(`${ACCOUNT}/identities/${identities[0].id}/disconnect`)).status).toBe(204);
  expect(await getJson(root, ACCOUNT)).toMatchObject({ identities: [] });

  const came = openBrowser(app); // with the address of an account that is not connected any more
  expect((await signInWithBitbucket(came, sandbox, 'alice')).status).toBe(409);
  const link = await getJson(came, '/users/link');
  expect(link).toMatchObject({
    came: { provider: 'bitbucket', name: 'Alice Example', username: 'alice', email: 'alice@example.test' },
    ...{ signed_in: false, confirmed: false, password: true },
  });
  const prove = (password: string) =>
    came.get('/users/link').then((page) =>
      came
        .post('/users/link')
        .set('Accept', 'application/json')
        .send({ _csrf: csrfOf(page), mark: link['mark'], password }),
    );
  expect((await prove('no')).body).toMatchObject({ status: 422, code: 'invalid_credentials' });
  const { password_hash } = await app.services.db
    .selectFrom('accounts')
    .select('password_hash')
    .where('username', '=', 'root')
    .executeTakeFirstOrThrow();
  await app.services.db.updateTable('accounts').set({ password_hash }).where('username', '=', 'alice').execute();
  expect((await prove(ROOT_PASSWORD)).status).toBe(204);
  expect(await whoAmI(came)).toBe('alice');
  const nothing = await came.get('/users/link').set('Accept', 'application/json').expect(400);
  expect(nothing.body).toMatchObject({ code: 'invalid_state' });
});

test('what an administrator does to people by a script: 204, a slip is 400', async () => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox, 'alice');
  const root = await openAsRoot(app);
  const post = await scriptOf(root);
  const { users } = (await root.get('/admin/users.json?q=alice')).body as { users: [{ id: number }] };
  const path = `/admin/users/${users[0].id}`;
  expect((await post(`${path}/edit`, { name: 'Alice', email: 'no address' })).body).toMatchObject({
    code: 'bad_request',
    detail: 'That is no e-mail address of the usual form.',
  });
  expect((await post(`${path}/edit`, { name: 'Alice', email: '' })).status).toBe(204);
  expect(await getJson(root, path)).toMatchObject({ name: 'Alice', email: null });
  for (const action of ['block', 'unblock', 'sign_out']) expect((await post(`${path}/${action}`)).status).toBe(204);
  expect((await post(`${path}/approve`)).body).toMatchObject({ status: 409, code: 'changed_meanwhile' });
  expect((await post(`${path}/delete`, { username: 'alice' })).status).toBe(204);
  await root.get(path).set('Accept', 'application/json').expect(404);
  expect((await post('/admin/set_up/dismiss', { key: 'none' })).body).toMatchObject({ status: 404 });
  await scriptOf(root);
});
