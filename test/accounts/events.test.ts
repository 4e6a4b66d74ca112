// What the log tells of signing in and out: each event once, with whom, from where, in which request and when.
import {
  idOf,
  openAsRoot,
  openBrowser,
  signInWithBitbucket,
  signInWithPassword,
  signOut,
  startBoth,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';

interface Line {
  time: string;
  level: string;
  msg: string;
  request_id?: string;
  [field: string]: unknown;
}

/** The events since the last call, without the lines of the requests themselves. */
function takeEvents(app: TestApp): Line[] {
  return app.log
    .splice(0)
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => msg !== 'request');
}

test('signing in and out is told once each, with person, address, request and time in UTC (LG-004)', async () => {
  const { app, sandbox } = await startBoth();
  takeEvents(app);
  const browser = openBrowser(app);
  const answer = await signInWithBitbucket(browser, sandbox);
  const { id } = (await browser.get('/api/v4/user')).body as { id: number };
  const [made, signedIn, ...more] = takeEvents(app);
  expect(more).toEqual([]);
  expect(made).toMatchObject({ msg: 'account made', account_id: id, target: 'bitbucket', reason: 'active' });
  expect(signedIn).toMatchObject({
    level: 'info',
    msg: 'signed in',
    account_id: id,
    provider: 'bitbucket',
    address: '127.0.0.1',
    request_id: answer.headers['x-request-id'],
  });
  expect(signedIn?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const out = await signOut(browser);
  expect(takeEvents(app)).toMatchObject([
    { msg: 'signed out', account_id: id, address: '127.0.0.1', request_id: out.headers['x-request-id'] },
  ]);
  await signInWithPassword(openBrowser(app));
  expect(takeEvents(app)).toMatchObject([{ msg: 'signed in', provider: 'password', address: '127.0.0.1' }]);
});

test.each([
  ['a wrong password', 'password', 'invalid_credentials'],
  ['a state that is not right', undefined, 'invalid_state'],
  ['a blocked person', 'bitbucket', 'blocked'],
  ['a provider that fails', 'bitbucket', 'provider_failed'],
])('a refusal is told once, with its reason: %s (LG-004)', async (_what, provider, reason) => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox);
  await app.services.db.updateTable('accounts').set({ state: 'blocked' }).where('username', '=', 'alice').execute();
  takeEvents(app);
  if (reason === 'provider_failed') sandbox.fault('token', { kind: 'answer', status: 500, text: 'x' });
  const browser = openBrowser(app);
  if (provider === 'password') await signInWithPassword(browser, 'root', 'wrong');
  else if (provider === undefined) await browser.get('/users/auth?code=x&state=y');
  else await signInWithBitbucket(browser, sandbox);
  const refusals = takeEvents(app).filter(({ msg }) => msg === 'sign-in refused');
  expect(refusals).toMatchObject([{ level: 'warn', reason, address: '127.0.0.1' }]);
  expect(refusals[0]?.['provider']).toBe(provider);
  expect(refusals[0]?.request_id).toMatch(/^[0-9a-f-]{36}$/);
});

test.each([
  ['waits', 'pending_approval'],
  ['is blocked', 'blocked'],
  ['has left the admitted workspaces', 'not_member'],
] as const)('the refusal of somebody who %s is in the events of their account', async (_who, reason) => {
  const { app, sandbox } = await startBoth({ provider: ', allowed_workspaces: [acme]' });
  await signInWithBitbucket(openBrowser(app), sandbox);
  const account_id = await idOf(app, 'alice');
  if (reason === 'not_member') sandbox.person('alice').memberships = [];
  else {
    const state = reason === 'blocked' ? 'blocked' : 'waiting';
    await app.services.db.updateTable('accounts').set({ state }).where('id', '=', account_id).execute();
  }
  await signInWithBitbucket(openBrowser(app), sandbox);
  const root = await openAsRoot(app);
  const answer = await root.get('/admin/audit_log.json?account=alice&result=refused').expect(200);
  expect(answer.body).toMatchObject({
    events: [{ action: 'sign_in', reason, actor_id: null, account_id, account_name: 'alice', target: 'bitbucket' }],
  });
});

test('a limit that is reached is told: of the form, of starts and of callbacks (LG-004)', async () => {
  const { app } = await startBoth({ yaml: 'rate_limits: { oauth_per_minute: 1, password_per_minute: 1 }\n' });
  const browser = openBrowser(app);
  const page = await browser.get('/users/sign_in');
  const _csrf = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1];
  const ways = [
    async () => browser.post('/users/sign_in').type('form').send({ _csrf, login: 'root', password: 'x' }),
    async () => browser.post('/users/auth/bitbucket').type('form').send({ _csrf }),
    async () => browser.get('/users/auth?code=x&state=y'),
  ];
  for (const [index, way] of ways.entries()) {
    await way();
    takeEvents(app);
    expect((await way()).status).toBe(429);
    const provider = ['password', 'bitbucket', undefined][index];
    const [event, ...more] = takeEvents(app);
    expect([event?.msg, event?.['reason'], event?.['provider'], more]).toEqual([
      'sign-in refused',
      'rate_limited',
      provider,
      [],
    ]);
  }
});

test("what Bitbucket says in an error, and what hangs on a library's error, is not in the log (LG-005)", async () => {
  const { app, sandbox } = await startBoth();
  const canary = 'zz-canary-in-an-error';
  const answers = [
    { status: 400, json: { error: 'invalid_grant', error_description: canary, access_token: canary } },
    { status: 401, json: { error: 'invalid_client', error_description: canary } },
    { status: 500, text: `<html>${canary}</html>` },
    { status: 200, text: canary },
    { status: 200, json: { access_token: { value: canary }, token_type: canary } },
    { status: 302, headers: { Location: `https://evil.test/?token=${canary}` }, text: canary },
  ];
  for (const target of ['token', 'user'] as const) {
    for (const answer of answers) {
      sandbox.clearFaults();
      sandbox.fault(target, { kind: 'answer', ...answer });
      const page = await signInWithBitbucket(openBrowser(app), sandbox);
      expect(page.status).toBeGreaterThanOrEqual(400);
      expect(page.text).not.toContain(canary);
    }
  }
  const error = Object.assign(new Error('it broke'), {
    config: { headers: { authorization: canary } },
    response: { data: canary },
    parameters: [canary],
  });
  app.services.log.error({ err: error }, 'an error of a library');
  expect(app.log.join('\n')).toContain('it broke');
  expect(app.log.join('\n')).not.toContain(canary);
});
