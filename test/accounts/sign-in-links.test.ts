// One-time sign-in links: the way back in. Made by the commands, against whichever database the tests run on.
import type { CommandContext } from '../../src/commands/command.ts';
import { sweepSignInLinks } from '../../src/accounts/sign-in-links.ts';
import { give, LINK_PAGE, makeLink, runAdmin, tokenIn } from '../support/one-time-links.ts';
import {
  csrfOf,
  makeAccount,
  openAsRoot,
  openBrowser,
  signInWithPassword,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';

async function eventsOf({ services: { db } }: TestApp) {
  return db
    .selectFrom('audit_events')
    .select(['action', 'result', 'reason', 'account_name', 'target'])
    .orderBy('id')
    .execute();
}

test('a link signs in although the regular form and every provider are off, and counts as a fresh proof', async () => {
  const { app } = await startBoth({ yaml: 'password_sign_in: false\n', omniauth: '  enabled: false\n' });
  const page = await openBrowser(app).get('/users/sign_in');
  expect(page.text).toContain('Every way to sign in is switched off');
  const browser = openBrowser(app);
  const answer = await give(browser, await makeLink(app));
  expect([answer.status, answer.headers['location']]).toEqual([303, '/']);
  expect(await whoAmI(browser)).toBe('root');
  expect((await browser.get('/')).text).toContain('You are signed in by a one-time link');
  const sessions = await app.services.db.selectFrom('sessions').select(['provider', 'remembered']).execute();
  expect(sessions).toEqual([{ provider: 'link', remembered: 0 }]);
  const _csrf = csrfOf(await browser.get('/admin/application_settings/general').expect(200));
  const saved = await browser.post('/admin/application_settings/general').type('form').send({ _csrf });
  expect(saved.headers['location']).toBe('/admin/application_settings/general'); // not to /users/confirm
  expect(await eventsOf(app)).toMatchObject([
    { action: 'sign_in_link_made', reason: 'command_line', account_name: 'root' },
    { action: 'sign_in', result: 'ok', account_name: 'root', target: 'link' },
  ]);
});

test('the token stands behind the # of the address, is stored as hash, and the whole address may be pasted', async () => {
  const app = await startApp();
  const token = await makeLink(app);
  const rows = await app.services.db.selectFrom('sign_in_links').selectAll().execute();
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain(token);
  const browser = openBrowser(app);
  await give(browser, ` ${app.url}${LINK_PAGE}#${token}\n`);
  expect(await whoAmI(browser)).toBe('root');
});

test('a link works once, also when it is tried twenty times at the same moment', async () => {
  const app = await startApp({ yaml: 'rate_limits: { password_per_minute: 0 }\n' });
  const token = await makeLink(app);
  const browsers = Array.from({ length: 20 }, () => openBrowser(app));
  const forms = await Promise.all(browsers.map(async (browser) => csrfOf(await browser.get(LINK_PAGE))));
  const answers = await Promise.all(
    browsers.map((browser, at) => browser.post(LINK_PAGE).type('form').send({ _csrf: forms[at], token })),
  );
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([303, ...Array<number>(19).fill(400)]);
  expect(await app.services.db.selectFrom('sessions').select('id_hash').execute()).toHaveLength(1);
  expect((await give(openBrowser(app), token)).text).toContain('This one-time link is not valid');
});

test('opening the page uses nothing up, a newer link ends the older, and after fifteen minutes none works', async () => {
  let now = Date.now();
  const app = await startApp({ now: () => now });
  const [first, second] = [await makeLink(app), await makeLink(app)];
  for (let times = 0; times < 3; times += 1) await openBrowser(app).get(LINK_PAGE).expect(200);
  await openBrowser(app).head(LINK_PAGE);
  expect((await give(openBrowser(app), first)).status).toBe(400);
  now += 16 * 60_000;
  expect((await give(openBrowser(app), second)).status).toBe(400);
  const last = await makeLink(app); // by the clock of the command, which is the machine's
  now = Date.now();
  await sweepSignInLinks(app.services.db, now);
  expect((await give(openBrowser(app), last)).status).toBe(303);
});

test('what is expired is swept away', async () => {
  const app = await startApp();
  await makeLink(app);
  await sweepSignInLinks(app.services.db, Date.now() + 16 * 60_000);
  expect(await app.services.db.selectFrom('sign_in_links').selectAll().execute()).toEqual([]);
});

test('guesses are limited per address, told in the log, and a form of another site is refused', async () => {
  const app = await startApp({ yaml: 'rate_limits: { password_per_minute: 3 }\n' });
  const browser = openBrowser(app);
  const statuses: number[] = [];
  for (const token of ['', 'x', 'x'.repeat(43), 'y'.repeat(43), 'z'.repeat(43)])
    statuses.push((await give(browser, token)).status);
  expect(statuses).toEqual([400, 400, 400, 429, 429]);
  expect((await browser.post(LINK_PAGE).type('form').send({ token: 'x' })).status).toBe(403);
  expect((await browser.get(`${LINK_PAGE}?token=x`)).text).not.toContain('value="x"');
  expect((await browser.put(LINK_PAGE)).status).toBeGreaterThanOrEqual(400);
  const refused = (await eventsOf(app)).filter(({ result }) => result === 'refused');
  expect(refused).toMatchObject(Array(3).fill({ action: 'sign_in', reason: 'invalid_link', target: 'link' }));
});

test('somebody blocked after the link was made stays out, and a link is not made for whoever cannot come in (LK-018)', async () => {
  const app = await startApp();
  await makeAccount(app, { username: 'mallory' });
  const token = await makeLink(app, 'mallory');
  const set = (state: 'blocked' | 'waiting') =>
    app.services.db.updateTable('accounts').set({ state }).where('username', '=', 'mallory').execute();
  await set('blocked');
  const browser = openBrowser(app);
  expect((await give(browser, token)).status).toBe(403);
  expect(await whoAmI(browser)).toBeNull();
  await expect(runAdmin(app, ['link', 'mallory'])).rejects.toThrow('mallory is blocked');
  await set('waiting');
  await expect(runAdmin(app, ['reset', 'mallory'])).rejects.toThrow('gatehouse admin approve mallory');
});

test('reset removes the password, ends every session, and its link is the way in', async () => {
  const app = await startApp();
  const before = await openAsRoot(app);
  const printed = await runAdmin(app, ['reset', 'Root']);
  expect(printed).toContain('signed out everywhere (1 session)');
  expect(await whoAmI(before)).toBeNull();
  expect((await signInWithPassword(openBrowser(app))).status).toBe(422);
  const after = openBrowser(app);
  await give(after, tokenIn(printed, app));
  expect(await whoAmI(after)).toBe('root');
  expect((await eventsOf(app)).filter(({ reason }) => reason === 'command_line')).toMatchObject([
    { action: 'password_changed', account_name: 'root' },
    { action: 'sessions_ended', account_name: 'root' },
    { action: 'sign_in_link_made', account_name: 'root' },
  ]);
});

test('create makes an account whose link is its way in; its address counts as not proved yet', async () => {
  const app = await startApp();
  const printed = await runAdmin(app, ['create', 'ada'], { email: 'ada@example.test', admin: true });
  const browser = openBrowser(app);
  await give(browser, tokenIn(printed, app));
  const me = (await browser.get('/api/v4/user')).body as object;
  expect(me).toMatchObject({ username: 'ada', admin: true, email: null, state: 'active' });
  const actions = (await eventsOf(app)).map(({ action }) => action);
  expect(actions).toEqual(['account_created', 'admin_granted', 'sign_in_link_made', 'sign_in']);
});

test.each([
  [['create', 'root'], undefined, 'the name root is taken or reserved'],
  [['create', 'support'], undefined, 'the name support is taken or reserved'],
  [['create', 'a b'], undefined, 'is no user name'],
  [['create', 'ada'], { email: 'nobody', admin: false }, '--email: expected an e-mail address'],
  [['link', 'root'], { admin: true }, 'usage: gatehouse admin'],
  [['link', 'nobody'], undefined, 'no account is named "nobody". Nobody is waiting.'],
  [['toString', 'root'], undefined, 'usage: gatehouse admin'],
])('%j with %j is refused and changes nothing', async (args, options, words) => {
  const app = await startApp();
  await expect(runAdmin(app, args, options as CommandContext['options'])).rejects.toThrow(words);
  expect(await eventsOf(app)).toEqual([]);
  expect(await app.services.db.selectFrom('accounts').select('id').execute()).toHaveLength(1);
});

test('an address that somebody has is not given to a new account', async () => {
  const app = await startApp();
  await makeAccount(app, { username: 'a', email: 'a@example.test' });
  const options = { email: 'A@example.test', admin: false };
  await expect(runAdmin(app, ['create', 'ada'], options)).rejects.toThrow('is there already');
});

test('approve lets a waiting account in, with an event (LK-020)', async () => {
  const app = await startApp();
  await makeAccount(app, { username: 'wanda', name: 'Wanda', state: 'waiting' });
  expect(await runAdmin(app, ['approve', 'Wanda'])).toBe('wanda (Wanda) may sign in now.');
  expect(await runAdmin(app, ['approve', 'wanda'])).toContain('already');
  expect(await eventsOf(app)).toMatchObject([
    { action: 'account_approved', account_name: 'wanda', reason: 'command_line' },
  ]);
});
