// The way back: GET /users/auth.
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Browser } from '../support/people.ts';
import {
  clickBitbucket,
  openBrowser,
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  signOut,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { startApp } from '../support/start-app.ts';

/** A started sign-in that Alice has agreed to: the path Bitbucket sends the browser to. */
async function agreed(browser: Browser, sandbox: Sandbox, fields = {}, as = 'alice'): Promise<string> {
  return pathOf(await sandbox.decide(await clickBitbucket(browser, fields), { as }));
}

function withQuery(path: string, change: (query: URLSearchParams) => void): string {
  const url = new URL(path, 'http://localhost');
  change(url.searchParams);
  return url.pathname + url.search;
}

function tokenCalls(sandbox: Sandbox): number {
  return sandbox.requestsTo('token').length;
}

test('a good answer ends signed in, at a clean address, with nothing stored on the way (CB-057)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const answer = await browser.get(await agreed(browser, sandbox)).expect(303);
  expect(answer.headers['location']).toBe('/');
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['referrer-policy']).toBe('no-referrer');
  expect(await whoAmI(browser)).toBe('alice');
  expect(tokenCalls(sandbox)).toBe(1);
});

test('nobody comes in without a flow of this browser (CB-001 to CB-003, CB-030, CB-064)', async () => {
  const { app, sandbox } = await startBoth();
  for (const query of [
    '',
    '?code=x',
    '?code=x&state=random',
    '?code=',
    '?access_token=x&token_type=bearer',
    '?id_token=x',
    '?error=access_denied',
  ]) {
    const browser = openBrowser(app);
    const answer = await browser.get(`/users/auth${query}`).expect(400);
    expect(answer.text).toContain('/users/sign_in');
    expect(answer.headers['location']).toBeUndefined();
    expect(await whoAmI(browser)).toBeNull();
  }
  expect(tokenCalls(sandbox)).toBe(0);
});

test('a wrong state is refused, and the right one of the same flow still works afterwards (CB-004 to CB-006)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const good = await agreed(browser, sandbox);
  const state = new URL(good, app.url).searchParams.get('state') ?? '';
  const swapped = (state.startsWith('A') ? 'B' : 'A') + state.slice(1);
  const wrong = [
    undefined,
    '',
    swapped,
    state.toLowerCase(),
    state.slice(0, -1),
    `${state}x`,
    ` ${state}`,
    `${state} `,
    `${state}\0`,
    encodeURIComponent(`${state}%`),
    Buffer.from(state, 'base64url').toString('base64'),
    'x'.repeat(8000),
  ].filter((candidate) => candidate !== state);
  for (const candidate of wrong) {
    const path = withQuery(good, (query) =>
      candidate === undefined ? query.delete('state') : query.set('state', candidate),
    );
    const { status } = await browser.get(path);
    expect([400, 431]).toContain(status);
  }
  expect(tokenCalls(sandbox)).toBe(0);
  await browser.get(good).expect(303);
  expect(await whoAmI(browser)).toBe('alice');
});

test("one browser's answer does nothing in another, which can finish its own flow (CB-007, CB-038, CB-039)", async () => {
  const { app, sandbox } = await startBoth();
  const attacker = openBrowser(app);
  const victim = openBrowser(app);
  const ofAttacker = await agreed(attacker, sandbox, {}, 'carol');
  const ofVictim = await agreed(victim, sandbox);
  await victim.get(ofAttacker).expect(400);
  await openBrowser(app).get(ofAttacker).expect(400);
  expect(tokenCalls(sandbox)).toBe(0);
  expect(await whoAmI(victim)).toBeNull();
  await victim.get(ofVictim).expect(303);
  expect(await whoAmI(victim)).toBe('alice');
  await attacker.get(ofAttacker).expect(303);
});

test('an answer counts once: again, with the new or the old cookies, it is refused (CB-008, CB-009)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const path = await agreed(browser, sandbox);
  await browser.get(path).expect(303);
  await browser.get(path).expect(400);
  expect(await whoAmI(browser)).toBe('alice');
  expect(tokenCalls(sandbox)).toBe(1);
});

