// "Confirm that it is you": a fresh proof of presence, by any way in of the account.
import type { Answer, Browser } from '../support/people.ts';
import {
  eventsOf,
  goToBitbucket,
  openAs,
  openAsRoot,
  openBrowser,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  submit,
  whoAmI,
} from '../support/people.ts';
import { ROOT_PASSWORD, startApp } from '../support/start-app.ts';

const LATE_MS = 16 * 60_000;
const ACCOUNT = '/-/profile/account';

function confirm(browser: Browser, password: string, return_to?: string): Promise<Answer> {
  return submit(browser, '/users/confirm', '/users/confirm', { password, ...(return_to && { return_to }) });
}

test('the password proves it, under a new session id, and leads back (SE-005)', async () => {
  let now = Date.now();
  const app = await startApp({ now: () => now });
  const browser = openBrowser(app);
  await signInWithPassword(browser, 'root', ROOT_PASSWORD, { remember_me: '1' });
  now += LATE_MS;
  expect((await browser.get(ACCOUNT)).text).toContain('To change how you sign in, confirm that it is you');
  const before = await app.services.db.selectFrom('sessions').selectAll().execute();
  const answer = await confirm(browser, ROOT_PASSWORD, '/?x=1');
  expect([answer.status, answer.headers['location']]).toEqual([303, '/?x=1']);
  expect((await browser.get(ACCOUNT)).text).not.toContain('confirm that it is you');
  const after = await app.services.db.selectFrom('sessions').selectAll().execute();
  expect(after).toHaveLength(1);
  expect(after[0]?.id_hash).not.toBe(before[0]?.id_hash);
  expect(after[0]).toMatchObject({ remembered: 1, provider: 'password', created_at: now, agent: before[0]?.agent });
  expect(await eventsOf(app, 'confirm')).toEqual(['confirm ok password']);
});

test('a Bitbucket account of the person proves it, another one does not, and the owner is told', async () => {
  let now = Date.now();
  const { app, sandbox } = await startBoth({ now: () => now });
  await signInWithBitbucket(openBrowser(app), sandbox, 'carol');
  const browser = await openAs(app, sandbox, 'alice');
  now += LATE_MS;
  expect((await browser.get('/users/confirm')).text).toContain('Confirm with Bitbucket');
  const other = await goToBitbucket(browser, sandbox, 'carol', 'confirm');
  expect(other.status).toBe(409);
  expect(other.text).toContain('That was another Bitbucket account');
  expect((await browser.get(ACCOUNT)).text).toContain('Another account was used to confirm');
  expect(await whoAmI(browser)).toBe('alice');
  expect((await goToBitbucket(browser, sandbox, 'alice', 'confirm')).status).toBe(303);
  expect((await browser.get(ACCOUNT)).text).not.toContain('To change how you sign in');
  expect(await eventsOf(app, 'confirm')).toEqual(['confirm refused wrong_identity bitbucket', 'confirm ok bitbucket']);
});

test('a wrong password is refused, counts as a try of the regular form, and the owner is told', async () => {
  const app = await startApp({ yaml: 'rate_limits: { password_per_account: 2 }\n' });
  const browser = await openAsRoot(app);
  for (let time = 0; time < 2; time += 1) {
    const answer = await confirm(browser, 'wrong');
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('The password is not right.');
  }
  expect((await confirm(browser, ROOT_PASSWORD)).status).toBe(429);
  expect((await browser.get('/')).text).toContain('did not know your password');
});

test.each(['//evil.test', 'https://evil.test', '/users/sign_out', '/.//evil.test', ''])(
  'a way back to %j leads to the account page (RD-006)',
  async (wish) => {
    const app = await startApp();
    const browser = await openAsRoot(app);
    const page = await browser.get(`/users/confirm?return_to=${encodeURIComponent(wish)}`).expect(200);
    expect(page.text).toContain('name="return_to" value="/-/profile/account"');
    expect((await confirm(browser, ROOT_PASSWORD, wish)).headers['location']).toBe(ACCOUNT);
    const seen = await submit(browser, ACCOUNT, `${ACCOUNT}/notices`, { up_to: '1', return_to: wish });
    expect(seen.headers['location']).toBe(ACCOUNT);
  },
);

test('only ways in that the account has and that are on are offered', async () => {
  const { app, sandbox } = await startBoth();
  const root = await openAsRoot(app);
  expect((await root.get('/users/confirm')).text).not.toContain('Confirm with Bitbucket');
  const alice = await openAs(app, sandbox, 'alice');
  expect((await alice.get('/users/confirm')).text).not.toContain('type="password"');
  app.reconfigure('password_sign_in: false\nomniauth: { enabled: false }');
  expect((await alice.get('/users/confirm')).text).toContain('None of your ways to sign in is switched on');
  expect((await submit(root, '/', '/users/confirm', { password: ROOT_PASSWORD })).status).toBe(404);
});

test('strangers have nothing to confirm', async () => {
  const app = await startApp();
  await openBrowser(app).get('/users/confirm').expect(303);
  await openBrowser(app).get('/users/confirm').set('Accept', 'application/json').expect(401);
});
