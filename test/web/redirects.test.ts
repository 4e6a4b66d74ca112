// Where people really end up: every way a return target can come in, with every target of the collection.
import { onPostgres } from '../support/database.ts';
import type { Answer, Browser } from '../support/people.ts';
import { providerYaml } from '../support/provider.ts';
import {
  clickBitbucket,
  csrfOf,
  openBrowser,
  openSignIn,
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  signOut,
  startBoth,
} from '../support/people.ts';
import { ROOT_PASSWORD, startApp } from '../support/start-app.ts';
import { BAD, GOOD, OWN_DOORS } from './redirect-corpus.ts';

const NO_LIMITS = 'rate_limits: { password_per_minute: 0, oauth_per_minute: 0, password_per_account: 0 }\n';
/** The database has no say in this, so the second one gets a sample. */
const bad = onPostgres ? BAD.filter((_, index) => index % 20 === 0) : BAD;
const all = [...GOOD.map((wish) => [wish, wish] as const), ...bad.map((wish) => [wish, '/'] as const)];

/** Some go the whole way; of the others only what is kept of them is looked at. */
const some = all.filter((_, index) => index < 4 || index % 15 === 0);

/** Several at a time, as many as there are password checks at once. */
async function eachOf<T>(list: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = list.map((item, index) => [item, index] as const);
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await work(...next);
  };
  await Promise.all([worker(), worker(), worker()]);
}

/** What the page's forms carry. */
function hiddenTargets(page: Answer): string[] {
  return [...page.text.matchAll(/name="return_to" value="([^"]*)"/g)].map(([, value = '']) =>
    value.replaceAll('&#39;', "'").replaceAll('&amp;', '&'),
  );
}

test('a target in the query of the sign-in page is in both its forms, or nowhere on it (RD-001)', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  for (const [wish, place] of all) {
    const page = await browser.get(`/users/sign_in?${new URLSearchParams({ return_to: wish }).toString()}`).expect(200);
    const carried = place === '/' && wish !== '/' ? [] : [wish, wish];
    expect([wish, hiddenTargets(page).filter(Boolean)]).toEqual([wish, carried]);
    if (carried.length === 0) expect(page.text).not.toMatch(/evil\.test|<script>|alert\(1\)/);
  }
  for (const query of ['return_to=/a&return_to=//evil.test', 'return_to[0]=//evil.test', 'return_to[a]=/a']) {
    expect(hiddenTargets(await browser.get(`/users/sign_in?${query}`)).filter(Boolean)).toEqual([]);
  }
});

