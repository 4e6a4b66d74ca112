// What somebody's own pages say of their ways in, and what they say after something was asked for.
import { give, makeLink, runAdmin, tokenIn } from '../support/one-time-links.ts';
import {
  csrfOf,
  goToBitbucket,
  openAsRoot,
  openBrowser,
  signInWithPassword,
  startBoth,
  submit,
} from '../support/people.ts';
import { ROOT_PASSWORD, startApp } from '../support/start-app.ts';

const ACCOUNT = '/-/profile/account';
const TOKENS = '/-/profile/personal_access_tokens';
const LATE_MS = 16 * 60_000;

test('home names every way in, the password beside a connected account; after a reset neither page names one', async () => {
  const { app, sandbox } = await startBoth();
  const root = await openAsRoot(app);
  await goToBitbucket(root, sandbox, 'alice');
  const both = (await root.get('/')).text;
  expect(both).toContain('<strong>Username and password</strong>');
  expect(both).toContain('<strong>Bitbucket</strong>');
  await app.services.db.deleteFrom('identities').execute();
  const again = openBrowser(app);
  await give(again, tokenIn(await runAdmin(app, ['reset', 'root']), app));
  expect((await again.get('/')).text).toContain('You have no way to sign in yet');
  const account = (await again.get(ACCOUNT)).text;
  expect(account).toContain('You have no password either');
  expect(account).not.toContain('You sign in with your username and password');
});

test('the one-time link advises what is switched on', async () => {
  const { app } = await startBoth({ yaml: 'password_sign_in: false\n' });
  const browser = openBrowser(app);
  await give(browser, await makeLink(app));
  const page = (await browser.get('/')).text;
  expect(page).toContain('In your account, connect Bitbucket, so that');
  expect(page).not.toContain('set a password or');
});

test('who had to confirm is told that nothing was done, and finds the form of a token filled in', async () => {
  let now = Date.now();
  const app = await startApp({ now: () => now });
  const browser = await openAsRoot(app);
  now += LATE_MS;
  const asked = await submit(browser, TOKENS, TOKENS, { name: 'nightly <report>', scopes: 'import' });
  const confirm = String(asked.headers['location']);
  const return_to = new URL(confirm, app.url).searchParams.get('return_to') ?? '';
  const confirmed = await submit(browser, confirm, '/users/confirm', { password: ROOT_PASSWORD, return_to });
  const page = (await browser.get(String(confirmed.headers['location'])).expect(200)).text;
  expect(page).toContain('Nothing has been done yet: press again');
  expect(page).toContain('value="nightly &lt;report&gt;"');
  expect(page).toMatch(/value="import" checked/);
  expect(page).not.toMatch(/value="read_user" checked/);
});

test('a script makes tokens with GitLab’s expires_at and with true; what is no day to come is refused', async () => {
  const app = await startApp({ now: () => Date.parse('2026-11-26T12:00:00Z') });
  const browser = await openAsRoot(app);
  const csrf = csrfOf(await browser.get('/'));
  const make = (fields: object) =>
    browser
      .post(TOKENS)
      .set({ Accept: 'application/json', 'X-CSRF-Token': csrf })
      .send({ name: 'x', scopes: ['read_user'], ...fields });
  const expires = async (fields: object) =>
    ((await make(fields).expect(201)).body as { expires_at: unknown }).expires_at;
  expect(await expires({ expires_at: '2026-12-24' })).toBe('2026-12-24T00:00:00.000Z');
  expect(await expires({ last_day: '2026-12-24' })).toBe('2026-12-25T00:00:00.000Z');
  expect(await expires({ never_expires: true })).toBeNull();
  expect(await expires({ never_expires: false })).toBe('2026-12-27T00:00:00.000Z');
  for (const expires_at of ['2026-11-26', '2020-01-01', 'tomorrow', '2026-02-30', 7, null, '2030-01-01']) {
    const answer = await make({ expires_at });
    expect([answer.status, (answer.body as { detail: string }).detail]).toEqual([
      400,
      'expires_at: expected a day from 2026-11-27 to 2027-11-27, as YYYY-MM-DD.',
    ]);
  }
  expect((await make({ never_expires: 'perhaps' })).status).toBe(400);
});

test.each([
  ['the current one is wrong', { current_password: 'wrong' }, 'current-password'],
  ['the new ones differ', { new_password_again: 'yet another battery' }, 'new-password-again'],
  ['the new one is weak', { new_password: 'short', new_password_again: 'short' }, 'new-password'],
])('a change of password marks the field that is wrong, and that one alone: %s', async (_what, fields, id) => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  const right = { current_password: ROOT_PASSWORD, new_password: 'a new battery', new_password_again: 'a new battery' };
  const { text } = await submit(browser, ACCOUNT, `${ACCOUNT}/password`, { ...right, ...fields });
  const marked = text.match(/<input[^>]*aria-invalid[^>]*>/g) ?? [];
  expect(marked).toHaveLength(1);
  expect(marked[0]).toContain(`id="${id}"`);
  expect(marked[0]).toContain('autofocus');
});

test('a name of more than 100 characters is refused with the limit, and not cut', async () => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  const refused = await submit(browser, ACCOUNT, ACCOUNT, { name: 'ä'.repeat(101) });
  expect(refused.status).toBe(422);
  expect(refused.text).toContain('at most 100 characters; this one has 101');
  expect((await submit(browser, ACCOUNT, ACCOUNT, { name: 'ä'.repeat(100) })).status).toBe(303);
});

test('whoever is signed in is not sent to the sign-in page by a form that is out of date', async () => {
  const { app } = await startBoth({ omniauth: '  enabled: false\n' });
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  const page = await submit(browser, '/', '/users/auth/bitbucket', { purpose: 'link' });
  expect(page.status).toBe(404);
  expect(page.text).toContain('Go to the start page');
  expect(page.text).not.toContain('Go to the sign-in page');
});
