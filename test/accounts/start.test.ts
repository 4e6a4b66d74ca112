// The click on the button: POST /users/auth/:provider.
import { clickBitbucket, csrfOf, openBrowser, openSignIn, startBoth } from '../support/people.ts';

test('a first-time visitor is sent to Bitbucket with everything the request needs (CB-018, CB-043)', async () => {
  const { app, sandbox } = await startBoth();
  const url = new URL(await clickBitbucket(openBrowser(app)));
  expect(url.origin + url.pathname).toBe(`${sandbox.url}site/oauth2/authorize`);
  const { state, code_challenge, ...rest } = Object.fromEntries(url.searchParams);
  expect(rest).toEqual({
    response_type: 'code',
    client_id: 'test-key',
    redirect_uri: `${app.url}/users/auth`,
    scope: 'account email',
    code_challenge_method: 'S256',
  });
  expect(state).toMatch(/^[\w-]{43}$/);
  expect(code_challenge).toMatch(/^[\w-]{43}$/);
});

test('nothing that a form adds reaches the authorize URL (CB-045)', async () => {
  const { app } = await startBoth();
  const evil = {
    redirect_uri: 'https://evil.test/',
    client_id: 'evil',
    scope: 'repository:admin',
    state: 'evil',
    response_type: 'token',
    code_challenge: 'evil',
  };
  const url = new URL(await clickBitbucket(openBrowser(app), evil));
  expect(url.href).not.toContain('evil');
  expect(url.href).not.toContain('admin');
  expect(url.searchParams.get('response_type')).toBe('code');
});

test('redirect_uri comes from external_url, whatever proxies and clients say about the host (CB-046)', async () => {
  const { app } = await startBoth({ yaml: 'trusted_proxies: [127.0.0.1]\n' });
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const answer = await browser
    .post('/users/auth/bitbucket')
    .set({ 'X-Forwarded-Host': 'evil.test', 'X-Forwarded-Proto': 'https', Forwarded: 'host=evil.test' })
    .type('form')
    .send({ _csrf })
    .expect(302);
  expect(new URL(String(answer.headers['location'])).searchParams.get('redirect_uri')).toBe(`${app.url}/users/auth`);
  await browser.post('/users/auth/bitbucket').set('Host', 'evil.test').type('form').send({ _csrf }).expect(421);
});

test('a GET does not start the dance: 405 with a link to the sign-in page (CB-040)', async () => {
  const { app } = await startBoth();
  const answer = await openBrowser(app).get('/users/auth/bitbucket').expect(405);
  expect(answer.headers['allow']).toBe('POST');
  expect(answer.text).toContain('href="/users/sign_in"');
  expect(answer.headers['location']).toBeUndefined();
});

test.each(['nope', '__proto__', 'constructor', 'toString', '%2e%2e', 'session', 'x'.repeat(1000), 'Bitbucket'])(
  'a provider that does not exist is not found, by POST as by GET: %s (CB-044)',
  async (name) => {
    const { app } = await startBoth();
    const browser = openBrowser(app);
    const _csrf = await openSignIn(browser);
    const answer = await browser.post(`/users/auth/${name}`).type('form').send({ _csrf });
    expect(answer.status).toBe(404);
    expect((await browser.get(`/users/auth/${name}`)).status).toBe(404);
  },
);

test('without a token, or with one of another browser, the click is refused (CB-041)', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  await openSignIn(browser);
  const foreign = await openSignIn(openBrowser(app));
  for (const _csrf of [undefined, '', 'x', foreign]) {
    const answer = await browser.post('/users/auth/bitbucket').type('form').send({ _csrf }).expect(403);
    expect(answer.headers['location']).toBeUndefined();
  }
});

test.each([
  [{ 'Sec-Fetch-Site': 'cross-site' }, 403],
  [{ 'Sec-Fetch-Site': 'same-site' }, 403],
  [{ 'Sec-Fetch-Site': 'none' }, 403],
  [{ Origin: 'https://evil.test' }, 403],
  [{ Origin: 'null' }, 403],
  [{ 'Sec-Fetch-Site': 'same-origin', Origin: 'https://evil.test' }, 302],
])('a right token from a wrong place is refused: %j gives %i (CB-042)', async (headers, status) => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  await browser.post('/users/auth/bitbucket').set(headers).type('form').send({ _csrf }).expect(status);
});

test('the token may come in a header, for scripts', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  const token = await openSignIn(browser);
  await browser.post('/users/auth/bitbucket').set('X-CSRF-Token', token).expect(302);
});

test('a prefetch starts nothing (CB-058)', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  await browser.post('/users/auth/bitbucket').set('Sec-Purpose', 'prefetch').type('form').send({ _csrf }).expect(503);
});

test('the limit of starts holds: 429 with Retry-After, and flows per browser stay bounded (CB-016, CB-060)', async () => {
  const { app } = await startBoth({ yaml: 'rate_limits: { oauth_per_minute: 15 }\n' });
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const start = () => browser.post('/users/auth/bitbucket').type('form').send({ _csrf });
  for (let count = 0; count < 15; count += 1) await start().expect(302);
  const answer = await start().expect(429);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  const { db } = app.services;
  expect(await db.selectFrom('flows').select('state_hash').execute()).toHaveLength(10);
});

test('the oldest flow gives way to the eleventh, the newest works', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const urls: string[] = [];
  for (let count = 0; count < 12; count += 1) urls.push(await clickBitbucket(browser));
  const finish = async (url = '') => {
    const { pathname, search } = new URL(await sandbox.decide(url, { as: 'alice' }));
    return browser.get(pathname + search);
  };
  expect((await finish(urls[0])).status).toBe(400);
  expect((await finish(urls[11])).status).toBe(303);
});

test('states are never the same and tell nothing (CB-047)', async () => {
  const { app } = await startBoth({ yaml: 'rate_limits: { oauth_per_minute: 0 }\n' });
  const browser = openBrowser(app);
  const page = await browser.get('/users/sign_in');
  const states = new Set<string>();
  for (let count = 0; count < 200; count += 1) {
    const answer = await browser
      .post('/users/auth/bitbucket')
      .type('form')
      .send({ _csrf: csrfOf(page) })
      .expect(302);
    states.add(new URL(String(answer.headers['location'])).searchParams.get('state') ?? '');
  }
  expect(states.size).toBe(200);
  const stored = await app.services.db.selectFrom('flows').selectAll().execute();
  for (const state of states) expect(JSON.stringify(stored)).not.toContain(state);
});

test('switched off altogether, there is no button and no start', async () => {
  const { app } = await startBoth({ omniauth: '  enabled: false\n' });
  const browser = openBrowser(app);
  const page = await browser.get('/users/sign_in').expect(200);
  expect(page.text).not.toContain('/users/auth/bitbucket');
  const answer = await browser
    .post('/users/auth/bitbucket')
    .type('form')
    .send({ _csrf: csrfOf(page) });
  expect(answer.status).toBe(404);
});
