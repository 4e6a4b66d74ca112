// Admin → Set-up: what to enter at Bitbucket, whether it works, the test sign-in, and the banner about changes there.
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Announcement } from '../../src/sandbox/options.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { checkAddress, checkGit } from '../../src/admin/server-checks.ts';
import type { Answer, Browser } from '../support/people.ts';
import { providerYaml } from '../support/provider.ts';
import { csrfOf, openAsRoot, openBrowser, pathOf, signInWithBitbucket, startBoth, whoAmI } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { startApp } from '../support/start-app.ts';
import { certificates, key } from '../bitbucket/certificates.ts';

interface World {
  app: TestApp;
  sandbox: Sandbox;
  root: Browser;
}

async function start(options: Parameters<typeof startBoth>[0] = {}): Promise<World> {
  const both = await startBoth(options);
  return { ...both, root: await openAsRoot(both.app) };
}

const open = async (browser: Browser, headers: Record<string, string> = {}) =>
  browser.get('/admin/set_up').set(headers).expect(200);

/** Presses "Check again" on a page that is open. */
async function checkAgain(browser: Browser, page: Answer): Promise<Answer> {
  const after = /name="after" value="(\d+)"/.exec(page.text)?.[1] ?? '';
  return browser.get('/admin/set_up').query({ after }).expect(200);
}

/** The text of a page, without tags. */
const textOf = ({ text }: Answer) => text.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

async function post(browser: Browser, path: string, fields: Record<string, string>): Promise<Answer> {
  const _csrf = csrfOf(await browser.get('/').expect(200));
  return browser
    .post(path)
    .type('form')
    .send({ _csrf, ...fields });
}

/** Presses "Test sign-in" and comes back. @returns the answer of the callback */
async function test_(world: World, as = 'alice', decision: 'allow' | 'cancel' = 'allow'): Promise<Answer> {
  const started = await post(world.root, '/users/auth/bitbucket', { purpose: 'test' });
  expect(started.status).toBe(302);
  const callback = await world.sandbox.decide(String(started.headers['location']), { as, decision });
  return world.root.get(pathOf(callback));
}

async function everything({ services: { db } }: TestApp): Promise<unknown> {
  const tables = ['accounts', 'identities', 'provider_tokens', 'settings', 'pending_links', 'access_tokens'] as const;
  return Promise.all(tables.map((table) => db.selectFrom(table).selectAll().execute()));
}

const tests = ({ app }: World) =>
  app.services.db.selectFrom('audit_events').selectAll().where('action', '=', 'test_sign_in').execute();

test('is for administrators only', async () => {
  const { app, sandbox } = await start();
  const [stranger, alice] = [openBrowser(app), openBrowser(app)];
  expect((await stranger.get('/admin/set_up')).headers['location']).toContain('/users/sign_in');
  await signInWithBitbucket(alice, sandbox);
  expect((await alice.get('/admin/set_up')).status).toBe(404);
  expect((await post(alice, '/admin/set_up/dismiss', { key: 'x' })).status).toBe(404);
  expect((await post(alice, '/users/auth/bitbucket', { purpose: 'test' })).status).toBe(404);
});

test('says what to enter, and finds all well', async () => {
  const { app, root } = await start();
  const page = textOf(await open(root));
  expect(page).toContain(`http://localhost:${app.port}/users/auth`);
  expect(page).toContain('Account: Email, Account: Read');
  expect(page).toContain('Repositories: Read, Pull requests: Read, Projects: Read');
  expect(page).toContain('Bitbucket (bitbucket) reachable ok');
  for (const about of [
    'key and secret',
    'callback',
    'clock',
    'address',
    'database',
    'disk',
    'git',
    'client address',
    'scheme',
  ])
    expect(page).toContain(`${about} ok`);
  expect(page).toContain('Nobody has tried yet');
  expect(
    (
      await root
        .post('/admin/set_up')
        .type('form')
        .send({ _csrf: csrfOf(await open(root)) })
    ).status,
  ).toBe(405);
});

test('without a provider it says where key and secret go', async () => {
  const app = await startApp();
  const root = await openAsRoot(app);
  expect(textOf(await open(root))).toContain('No provider is set up');
});

