// Notices: what the owner of an account is told of in the pages, and which browsers count as known.
import { hashPassword } from '../../src/accounts/passwords.ts';
import { insertEvent } from '../../src/audit/record.ts';
import type { Answer, Browser } from '../support/people.ts';
import {
  eventsOf,
  goToBitbucket,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  signInWithBitbucket,
  signInWithPassword,
  signOut,
  startBoth,
  submit,
} from '../support/people.ts';
import { ROOT_PASSWORD, startApp } from '../support/start-app.ts';

const ACCOUNT = '/-/profile/account';
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';

async function seen(browser: Browser): Promise<Answer> {
  const up_to = /name="up_to" value="(\d+)"/.exec((await browser.get('/')).text)?.[1] ?? '';
  return submit(browser, '/', `${ACCOUNT}/notices`, { up_to, return_to: '/' });
}

/** Signed in, the sign-in page leads home: out first, and in again in the same browser. */
async function signInAgain(browser: Browser, login = 'root', password = ROOT_PASSWORD): Promise<void> {
  await signOut(browser);
  expect((await signInWithPassword(browser, login, password)).status).toBe(303);
}

test('a sign-in from a new device is told once, with time, place and agent in words (LK-037)', async () => {
  const app = await startApp();
  const first = await openAsRoot(app);
  expect((await first.get('/')).text).not.toContain('What happened to your account');
  await signInAgain(first); // known by now
  const other = openBrowser(app).set('User-Agent', FIREFOX);
  await signInWithPassword(other);
  for (const page of ['/', ACCOUNT]) {
    const { text } = await first.get(page);
    expect(text).toContain('Sign-in from a new device');
    expect(text).toMatch(
      /<time datetime="[^"]+" title="[^"]+">[^<]+ UTC<\/time>, from 127\.0\.0\.1, Firefox on Windows/,
    );
  }
  expect(await eventsOf(app, 'new_device')).toEqual(['new_device ok password']);
  const answer = await seen(first);
  expect([answer.status, answer.headers['location']]).toEqual([303, '/']);
  for (const page of ['/', ACCOUNT]) expect((await first.get(page)).text).not.toContain('new device');
});

test('a browser is known by whichever way in it was used, and for each of several accounts', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAsRoot(app);
  await signOut(browser);
  await signInWithBitbucket(browser, sandbox, 'alice');
  await signOut(browser);
  await signInWithPassword(browser);
  await goToBitbucket(browser, sandbox, 'carol');
  await signOut(browser);
  await signInWithBitbucket(browser, sandbox, 'carol');
  await signOut(browser);
  await signInWithBitbucket(browser, sandbox, 'alice');
  expect(await eventsOf(app, 'new_device')).toEqual([]);
  await signInWithBitbucket(openBrowser(app), sandbox, 'alice');
  expect(await eventsOf(app, 'new_device')).toEqual(['new_device ok bitbucket']);
});

test('a sign-in with Bitbucket gives a browser no count of password tries of its own (PW-005)', async () => {
  const { app, sandbox } = await startBoth({
    yaml: 'rate_limits: { password_per_minute: 0, password_per_account: 3 }\n',
  });
  await openAs(app, sandbox, 'alice');
  const password_hash = await hashPassword(ROOT_PASSWORD);
  await app.services.db.updateTable('accounts').set({ password_hash }).where('username', '=', 'alice').execute();
  const guesser = await openAs(app, sandbox, 'alice');
  await signOut(guesser);
  for (let tries = 0; tries < 3; tries += 1) await signInWithPassword(openBrowser(app), 'alice', 'no');
  expect((await signInWithPassword(guesser, 'alice')).status).toBe(429);
});

test('a known browser with a password keeps its count of tries when it is used with Bitbucket in between (PW-005)', async () => {
  const { app, sandbox } = await startBoth({
    yaml: 'rate_limits: { password_per_minute: 0, password_per_account: 3 }\n',
  });
  const browser = await openAsRoot(app);
  await goToBitbucket(browser, sandbox, 'alice');
  await signOut(browser);
  await signInWithBitbucket(browser, sandbox, 'alice');
  await signOut(browser);
  for (let tries = 0; tries < 3; tries += 1) await signInWithPassword(openBrowser(app), 'root', 'no');
  expect((await signInWithPassword(openBrowser(app))).status).toBe(429);
  expect((await signInWithPassword(browser)).status).toBe(303);
});

