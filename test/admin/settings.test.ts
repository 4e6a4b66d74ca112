// Admin → Settings: what is switched off is off on every way, at once, and nobody saws off the branch they sit on.
import { isImportSource } from '../../src/accounts/ways-in.ts';
import type { ApplicationSettings } from '../../src/application-settings.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Answer, Browser } from '../support/people.ts';
import {
  clickBitbucket,
  csrfOf,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  openSignIn,
  pathOf,
  signInWithBitbucket,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';

const PAGE = '/admin/application_settings/general';
const ALL_ON = {
  enabled_oauth_sign_in_sources: ['bitbucket'],
  password_authentication_enabled_for_web: true,
  import_sources: ['bitbucket'],
};

async function startWithRoot(options: Parameters<typeof startBoth>[0] = {}) {
  const both = await startBoth(options);
  return { ...both, root: await openAsRoot(both.app) };
}

/** As the form sends it: an empty text in front of what is ticked. */
async function save(browser: Browser, fields: Record<string, string[]>): Promise<Answer> {
  const body = new URLSearchParams([['_csrf', csrfOf(await browser.get(PAGE).expect(200))]]);
  for (const [name, values] of Object.entries(fields)) for (const value of ['', ...values]) body.append(name, value);
  return browser.post(PAGE).type('form').send(body.toString());
}

const switchOff = (browser: Browser) => save(browser, { enabled_oauth_sign_in_sources: [] });
const switchOn = (browser: Browser) => save(browser, { enabled_oauth_sign_in_sources: ['bitbucket'] });

async function settingsOf(browser: Browser): Promise<unknown> {
  return (await browser.get(PAGE).set('Accept', 'application/json').expect(200)).body;
}

async function postJson(browser: Browser, body: object): Promise<Answer> {
  const token = csrfOf(await browser.get(PAGE).expect(200));
  return browser.post(PAGE).set('X-CSRF-Token', token).set('Accept', 'application/json').send(body);
}

async function settingEvents({ services: { db } }: TestApp) {
  const rows = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('action', '=', 'settings_changed')
    .orderBy('id')
    .execute();
  return rows.map(({ result, reason, actor_name, details }) => ({
    ...{ result, reason, actor_name },
    details: JSON.parse(details ?? 'null') as unknown,
  }));
}

/** Root has a password only, so Bitbucket may be switched off; bob has Bitbucket only. */
async function makeAdministrator({ services: { db } }: TestApp, username: string): Promise<void> {
  await db.updateTable('accounts').set({ admin: 1 }).where('username', '=', username).execute();
}

test('all sources are on by default, one box for each provider, and the page says what is off in the file', async () => {
  const { root } = await startWithRoot();
  const { text } = await root.get(PAGE).expect(200);
  expect(text).toContain('<legend>Enabled OAuth authentication sources</legend>');
  expect(text).toContain('<h1>Sign-in restrictions</h1>');
  expect(text.match(/type="checkbox"[^>]* checked>/g)).toHaveLength(3);
  expect(await settingsOf(root)).toEqual(ALL_ON);
});

test('only administrators who have proved lately to be there change anything (AD-001, AD-004, AD-008)', async () => {
  let now = Date.now();
  const { app, sandbox, root } = await startWithRoot({ now: () => now });
  await openBrowser(app).get(PAGE).expect(303);
  const alice = await openAs(app, sandbox);
  await alice.get(PAGE).expect(404);
  const _csrf = csrfOf(await alice.get('/').expect(200));
  await alice.post(PAGE).type('form').send({ _csrf, enabled_oauth_sign_in_sources: '' }).expect(404);
  await root.post(PAGE).type('form').send({ enabled_oauth_sign_in_sources: '' }).expect(403);
  await root
    .delete(PAGE)
    .set('X-CSRF-Token', csrfOf(await root.get(PAGE)))
    .expect(405);
  now += 16 * 60_000;
  const late = await switchOff(root);
  expect(late.headers['location']).toBe(`/users/confirm?return_to=${encodeURIComponent(PAGE)}`);
  expect((await postJson(root, { enabled_oauth_sign_in_sources: [] })).body).toMatchObject({ code: 'not_recent' });
  expect(await settingsOf(root)).toEqual(ALL_ON);
  expect(await settingEvents(app)).toEqual([]);
});

test('switched off: no button, start, pending callback, connecting and confirming refused, sessions go on; and on again (LK-034)', async () => {
  const { app, sandbox, root } = await startWithRoot();
  const alice = await openAs(app, sandbox);
  const pending = openBrowser(app);
  const back = await sandbox.decide(await clickBitbucket(pending), { as: 'bob' });

  expect((await switchOff(root)).status).toBe(303);
  expect((await root.get(PAGE)).text).toContain('Settings saved');
  const stranger = openBrowser(app);
  const page = await stranger.get('/users/sign_in').expect(200);
  expect(page.text).not.toContain('Sign in with Bitbucket');
  const start = (browser: Browser, _csrf: string, purpose: string, accept = 'text/html') =>
    browser.post('/users/auth/bitbucket').set('Accept', accept).type('form').send({ _csrf, purpose });
  await start(stranger, csrfOf(page), 'sign_in').expect(404);
  expect((await start(stranger, csrfOf(page), 'sign_in', 'application/json')).body).toMatchObject({
    status: 404,
    code: 'no_provider',
  });
  const { status, text } = await pending.get(pathOf(back));
  expect([status, text.includes('No such way to sign in')]).toEqual([404, true]);
  expect(await whoAmI(pending)).toBeNull();
  expect(sandbox.requestsTo('token')).toHaveLength(1); // alice's; the code that came late was not even exchanged
  const form = csrfOf(await alice.get('/').expect(200));
  for (const purpose of ['link', 'confirm']) await start(alice, form, purpose).expect(404);
  expect(await whoAmI(alice)).toBe('alice');

  await switchOn(root);
  expect((await signInWithBitbucket(openBrowser(app), sandbox, 'bob')).status).toBe(303);
  expect(await settingEvents(app)).toEqual([
    {
      ...{ result: 'ok', reason: null, actor_name: 'root' },
      details: { disabled_oauth_sign_in_sources: { before: [], after: ['bitbucket'] } },
    },
    {
      ...{ result: 'ok', reason: null, actor_name: 'root' },
      details: { disabled_oauth_sign_in_sources: { before: ['bitbucket'], after: [] } },
    },
  ]);
});

test('a change counts within a second on another process (AD-011)', async () => {
  const { app, sandbox, root } = await startWithRoot();
  const other = await startApp({ dataDir: app.dataDir, yaml: providerOf(sandbox), externalUrl: app.url, port: 0 });
  const visitor = openBrowser(other);
  const seen = async () => (await visitor.get('/users/sign_in').set('Host', new URL(app.url).host)).text;
  expect(await seen()).toContain('Sign in with Bitbucket');
  await switchOff(root);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(await seen()).not.toContain('Sign in with Bitbucket');
});

function providerOf(sandbox: Sandbox): string {
  return `omniauth: { providers: [{ name: bitbucket, app_id: test-key, app_secret: test-secret-53cr3t, url: '${sandbox.url}' }] }`;
}

test('the regular form is switched off only while an administrator has another way in that was used lately (AD-006)', async () => {
  const { app, sandbox, root } = await startWithRoot();
  const off = () => save(root, { password_authentication_enabled_for_web: ['0'] });
  const refused = await off();
  expect(refused.status).toBe(409);
  expect(refused.text).toContain('Nobody could administer this server any more');
  expect(refused.text).toMatch(
    /<strong>root<\/strong>\s*<ul>\s*<li>user name and password, last used [^<]+ UTC: would be switched off/,
  );
  expect(await settingsOf(root)).toEqual(ALL_ON);
  const asJson = await postJson(root, { password_authentication_enabled_for_web: false });
  expect([asJson.status, asJson.body]).toMatchObject([409, { code: 'last_administrator' }]);
  expect((asJson.body as { detail: string }).detail).toContain('root: user name and password');

  await signInWithBitbucket(openBrowser(app), sandbox);
  await makeAdministrator(app, 'alice');
  expect((await off()).status).toBe(303);
  expect((await openBrowser(app).get('/users/sign_in')).text).not.toContain('name="password"');
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  await browser.post('/users/sign_in').type('form').send({ _csrf, login: 'root', password: 'x' }).expect(404);
  const both = await switchOff(root);
  expect([both.status, both.text.includes('Bitbucket (bitbucket), last used')]).toEqual([409, true]);
  expect((await settingEvents(app)).map(({ result, reason }) => [result, reason])).toEqual([
    ['refused', 'last_administrator'],
    ['refused', 'last_administrator'],
    ['ok', null],
    ['refused', 'last_administrator'],
  ]);
});

test('opening a way is never refused, also when nobody has used any for long', async () => {
  const { app, sandbox, root } = await startWithRoot();
  await switchOff(root);
  await app.services.db.updateTable('accounts').set({ password_used_at: 1 }).execute();
  expect((await switchOn(root)).status).toBe(303);
  expect((await switchOff(root)).status).toBe(409);
  expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
});

test('two administrators who each shut the way in of the other at the same moment: one is refused (AD-006)', async () => {
  const { app, sandbox, root } = await startWithRoot();
  const alice = await openAs(app, sandbox);
  await makeAdministrator(app, 'alice');
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all([
      postJson(root, { enabled_oauth_sign_in_sources: [] }),
      postJson(alice, { password_authentication_enabled_for_web: false }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await postJson(root, ALL_ON)).status).toBe(200);
  }
});

test('what the configuration has switched off cannot be ticked, and what was chosen before is kept', async () => {
  const { app, sandbox, root } = await startWithRoot();
  await switchOff(root);
  app.reconfigure(
    `${providerOf(sandbox).replace('{ providers', '{ enabled: false, providers')}\nimport: { enabled: false }\n`,
  );
  const { text } = await root.get(PAGE);
  expect(text).toContain('<code>omniauth.enabled: false</code>');
  expect(text).toContain('<code>import.enabled: false</code>');
  expect(text.match(/type="checkbox"[^>]* disabled>/g)).toHaveLength(2);
  const forged = await save(root, { enabled_oauth_sign_in_sources: ['bitbucket'], import_sources: [] });
  expect(forged.status).toBe(303);
  expect((await root.get(PAGE)).text).toContain('Nothing was changed');
  expect((await openBrowser(app).get('/users/sign_in')).text).not.toContain('Sign in with Bitbucket');
  app.reconfigure(`omniauth: { providers: [] }`); // taken out, and put in again later
  expect((await save(root, { import_sources: [] })).status).toBe(303);
  app.reconfigure(providerOf(sandbox));
  expect(await settingsOf(root)).toEqual({ ...ALL_ON, enabled_oauth_sign_in_sources: [] });
});

test.each([
  [{ enabled_oauth_sign_in_sources: ['nobody'] }],
  [{ enabled_oauth_sign_in_sources: 7 }],
  [{ import_sources: { $gt: '' } }],
  [{ import_sources: ['__proto__'] }],
  [{ password_authentication_enabled_for_web: {} }],
])('%j is refused and changes nothing (AD-005)', async (body) => {
  const { app, root } = await startWithRoot();
  expect((await postJson(root, body)).status).toBe(400);
  expect((await postJson(root, { admin: true, disabled_import_sources: ['bitbucket'] })).status).toBe(200);
  expect(await settingsOf(root)).toEqual(ALL_ON);
  expect(await settingEvents(app)).toEqual([]);
});

test('importing is switched by itself: it goes on while signing in is off, and the other way round', async () => {
  const { app, root } = await startWithRoot();
  const { config, settings } = app.services;
  const isOn = async () => isImportSource('bitbucket', config(), await settings.current());
  expect(await isOn()).toBe(true);
  await switchOff(root);
  expect(await isOn()).toBe(true);
  await save(root, { enabled_oauth_sign_in_sources: ['bitbucket'], import_sources: [] });
  expect(await isOn()).toBe(false);
  expect((await openBrowser(app).get('/users/sign_in')).text).toContain('Sign in with Bitbucket');
});

test('isImportSource: a provider that is not configured, or importing switched off in the file, is none', async () => {
  const { app, sandbox } = await startBoth({ omniauth: '  enabled: false\n' });
  const settings: ApplicationSettings = await app.services.settings.current();
  expect(isImportSource('bitbucket', app.services.config(), settings)).toBe(true); // `enabled` is about signing in
  expect(isImportSource('other', app.services.config(), settings)).toBe(false);
  app.reconfigure(`${providerOf(sandbox)}\nimport: { enabled: false }`);
  expect(isImportSource('bitbucket', app.services.config(), settings)).toBe(false);
});

test('a way in of somebody blocked, or of no administrator, does not count (AD-006)', async () => {
  const { app, sandbox, root } = await startWithRoot();
  await signInWithBitbucket(openBrowser(app), sandbox);
  await signInWithBitbucket(openBrowser(app), sandbox, 'bob');
  await makeAccount(app, { username: 'x', admin: 1 });
  await makeAdministrator(app, 'alice');
  await app.services.db.updateTable('accounts').set({ state: 'blocked' }).where('username', '=', 'alice').execute();
  const refused = await save(root, { password_authentication_enabled_for_web: ['0'] });
  expect(refused.status).toBe(409);
  expect(refused.text).toContain('no way in at all'); // x
  expect(refused.text).not.toContain('alice');
});