test('ten minutes are the limit; after them the way back to the wish is kept (CB-011, CB-012)', async () => {
  let now = Date.now();
  const { app, sandbox } = await startBoth({ now: () => now });
  const browser = openBrowser(app);
  const inTime = await agreed(browser, sandbox);
  now += 10 * 60_000 - 1000;
  await browser.get(inTime).expect(303);
  const other = openBrowser(app);
  const late = await agreed(other, sandbox, { return_to: '/projects/7' });
  now += 10 * 60_000 + 1000;
  const answer = await other.get(late).expect(400);
  expect(answer.text).toContain('href="/users/sign_in?return_to=%2Fprojects%2F7"');
  expect(tokenCalls(sandbox)).toBe(1);
});

test('a restart in between does not matter (CB-013)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const path = await agreed(browser, sandbox);
  const yaml = `omniauth: { providers: [{ name: bitbucket, app_id: test-key, app_secret: test-secret-53cr3t, url: '${sandbox.url}' }] }`;
  await app.stop();
  await startApp({ port: app.port, dataDir: app.dataDir, yaml });
  await browser.get(path).expect(303);
  expect(await whoAmI(browser)).toBe('alice');
});

test('two tabs each end at their own place (CB-015)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const first = await agreed(browser, sandbox, { return_to: '/first' });
  const second = await agreed(browser, sandbox, { return_to: '/second?a=b#c' });
  expect((await browser.get(first).expect(303)).headers['location']).toBe('/first');
  expect((await browser.get(second).expect(303)).headers['location']).toBe('/second?a=b#c');
  expect(await whoAmI(browser)).toBe('alice');
});

test('cancelled at Bitbucket: a friendly page, no session, and a way to try again (CB-020)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const back = await sandbox.decide(await clickBitbucket(browser, { return_to: '/x' }), {
    as: 'alice',
    decision: 'cancel',
  });
  const answer = await browser.get(pathOf(back)).expect(400);
  expect(answer.text).toContain('Sign-in cancelled');
  expect(answer.text).toContain('/users/sign_in?return_to=%2Fx');
  expect(await whoAmI(browser)).toBeNull();
  await browser.get(pathOf(back)).expect(400);
  const json = await browser.get(withQuery(pathOf(back), () => undefined)).set('Accept', 'application/json');
  expect(json.body).toMatchObject({ code: 'invalid_state', status: 400 });
  expect(tokenCalls(sandbox)).toBe(0);
});

test.each([
  ['access_denied', 400],
  ['server_error', 502],
  ['temporarily_unavailable', 502],
  ['<script>alert(1)</script>', 400],
  ['__proto__', 400],
  ['x'.repeat(600), 400],
])('error=%s with a good state gives %i in our own words (CB-022 to CB-025)', async (error, status) => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const path = withQuery(await agreed(browser, sandbox), (query) => {
    query.delete('code');
    query.set('error', error);
    query.set('error_description', '<img src=x onerror=alert(1)> Call +1 555 to unlock');
    query.set('error_uri', 'https://evil.test');
  });
  const answer = await browser.get(path);
  expect(answer.status).toBe(status);
  expect(answer.text).not.toMatch(/\+1 555|onerror|evil\.test|__proto__|alert\(1\)/);
  expect(await whoAmI(browser)).toBeNull();
  expect(tokenCalls(sandbox)).toBe(0);
});

test.each([
  ['code and error together', (query: URLSearchParams) => query.set('error', 'access_denied')],
  ['two codes', (query: URLSearchParams) => query.append('code', 'b')],
  ['two states', (query: URLSearchParams) => query.append('state', 'bad')],
  ['two errors', (query: URLSearchParams) => (query.append('error', 'a'), query.append('error', 'b'))],
  ['an empty code', (query: URLSearchParams) => query.set('code', '')],
  ['no code', (query: URLSearchParams) => query.delete('code')],
  ['a code of 8 kB', (query: URLSearchParams) => query.set('code', 'x'.repeat(8192))],
  ['a foreign issuer', (query: URLSearchParams) => query.set('iss', 'https://evil.test')],
])('%s: refused before anything is sent to Bitbucket (CB-026 to CB-032)', async (_name, change) => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const answer = await browser.get(withQuery(await agreed(browser, sandbox), change));
  expect(answer.status).toBe(400);
  expect(await whoAmI(browser)).toBeNull();
  expect(tokenCalls(sandbox)).toBe(0);
});