test('a target sent with the regular form or as JSON leads to it or home, never elsewhere (RD-003, RD-010)', async () => {
  const { app } = await startBoth({ yaml: NO_LIMITS });
  const page = await openBrowser(app).get('/users/sign_in');
  const lines: string[] = [page.headers['set-cookie'] ?? []].flat();
  const cookie = lines.map((line) => line.split(';')[0]).join('; ');
  const send = async (wish: string, password: string, type: string) =>
    openBrowser(app)
      .post('/users/sign_in')
      .set({ Cookie: cookie, Accept: 'text/html' })
      .type(type)
      .send({ _csrf: csrfOf(page), login: 'root', password, return_to: wish });
  await eachOf(all, async ([wish, place], index) => {
    // Longer than passwords are: refused without the work of a check, and the page comes back with what it accepted.
    const refused = await send(wish, 'x'.repeat(1100), index % 2 === 0 ? 'form' : 'json');
    const carried = place === '/' && wish !== '/' ? '' : wish;
    expect([wish, refused.status, hiddenTargets(refused)[0]]).toEqual([wish, 422, carried]);
  });
  await eachOf(some, async ([wish, place], index) => {
    const answer = await send(wish, ROOT_PASSWORD, index % 2 === 0 ? 'form' : 'json');
    expect([wish, answer.status, answer.headers['location']]).toEqual([wish, 303, place]);
    // The body of a redirect is HTML: nothing in it may be taken for markup.
    expect(answer.text.replace(/<\/?(p|!DOCTYPE html|html|head|title|body|a)\b[^>]*>/g, '')).not.toMatch(/[<>"']/);
  });
});

test('a target sent along to Bitbucket leads to it or home, and "try again" after a refusal carries the same (RD-002, RD-006)', async () => {
  const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const begin = async (wish: string) => {
    await app.services.db.deleteFrom('flows').execute();
    const answer = await browser
      .post('/users/auth/bitbucket')
      .type('form')
      .send({ _csrf, return_to: wish })
      .expect(302);
    return String(answer.headers['location']);
  };
  for (const [wish, place] of all) {
    await begin(wish);
    const [flow] = await app.services.db.selectFrom('flows').select('return_to').execute();
    expect([wish, flow?.return_to]).toEqual([wish, place === '/' && wish !== '/' ? null : wish]);
  }
  for (const [wish, place] of some) {
    const cancelled = await sandbox.decide(await begin(wish), { as: 'alice', decision: 'cancel' });
    await expectTryAgain(browser, cancelled, wish, place);
    const answer = await signInWithBitbucket(openBrowser(app), sandbox, 'alice', { return_to: wish });
    expect([wish, answer.headers['location']]).toEqual([wish, place]);
  }
});

/** Cancelled at Bitbucket, one comes to an error page. */
async function expectTryAgain(browser: Browser, cancelled: string, wish: string, place: string): Promise<void> {
  const refused = await browser.get(pathOf(cancelled)).expect(400);
  const again = /href="\/users\/sign_in(?:\?return_to=([^"&]*))?"[^>]*>Try again/.exec(refused.text);
  const carried = place === '/' && wish !== '/' ? undefined : wish;
  const found = again?.[1] === undefined ? undefined : decodeURIComponent(again[1].replaceAll('+', ' '));
  expect([wish, again === null, found]).toEqual([wish, false, carried]);
}

test('signing out always ends at the sign-in page, whatever target is sent along (RD-004)', async () => {
  const { app } = await startBoth({ yaml: NO_LIMITS });
  const browser = openBrowser(app);
  const sendAlong = async (wish: string, _csrf: string): Promise<Answer> =>
    browser
      .post(`/users/sign_out?${new URLSearchParams({ return_to: wish }).toString()}`)
      .type('form')
      .send({ _csrf, return_to: wish, post_logout_redirect_uri: wish });
  for (const wish of [...GOOD, ...bad]) {
    const answer = await sendAlong(wish, '');
    expect([wish, answer.status, answer.headers['location']]).toEqual([wish, 303, '/users/sign_in']);
  }
  await signInWithPassword(browser);
  const answer = await sendAlong('//evil.test', csrfOf(await browser.get('/')));
  expect([answer.status, answer.headers['location']]).toEqual([303, '/users/sign_in']);
});

test('no page takes a link or a redirect from Referer (RD-005)', async () => {
  const { app } = await startBoth({ yaml: NO_LIMITS });
  const browser = openBrowser(app);
  const ways = [
    () => browser.get('/nothing'),
    () => browser.get('/users/sign_in'),
    () => browser.get('/users/auth?code=x&state=y'),
    () => browser.post('/users/auth/bitbucket').type('form').send({ _csrf: 'out of date' }),
    () => browser.post('/users/sign_in').type('form').send({ _csrf: 'out of date', login: 'root', password: 'x' }),
    () => browser.get('/'),
  ];
  const printable = bad.filter((wish) => /^[\x20-\x7e]+$/.test(wish) && wish.includes('evil.test'));
  for (const [index, wish] of printable.entries()) {
    const answer = await ways[index % ways.length]!().set('Referer', wish);
    expect(`${answer.headers['location'] ?? ''}${answer.text}`).not.toMatch(/evil\.test/);
  }
});