test('wrong passwords are one line with their number, and come again after "Seen" only when there are new ones', async () => {
  const app = await startApp();
  for (let tries = 0; tries < 4; tries += 1) await signInWithPassword(openBrowser(app), 'root', 'no');
  const browser = await openAsRoot(app);
  const { text } = await browser.get('/');
  expect(text.match(/Wrong password/g)).toHaveLength(1);
  expect(text).toContain('(4 times, last)');
  await seen(browser);
  expect((await browser.get('/')).text).not.toContain('Wrong password');
  await signInWithPassword(openBrowser(app), 'root', 'no');
  expect((await browser.get('/')).text).toContain('Wrong password');
});

test('wrong passwords, however many, push nothing else out of the list', async () => {
  const app = await startApp();
  const [browser, other] = [openBrowser(app), openBrowser(app)];
  await signInWithPassword(browser);
  await signInWithPassword(other);
  const root = { id: 1, username: 'root' };
  const wrong = { action: 'sign_in', result: 'refused', reason: 'invalid_credentials', actor: null } as const;
  for (let tries = 0; tries < 60; tries += 1)
    await insertEvent(app.services, app.services.db, { ...wrong, account: root });
  const { text } = await browser.get('/');
  expect(text).toContain('Wrong password');
  expect(text).toContain('Sign-in from a new device');
});

test('what is no notice takes no place of one', async () => {
  const app = await startApp();
  const root = { id: 1, username: 'root' };
  await insertEvent(app.services, app.services.db, { action: 'token_created', actor: root, target: 'deploys' });
  const others = [
    { action: 'sign_in', result: 'refused', reason: 'blocked' },
    { action: 'token_created', result: 'failed' },
    { action: 'sign_out' },
  ] as const;
  for (let times = 0; times < 60; times += 1)
    for (const event of others) await insertEvent(app.services, app.services.db, { ...event, actor: root });
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  expect((await browser.get('/')).text).toContain('A personal access token was made');
});

test('the owner of an address hears that somebody came with it, and of nobody else', async () => {
  const { app, sandbox } = await startBoth();
  const owner = await openAs(app, sandbox, 'alice');
  await signInWithBitbucket(openBrowser(app), sandbox, 'twin');
  expect((await owner.get('/')).text).toContain('A Bitbucket account came with your e-mail address');
  const root = await openAsRoot(app);
  expect((await root.get('/')).text).not.toContain('What happened to your account');
});

test.each(['999999999999999', '99999', '1'])('"Seen" up to %s hides nothing that happens later', async (up_to) => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  await submit(browser, ACCOUNT, `${ACCOUNT}/notices`, { up_to }).then(({ status }) => expect(status).toBe(303));
  await signInWithPassword(openBrowser(app), 'root', 'no');
  expect((await browser.get('/')).text).toContain('Wrong password');
});

test('"Seen" is for oneself only, and for whoever is signed in', async () => {
  const app = await startApp();
  await makeAccount(app, { username: 'ann', password: ROOT_PASSWORD });
  await signInWithPassword(openBrowser(app), 'root', 'no');
  const [root, other] = [openBrowser(app), openBrowser(app)];
  await signInWithPassword(other, 'ann');
  await submit(other, ACCOUNT, `${ACCOUNT}/notices`, { up_to: '99' });
  await signInWithPassword(root);
  expect((await root.get('/')).text).toContain('Wrong password');
  expect((await submit(root, ACCOUNT, `${ACCOUNT}/notices`, { up_to: 'x' })).status).toBe(404);
  const stranger = openBrowser(app);
  const answer = await submit(stranger, '/users/sign_in', `${ACCOUNT}/notices`, { up_to: '1' });
  expect(answer.status).toBe(401);
});