test.each(['code[]=x', 'code[a]=x', 'state[toString]=x'])(
  '%s in the query is no parameter of ours (CB-029)',
  async (extra) => {
    const { app, sandbox } = await startBoth();
    const browser = openBrowser(app);
    const path = withQuery(await agreed(browser, sandbox), (query) => query.delete('code'));
    expect((await browser.get(`${path}&${extra}`)).status).toBe(400);
    expect(tokenCalls(sandbox)).toBe(0);
  },
);

test('a code with characters that no code has is not sent at all (CB-031)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const code = 'a\r\nX-Evil: 1&grant_type=x%00ü';
  const answer = await browser.get(withQuery(await agreed(browser, sandbox), (query) => query.set('code', code)));
  expect(answer.status).toBe(400);
  expect(tokenCalls(sandbox)).toBe(0);
});

test('a return target in the callback counts for nothing (CB-065)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const path = withQuery(await agreed(browser, sandbox), (query) => query.set('return_to', '/elsewhere'));
  expect((await browser.get(path).expect(303)).headers['location']).toBe('/');
});

test("two providers: the answer to one's flow is not taken for the other's (CB-033)", async () => {
  const { app, sandbox } = await startBoth();
  const second = `{ name: second, args: { strategy: bitbucket }, app_id: other-key, app_secret: other-secret, url: 'http://127.0.0.1:9/' }`;
  app.reconfigure(
    `omniauth: { providers: [{ name: bitbucket, app_id: test-key, app_secret: test-secret-53cr3t, url: '${sandbox.url}' }, ${second}] }`,
  );
  const browser = openBrowser(app);
  const elsewhere = new URL(await clickBitbucket(browser, {}, 'second'));
  const honest = await agreed(browser, sandbox);
  const mixed = withQuery(honest, (query) => query.set('state', elsewhere.searchParams.get('state') ?? ''));
  expect((await browser.get(mixed)).status).toBeGreaterThanOrEqual(400);
  expect(tokenCalls(sandbox)).toBe(0);
  expect(await whoAmI(browser)).toBeNull();
});

test('a provider taken out of the configuration meanwhile is refused', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const path = await agreed(browser, sandbox);
  app.reconfigure('');
  const answer = await browser.get(path).set('Accept', 'application/json').expect(404);
  expect(answer.body).toMatchObject({ code: 'no_provider' });
});

test('signing in while signed in: the same person gets a new session, another one replaces it (CB-048, CB-049)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const ofAlice = await agreed(browser, sandbox);
  const again = await agreed(browser, sandbox);
  const ofCarol = await agreed(browser, sandbox, {}, 'carol');
  await browser.get(ofAlice).expect(303);
  await browser.get(again).expect(303);
  expect(await whoAmI(browser)).toBe('alice');
  await browser.get(ofCarol).expect(303);
  expect(await whoAmI(browser)).toBe('carol');
  const { db } = app.services;
  expect(await db.selectFrom('sessions').select('version').execute()).toHaveLength(1);
  expect(await db.selectFrom('identities').select('id').execute()).toHaveLength(2);
});

test('what was started before signing out does not sign in afterwards (CB-050)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const path = await agreed(browser, sandbox);
  await signInWithPassword(browser);
  await signOut(browser);
  await browser.get(path).expect(400);
  expect(await whoAmI(browser)).toBeNull();
});

test.each(['post', 'head', 'put', 'delete', 'patch', 'options'] as const)(
  '%s does not use up the state (CB-051, CB-052)',
  async (method) => {
    const { app, sandbox } = await startBoth();
    const browser = openBrowser(app);
    const path = await agreed(browser, sandbox);
    const answer = await browser[method](path);
    expect([403, 405]).toContain(answer.status);
    expect(tokenCalls(sandbox)).toBe(0);
    await browser.get(path).expect(303);
  },
);