test('a wish is kept over a wrong password and over "sign in with Bitbucket instead" (RD-011)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const refused = await signInWithPassword(browser, 'root', 'wrong', { return_to: '/projects/1?x=y#z' });
  expect(hiddenTargets(refused)).toEqual(['/projects/1?x=y#z', '/projects/1?x=y#z']);
  const [return_to = ''] = hiddenTargets(refused);
  const answer = await signInWithBitbucket(browser, sandbox, 'alice', { return_to });
  expect(answer.headers['location']).toBe('/projects/1?x=y#z');
});

test('a stored target is looked at again when it is used: after external_url has changed, and changed in the database (RD-007)', async () => {
  const { app, sandbox } = await startBoth();
  const { browser, callback } = await beginAt('/projects/7', app, sandbox);
  const other = await beginAt('/projects/7', app, sandbox);
  await app.services.db
    .updateTable('flows')
    .set({ return_to: '//evil.test' })
    .where('state_hash', '=', other.stateHash)
    .execute();
  expect((await other.browser.get(other.callback).expect(303)).headers['location']).toBe('/');
  await app.stop();
  await startApp({
    port: app.port,
    dataDir: app.dataDir,
    yaml: providerYaml(sandbox),
    externalUrl: 'http://localhost:<port>/gate',
  });
  // Bitbucket would refuse the old callback; what counts here is what becomes of the target.
  sandbox.consumers[0]!.callbackUrl = 'http://localhost:';
  const answer = await browser.get(`/gate${callback}`);
  expect(answer.headers['location'] ?? '').not.toBe('/projects/7');
  expect(answer.text).not.toContain('projects%2F7');
});

async function beginAt(
  return_to: string,
  { url, services }: Awaited<ReturnType<typeof startBoth>>['app'],
  sandbox: Awaited<ReturnType<typeof startBoth>>['sandbox'],
) {
  const known = new Set(
    (await services.db.selectFrom('flows').select('state_hash').execute()).map((row) => row.state_hash),
  );
  const browser: Browser = openBrowser({ url });
  const callback = pathOf(await sandbox.decide(await clickBitbucket(browser, { return_to }), { as: 'alice' }));
  const rows = await services.db.selectFrom('flows').select('state_hash').execute();
  return { browser, callback, stateHash: rows.find((row) => !known.has(row.state_hash))?.state_hash ?? '' };
}

test("a target that its person may not see, or that is not there, is that page's affair, and no loop (RD-012)", async () => {
  const { app, sandbox } = await startBoth({ yaml: 'monitoring: { allow: [192.0.2.1] }\n' });
  const browser = openBrowser(app);
  for (const target of ['/admin', '/-/metrics', '/projects/7']) {
    const answer = await signInWithBitbucket(browser, sandbox, 'alice', { return_to: target });
    expect(answer.headers['location']).toBe(target);
    const page = await browser.get(target);
    expect([page.status, page.headers['location']]).toEqual([404, undefined]);
    await signOut(browser);
  }
});

test('a target that signs in or out again leads home in one step (RD-013)', async () => {
  const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
  for (const target of onPostgres ? OWN_DOORS.slice(0, 3) : OWN_DOORS) {
    const browser = openBrowser(app);
    const answer = await signInWithBitbucket(browser, sandbox, 'alice', { return_to: target });
    expect([target, answer.headers['location']]).toEqual([target, '/']);
    const home = await browser.get('/').expect(200);
    expect(home.text).toContain('Alice');
  }
});

test('a target of a megabyte is refused as too large, in the address as in the body (RD-016)', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const return_to = `/${'a'.repeat(1_000_000)}`;
  expect((await browser.get(`/users/sign_in?return_to=${return_to}`)).status).toBe(431);
  for (const path of ['/users/sign_in', '/users/auth/bitbucket']) {
    await browser.post(path).type('form').send({ _csrf, return_to }).expect(413);
    await browser.post(path).type('json').send({ _csrf, return_to }).expect(413);
  }
});