test('finds a wrong secret, a wrong callback and a Bitbucket that is away, each with the next step', async () => {
  const { app, sandbox, root } = await start();
  app.reconfigure(providerYaml(sandbox).replace('test-secret-53cr3t', 'another-secret'));
  expect(textOf(await open(root))).toMatch(/key and secret failed .*Next: copy key and secret again/);
  app.reconfigure(providerYaml(sandbox));
  sandbox.consumers[0]!.callbackUrl = 'https://elsewhere.test/';
  const page = await open(root);
  expect(textOf(page)).toMatch(/callback failed .*Next: set the consumer&#39;s callback URL to http/);
  await sandbox.close();
  expect(textOf(await checkAgain(root, page))).toMatch(
    /reachable failed .*Next: check url and api_url, DNS and firewall/,
  );
});

describe('a run of the checks', () => {
  /** As many as there were runs: each asks once with a code that cannot be good. */
  const runs = ({ sandbox }: World) => sandbox.requestsTo('token').length;

  test('is shared by those who look at the same time and shortly after, and no longer', async () => {
    let now = Date.now();
    const world = await start({ now: () => now });
    world.sandbox.fault('token', { kind: 'delay', ms: 300 });
    await Promise.all([open(world.root), open(world.root), open(world.root)]);
    expect(runs(world)).toBe(1);
    now += 9000;
    await open(world.root);
    expect(runs(world)).toBe(1);
    now += 2000;
    await open(world.root);
    expect(runs(world)).toBe(2);
    now -= 3_600_000; // a clock that is set back does not keep it
    await open(world.root);
    expect(runs(world)).toBe(3);
  });

  test('is a new one after "Check again", which is one for those who press at the same time', async () => {
    const world = await start();
    const page = await open(world.root);
    const [again] = await Promise.all([checkAgain(world.root, page), checkAgain(world.root, page)]);
    expect(runs(world)).toBe(2);
    await checkAgain(world.root, again);
    expect(runs(world)).toBe(3);
  });

  test('is begun by no time of the future, and by nothing that is none', async () => {
    const world = await start();
    for (const after of ['', 'x', '-1', '99999999999999', '1e400', '%00'])
      await world.root.get(`/admin/set_up?after=${after}`).expect(200);
    expect(runs(world)).toBe(1);
  });

  test('is not begun by a browser that loads the page ahead of a click', async () => {
    const world = await start();
    await world.root.get('/admin/set_up').set('Sec-Purpose', 'prefetch').expect(503);
    expect(world.sandbox.requests).toEqual([]);
  });
});

describe('the test sign-in', () => {
  test('shows who would come in and with which permissions; nothing but the audit log changes', async () => {
    const world = await start();
    const before = await everything(world.app);
    const answer = await test_(world);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/admin/set_up']);
    const page = textOf(await open(world.root));
    expect(page).toContain('Test sign-in done');
    expect(page).toMatch(/sign-in ok Alice Example would come in with a new account/);
    expect(page).toContain('permissions ok granted: account, email');
    expect(await everything(world.app)).toEqual(before);
    expect(await whoAmI(world.root)).toBe('root');
    expect(await tests(world)).toMatchObject([{ result: 'ok', actor_name: 'root', target: 'bitbucket' }]);
  });

  test.each([
    ['bob', '', /Bob Builder would come in with a new account.*e-mail warning Bitbucket named no primary address/],
    ['carol', '  block_auto_created_users: true\n', /Carol Singer would get a new account, and wait for approval/],
    ['carol', '  allow_single_sign_on: false\n', /Carol Singer would not come in: .*Next: set allow_single_sign_on/],
    ['twin', '', /would not come in: .*Next: sign in with that account and connect/],
    ['twin', '  auto_link_user: true\n', /would be connected to the account alice/],
    ['alice', '', /Alice Example would come in as alice/],
  ])('tells what would come of %s with %j', async (as, omniauth, words) => {
    const world = await start({ omniauth });
    if (as === 'alice' || as === 'twin') {
      world.app.reconfigure(providerYaml(world.sandbox));
      await signInWithBitbucket(openBrowser(world.app), world.sandbox);
      world.app.reconfigure(providerYaml(world.sandbox) + omniauth);
    }
    expect((await test_(world, as)).status).toBe(303);
    expect(textOf(await open(world.root))).toMatch(words);
  });

  test('shows permissions that are missing at the consumer, and the box to tick', async () => {
    const world = await start();
    world.sandbox.switches.scopeParameter = 'ignored';
    world.sandbox.consumers[0]!.permissions = ['account'];
    expect((await test_(world)).status).toBe(303);
    expect(textOf(await open(world.root))).toMatch(/permissions failed missing: email Next: tick Account: Email at/);
    world.sandbox.consumers[0]!.permissions = ['email'];
    expect((await test_(world)).status).toBe(303);
    expect(textOf(await open(world.root))).toMatch(/sign-in failed .*account.* Next: tick Account: Read at/);
  });

  test('a refusal is shown there, too, and the administrator stays signed in', async () => {
    const world = await start({ provider: ', allowed_workspaces: [acme]' });
    const before = await everything(world.app);
    expect((await test_(world, 'carol')).headers['location']).toBe('/admin/set_up');
    expect(textOf(await open(world.root))).toMatch(
      /sign-in failed .*Next: try with a Bitbucket account of an admitted/,
    );
    expect((await test_(world, 'carol', 'cancel')).headers['location']).toBe('/admin/set_up');
    expect(textOf(await open(world.root))).toMatch(/sign-in unknown .*Next: try again, and choose/);
    world.sandbox.fault('token', { kind: 'answer', status: 400, json: { error: 'unauthorized_client' } });
    expect((await test_(world)).headers['location']).toBe('/admin/set_up');
    expect(textOf(await open(world.root))).toMatch(/sign-in failed .*does not accept the key or the secret/);
    world.sandbox.clearFaults();
    world.sandbox.fault('user', { kind: 'answer', status: 500, json: {} });
    expect((await test_(world)).headers['location']).toBe('/admin/set_up');
    expect(textOf(await open(world.root))).toMatch(/sign-in failed unexpected answer with status 500/);
    expect(await everything(world.app)).toEqual(before);
    const events = await tests(world);
    expect(events.map(({ reason }) => reason)).toEqual(['not_member', 'access_denied', 'misconfigured', 'failed']);
    expect(await whoAmI(world.root)).toBe('root');
  });

  test('is not there for a provider that nobody may sign in with', async () => {
    const world = await start();
    world.app.reconfigure(`${providerYaml(world.sandbox)}  enabled: false\n`);
    expect(textOf(await open(world.root))).toContain('switched off, so there is nothing to test');
    expect((await post(world.root, '/users/auth/bitbucket', { purpose: 'test' })).status).toBe(404);
  });

  test('somebody else cannot end it', async () => {
    const world = await start();
    const started = await post(world.root, '/users/auth/bitbucket', { purpose: 'test' });
    const callback = await world.sandbox.decide(String(started.headers['location']), { as: 'alice' });
    expect((await openBrowser(world.app).get(pathOf(callback))).status).toBe(400);
    expect(await tests(world)).toEqual([]);
  });
});

describe('this request', () => {
  test('a proxy that nobody named is told', async () => {
    const { root } = await start();
    const page = textOf(await open(root, { 'X-Forwarded-For': '198.51.100.7', 'X-Forwarded-Proto': 'https' }));
    expect(page).toMatch(
      /client address warning X-Forwarded-For comes from (::ffff:)?127.0.0.1, which is no trusted proxy/,
    );
    expect(page).toContain('scheme warning X-Forwarded-Proto says otherwise');
  });

  test('a trusted proxy is believed, and its headers are shown, cut and escaped', async () => {
    const { root } = await start({ yaml: 'trusted_proxies: [127.0.0.1]\n' });
    const forwarded = { 'X-Forwarded-For': '198.51.100.7', 'X-Forwarded-Proto': 'http', Via: `<b>${'x'.repeat(1000)}` };
    const answer = await open(root, forwarded);
    expect(textOf(answer)).toMatch(/client address ok 198.51.100.7, as the trusted proxy/);
    expect(textOf(answer)).toContain('scheme ok http');
    expect(answer.text).not.toContain('<b>x');
    expect(answer.text).not.toContain('x'.repeat(400));
    expect(textOf(await open(root))).toContain('sends no X-Forwarded-For');
  });
});

describe('what Bitbucket takes away', () => {
  const provider = ', allowed_workspaces: [acme]';
  const announced: Announcement = { route: 'workspaces', change: 'CHANGE-9001', endsOn: '2027-08-21' };

  async function hear({ app, sandbox }: World, announcement: Announcement): Promise<number> {
    sandbox.switches.announcements = [announcement];
    const { status } = await signInWithBitbucket(openBrowser(app), sandbox);
    await app.services.changes.settled();
    return status;
  }

  test('is a banner that names the change, on every process and after a restart', async () => {
    const key = 'secret_key: a-key-of-more-than-thirty-two-characters\n';
    const world = await start({ provider, yaml: key });
    expect(await open(world.root)).not.toMatchObject({ text: expect.stringContaining('CHANGE-') as string });
    expect(await hear(world, announced)).toBe(303);
    const page = await open(world.root);
    expect(textOf(page)).toContain('Bitbucket is about to take something away: CHANGE-9001');
    expect(textOf(page)).toContain('What stops working on 21 Aug 2027');
    expect(page.text).toContain('href="https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-9001"');
    const { dataDir } = world.app;
    await world.app.stop();
    const again = await startApp({ dataDir, yaml: providerYaml(world.sandbox, provider) + key });
    const root = await openAsRoot(again);
    expect(textOf(await open(root))).toContain('CHANGE-9001');
    expect(textOf(await root.get('/users/sign_in'))).not.toContain('CHANGE-9001');
  });

  test('is dismissed, stays so, and comes back with news', async () => {
    const world = await start({ provider });
    await hear(world, announced);
    const key = 'announced_change CHANGE-9001 workspaces';
    expect((await post(world.root, '/admin/set_up/dismiss', { key })).headers['location']).toBe('/admin/set_up');
    expect(textOf(await open(world.root))).toContain('Banner dismissed');
    await hear(world, announced);
    expect(textOf(await open(world.root))).not.toContain('CHANGE-9001');
    expect(await hear(world, { ...announced, gone: true })).toBe(502);
    const page = textOf(await open(world.root));
    expect(page).toContain('Bitbucket has taken something away: CHANGE-9001');
    expect(page).toContain('checking allowed_workspaces');
    const events = world.app.services.db
      .selectFrom('audit_events')
      .selectAll()
      .where('action', '=', 'settings_changed');
    expect(await events.execute()).toMatchObject([{ actor_name: 'root', target: 'announced CHANGE-9001' }]);
    expect((await post(world.root, '/admin/set_up/dismiss', { key: 'disabled_import_sources' })).status).toBe(404);
  });

  test('what it says is checked: foreign text is not kept', async () => {
    const world = await start({ provider });
    const headers = { deprecation: '<script>alert(1)</script>', sunset: 'soon' };
    world.sandbox.fault('workspaces', { kind: 'answer', status: 410, headers, text: 'CHANGE-<script>' });
    await signInWithBitbucket(openBrowser(world.app), world.sandbox);
    await world.app.services.changes.settled();
    const [row] = await world.app.services.db.selectFrom('settings').selectAll().execute();
    expect(row?.key).toBe('announced_change none workspaces');
    expect(row?.value).not.toContain('script');
    expect(textOf(await open(world.root))).toContain('taken something away: a change without number');
  });

  test('the settings of the panel are not mixed up with it', async () => {
    const world = await start({ provider });
    await hear(world, announced);
    world.app.services.settings.forget();
    expect(Object.keys(await world.app.services.settings.current()).sort()).toEqual([
      'disabled_import_sources',
      'disabled_oauth_sign_in_sources',
      'password_authentication_enabled_for_web',
    ]);
  });
});

describe('the certificate of the address', () => {
  async function look(cert: string, now = Date.parse('2026-11-26T12:00:00Z')) {
    const server = createServer({ key, cert }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closeAtEnd(() => void server.close());
    const { port } = server.address() as AddressInfo;
    return checkAddress({ external_url: `https://127.0.0.1:${port}` }, now);
  }

  test('that has run out is a failure, and one that this machine does not trust is a warning', async () => {
    expect(await look(certificates.expired)).toMatchObject({
      state: 'failed',
      words: expect.stringContaining('has run out') as string,
    });
    expect(await look(certificates.good)).toMatchObject({
      state: 'warning',
      words: expect.stringContaining('does not trust its certificate (UNABLE_TO_VERIFY_LEAF_SIGNATURE)') as string,
    });
  });

  test('that cannot be seen from here is unknown, and not wrong', async () => {
    expect(await checkAddress({ external_url: 'https://127.0.0.1:9' }, Date.now())).toMatchObject({ state: 'unknown' });
  });
});

test('git that is not there is a warning', async () => {
  expect(await checkGit('no-such-git')).toMatchObject({ state: 'warning', words: 'is not installed' });
  expect(await checkGit('true')).toMatchObject({ state: 'unknown' });
});