test.each([
  '/users/auth/',
  '/USERS/AUTH',
  '/Users/auth',
  '/users//auth',
  '/users/auth;x=1',
  '/users/%61uth',
  '/users/auth%2f',
  '/x/../users/auth',
  '/users/auth/anything',
  '/users/auth/-/import/x',
  '/users/auth.json',
])('%s is not the callback, and keeps what is in its address to itself (CB-053, CB-054)', async (path) => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const { search } = new URL(await agreed(browser, sandbox), app.url);
  const answer = await browser.get(path + search);
  expect([400, 404]).toContain(answer.status);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['referrer-policy']).toMatch(/no-referrer|same-origin/);
  expect(answer.headers['location']).toBeUndefined();
  const code = new URLSearchParams(search).get('code') ?? '';
  expect(app.log.join('\n')).not.toContain(code);
  expect(answer.text).not.toContain(code);
  expect(tokenCalls(sandbox)).toBe(0);
});

test('a prefetch of the callback uses nothing up (CB-058)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const path = await agreed(browser, sandbox);
  await browser.get(path).set('Sec-Purpose', 'prefetch;prerender').expect(503);
  await browser.get(path).expect(303);
});

test('guessing states ends at the limit, and good sign-ins do not count (CB-061)', async () => {
  const { app, sandbox } = await startBoth({ yaml: 'rate_limits: { oauth_per_minute: 5 }\n' });
  for (let count = 0; count < 4; count += 1) {
    expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
  }
  const browser = openBrowser(app);
  const good = await agreed(browser, sandbox);
  for (let count = 0; count < 5; count += 1) await browser.get('/users/auth?code=x&state=guess').expect(400);
  await browser.get('/users/auth?code=x&state=guess').expect(429);
  await browser.get(good).expect(429);
  expect(tokenCalls(sandbox)).toBe(4);
});

test('a code of another flow is refused where Bitbucket checks PKCE (CB-017)', async () => {
  const { app, sandbox } = await startBoth({ sandbox: { switches: { pkce: 'verified' } } });
  const attacker = openBrowser(app);
  const own = await agreed(attacker, sandbox, {}, 'carol');
  const stolen = new URL(await agreed(openBrowser(app), sandbox), app.url).searchParams.get('code') ?? '';
  const answer = await attacker
    .get(withQuery(own, (query) => query.set('code', stolen)))
    .set('Accept', 'application/json');
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'code_refused' });
  expect(await whoAmI(attacker)).toBeNull();
});

test('somebody who leaves while Bitbucket is asked can come again (CB-062)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const path = await agreed(browser, sandbox);
  sandbox.fault('token', { kind: 'delay', ms: 300, times: 1 });
  await expect(browser.get(path).timeout(100)).rejects.toThrow();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect((await signInWithBitbucket(browser, sandbox)).status).toBe(303);
  expect(await app.services.db.selectFrom('accounts').select('id').execute()).toHaveLength(2);
});

test('no token, code, state or secret is in the log, the database or a cookie', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const path = await agreed(browser, sandbox);
  const answer = await browser.get(path).expect(303);
  const { code, state } = Object.fromEntries(new URL(path, app.url).searchParams);
  const bearer = String(sandbox.requestsTo('user')[0]?.headers['authorization']).replace('Bearer ', '');
  const { db } = app.services;
  const stored = await Promise.all([
    db.selectFrom('accounts').selectAll().execute(),
    db.selectFrom('identities').selectAll().execute(),
    db.selectFrom('sessions').selectAll().execute(),
    db.selectFrom('flows').selectAll().execute(),
  ]);
  const everything = app.log.join('\n') + JSON.stringify(stored) + JSON.stringify(answer.headers);
  expect(bearer.length).toBeGreaterThan(100);
  for (const secret of [code, state, bearer, 'test-secret-53cr3t']) expect(everything).not.toContain(secret);
});
