// GitLab's policy keys, one by one: who gets in, as whom, and what of the profile follows Bitbucket.
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Account } from '../../src/db/tables.ts';
import type { Browser } from '../support/people.ts';
import { CONSUMER } from '../support/provider.ts';
import {
  clickBitbucket,
  csrfOf,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  pathOf,
  signInWithBitbucket,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';

const SECOND = { key: 'second-key', secret: 'second-secret-0123456789' };

/** The omniauth section with two providers of the same kind, each with a consumer of its own. */
function twoProviders({ url }: Sandbox, policy = ''): string {
  return `omniauth:
  providers:
    - { name: bitbucket, app_id: ${CONSUMER.key}, app_secret: ${CONSUMER.secret}, url: '${url}' }
    - { name: second, label: Bitbucket of the others, app_id: ${SECOND.key}, app_secret: ${SECOND.secret}, url: '${url}', args: { strategy: bitbucket } }
${policy}`;
}

async function startTwoProviders(policy = '') {
  const both = await startBoth();
  both.sandbox.consumers.push({
    ...{ ...SECOND, name: 'Second', callbackUrl: 'http://localhost:', permissions: ['account', 'email'] },
  });
  both.app.reconfigure(twoProviders(both.sandbox, policy));
  return both;
}

async function signInWith(provider: string, browser: Browser, sandbox: Sandbox, as = 'alice') {
  const back = await sandbox.decide(await clickBitbucket(browser, {}, provider), { as, decision: 'allow' });
  return browser.get(pathOf(back));
}

async function accountOf({ services: { db } }: TestApp, username: string): Promise<Account> {
  return db.selectFrom('accounts').selectAll().where('username', '=', username).executeTakeFirstOrThrow();
}

async function identitiesIn({ services: { db } }: TestApp) {
  return db.selectFrom('identities').select(['account_id', 'provider', 'extern_uid']).orderBy('id').execute();
}

async function eventsIn({ services: { db } }: TestApp, action: string) {
  return db.selectFrom('audit_events').selectAll().where('action', '=', action).orderBy('id').execute();
}

/** Somebody who was here before Bitbucket was, with the address that Alice has confirmed there. */
async function makeLocalAlice(app: TestApp, change: Partial<Account> = {}): Promise<void> {
  const account = { username: 'local-alice', name: 'Alice here', email: 'alice@example.test', ...change };
  await makeAccount(app, account);
}

describe('auto_link_user', () => {
  test.each(['true', '[bitbucket]'])(
    '%s joins an address that both sides have verified, and says so',
    async (value) => {
      const { app, sandbox } = await startBoth({ omniauth: `  auto_link_user: ${value}\n` });
      await makeLocalAlice(app);
      const browser = openBrowser(app);
      expect((await signInWithBitbucket(browser, sandbox)).status).toBe(303);
      expect(await whoAmI(browser)).toBe('local-alice');
      const { id } = await accountOf(app, 'local-alice');
      expect(await identitiesIn(app)).toMatchObject([{ account_id: id, provider: 'bitbucket' }]);
      expect(await eventsIn(app, 'identity_connected')).toMatchObject([
        { result: 'ok', reason: 'auto_link_user', account_id: id, actor_id: null, target: 'bitbucket' },
      ]);
    },
  );

  test.each([
    ['false', {}],
    ['[second]', {}],
    ['true', { email_verified: 0 }],
  ])('%s with %j joins nothing (LK-003, LK-005)', async (value, change) => {
    const { app, sandbox } = await startBoth();
    app.reconfigure(twoProviders(sandbox, `  auto_link_user: ${value}\n`));
    await makeLocalAlice(app, change);
    const browser = openBrowser(app);
    expect((await signInWithBitbucket(browser, sandbox)).status).toBe(409);
    expect(await whoAmI(browser)).toBeNull();
    expect(await identitiesIn(app)).toEqual([]);
  });

  test('an address that Bitbucket has not confirmed joins nothing (LK-004)', async () => {
    const { app, sandbox } = await startBoth({ omniauth: '  auto_link_user: true\n' });
    await makeLocalAlice(app);
    const eve = await openAs(app, sandbox, 'eve');
    expect(await whoAmI(eve)).toBe('root-2');
  });

  test.each(['blocked', 'waiting'] as const)('a %s owner stays so (LK-018)', async (state) => {
    const { app, sandbox } = await startBoth({ omniauth: '  auto_link_user: true\n' });
    await makeLocalAlice(app, { state });
    for (let time = 0; time < 2; time += 1) {
      const browser = openBrowser(app);
      expect((await signInWithBitbucket(browser, sandbox)).status).toBe(403);
      expect(await whoAmI(browser)).toBeNull();
    }
    expect((await accountOf(app, 'local-alice')).state).toBe(state);
  });

  test('a second identity with the same address joins the same account, also where nobody new comes in', async () => {
    const { app, sandbox } = await startBoth({ omniauth: '  auto_link_user: true\n  allow_single_sign_on: false\n' });
    await makeLocalAlice(app);
    for (const as of ['alice', 'twin']) {
      const browser = openBrowser(app);
      await signInWithBitbucket(browser, sandbox, as);
      expect(await whoAmI(browser)).toBe('local-alice');
    }
    expect(await identitiesIn(app)).toHaveLength(2);
    expect((await signInWithBitbucket(openBrowser(app), sandbox, 'carol')).status).toBe(403);
  });
});

describe('allow_single_sign_on and block_auto_created_users', () => {
  test('a list lets only the named providers make accounts; a refusal stores nothing (LK-022)', async () => {
    const { app, sandbox } = await startTwoProviders('  allow_single_sign_on: [second]\n');
    const refused = await signInWith('bitbucket', openBrowser(app), sandbox);
    expect([refused.status, refused.text.includes('There is no account for you yet')]).toEqual([403, true]);
    expect(await identitiesIn(app)).toEqual([]);
    expect((await signInWith('second', openBrowser(app), sandbox)).status).toBe(303);
  });

  test('an account that waits has no session, no rights, and is told in the audit log (LK-020)', async () => {
    const { app, sandbox } = await startBoth({ omniauth: '  block_auto_created_users: true\n' });
    const browser = openBrowser(app);
    expect((await signInWithBitbucket(browser, sandbox)).status).toBe(403);
    expect(await accountOf(app, 'alice')).toMatchObject({ state: 'waiting', admin: 0 });
    expect(await eventsIn(app, 'account_created')).toMatchObject([{ reason: 'waiting', account_name: 'alice' }]);
    expect(await app.services.db.selectFrom('sessions').select('id_hash').execute()).toEqual([]);
  });
});

describe('external_providers', () => {
  test('people of these providers become external, those of others do not', async () => {
    const { app, sandbox } = await startTwoProviders('  external_providers: [second]\n');
    await signInWith('second', openBrowser(app), sandbox, 'carol');
    await signInWith('bitbucket', openBrowser(app), sandbox, 'alice');
    expect([(await accountOf(app, 'carol')).external, (await accountOf(app, 'alice')).external]).toEqual([1, 0]);
  });

  test('an account that is there keeps what an administrator has chosen', async () => {
    const { app, sandbox } = await startBoth();
    await signInWithBitbucket(openBrowser(app), sandbox);
    app.reconfigure(twoProviders(sandbox, '  external_providers: [bitbucket]\n'));
    await signInWithBitbucket(openBrowser(app), sandbox);
    expect((await accountOf(app, 'alice')).external).toBe(0);
  });
});

describe('sync_profile_from_provider', () => {
  const renamed = (address = 'alice.new@example.test', isConfirmed = true) => ({
    displayName: 'Alice Renamed',
    emails: [{ address, isPrimary: true, isConfirmed }],
  });

  async function signInTwice(policy: string, between: (app: TestApp, sandbox: Sandbox) => unknown) {
    const both = await startBoth({ omniauth: policy });
    await signInWithBitbucket(openBrowser(both.app), both.sandbox);
    await between(both.app, both.sandbox);
    const browser = openBrowser(both.app);
    expect((await signInWithBitbucket(browser, both.sandbox)).status).toBe(303);
    return { ...both, browser, account: await accountOf(both.app, 'alice') };
  }

  const rename = (_app: TestApp, sandbox: Sandbox) => Object.assign(sandbox.person('alice'), renamed());

  test.each([
    ['', 'Alice Example', 'alice@example.test'],
    ['  sync_profile_from_provider: false\n', 'Alice Example', 'alice@example.test'],
    ['  sync_profile_from_provider: true\n', 'Alice Renamed', 'alice.new@example.test'],
    ['  sync_profile_from_provider: [bitbucket]\n', 'Alice Renamed', 'alice.new@example.test'],
    ['  sync_profile_from_provider: true\n  sync_profile_attributes: [name]\n', 'Alice Renamed', 'alice@example.test'],
    [
      '  sync_profile_from_provider: true\n  sync_profile_attributes: [email]\n',
      'Alice Example',
      'alice.new@example.test',
    ],
    ['  sync_profile_from_provider: true\n  sync_profile_attributes: []\n', 'Alice Example', 'alice@example.test'],
  ])('%j gives %s <%s> after a change at Bitbucket', async (policy, name, email) => {
    const { app, account, browser } = await signInTwice(policy, rename);
    expect(account).toMatchObject({ name, email, email_key: email, email_verified: 1 });
    expect((await browser.get('/api/v4/user')).body).toMatchObject({ name, email });
    const changed = [
      ...(name === 'Alice Example' ? [] : ['name']),
      ...(email === 'alice@example.test' ? [] : ['email']),
    ];
    const events = await eventsIn(app, 'profile_synced');
    expect(events.map(({ details }) => JSON.parse(details ?? '') as unknown)).toEqual(
      changed.length > 0 ? [{ changed }] : [],
    );
  });

  test('what was set here stays: name, address, or both (LK-031)', async () => {
    const set = { name: 'Set Here', name_set_here: 1, email: 'set-here@example.test', email_set_here: 1 };
    const { app, account } = await signInTwice('  sync_profile_from_provider: true\n', async (app, sandbox) => {
      rename(app, sandbox);
      const keyed = { ...set, email_key: set.email };
      await app.services.db.updateTable('accounts').set(keyed).where('username', '=', 'alice').execute();
    });
    expect(account).toMatchObject(set);
    expect(await eventsIn(app, 'profile_synced')).toEqual([]);
  });

  test('an address that Bitbucket no longer confirms, or names none, takes nothing away (LK-031)', async () => {
    const { app, sandbox, account } = await signInTwice(
      '  sync_profile_from_provider: true\n  sync_profile_attributes: [email]\n',
      (_app, sandbox) => Object.assign(sandbox.person('alice'), renamed('alice.new@example.test', false)),
    );
    expect(account).toMatchObject({ email: 'alice@example.test', email_verified: 1 });
    sandbox.person('alice').emails = [];
    expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
    expect(await accountOf(app, 'alice')).toMatchObject({ email: 'alice@example.test', email_verified: 1 });
  });

  test('an address that somebody else has here is left to them, and the person comes in all the same', async () => {
    const { account } = await signInTwice('  sync_profile_from_provider: true\n', async (app, sandbox) => {
      await makeAccount(app, { username: 'x', email: 'alice.new@example.test' });
      rename(app, sandbox);
    });
    expect(account).toMatchObject({ name: 'Alice Renamed', email: 'alice@example.test' });
  });

  test('of twenty sign-ins at the same moment each comes in, and the change is noted', async () => {
    const { app, sandbox } = await startBoth({
      omniauth: '  sync_profile_from_provider: true\n',
      yaml: 'rate_limits: { oauth_per_minute: 0 }\n',
    });
    await signInWithBitbucket(openBrowser(app), sandbox);
    rename(app, sandbox);
    const answers = await Promise.all(Array.from({ length: 20 }, () => signInWithBitbucket(openBrowser(app), sandbox)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));
    expect(await accountOf(app, 'alice')).toMatchObject({ name: 'Alice Renamed', email: 'alice.new@example.test' });
  });
});

describe('auto_sign_in_with_provider', () => {
  const AUTO = '  auto_sign_in_with_provider: bitbucket\n';

  test('goes to a provider that is on; one that is switched off in the panel is not gone to', async () => {
    const { app } = await startBoth({ omniauth: AUTO });
    const page = async () => (await openBrowser(app).get('/users/sign_in').expect(200)).text;
    expect(await page()).toMatch(/data-auto-submit[\s\S]*auto-sign-in/);
    const root = await openAsRoot(app);
    const settings = '/admin/application_settings/general';
    const _csrf = csrfOf(await root.get(settings));
    await root.post(settings).type('form').send({ _csrf, enabled_oauth_sign_in_sources: '' }).expect(303);
    expect(await page()).not.toMatch(/data-auto-submit|auto-sign-in/);
    expect(await page()).toContain('name="password"');
  });

  test('with enabled: false the page stands still, too', async () => {
    const { app } = await startBoth({ omniauth: `${AUTO}  enabled: false\n` });
    expect((await openBrowser(app).get('/users/sign_in')).text).not.toMatch(/data-auto-submit|auto-sign-in/);
  });
});

test('enabled: false is no button, no start and no end of what was started; sessions go on (LK-034)', async () => {
  const { app, sandbox } = await startBoth();
  const alice = await openAs(app, sandbox);
  const pending = openBrowser(app);
  const back = await sandbox.decide(await clickBitbucket(pending), { as: 'bob', decision: 'allow' });
  app.reconfigure(twoProviders(sandbox, '  enabled: false\n'));
  const page = await pending.get('/users/sign_in').expect(200);
  expect(page.text).not.toContain('Sign in with Bitbucket');
  await pending
    .post('/users/auth/bitbucket')
    .type('form')
    .send({ _csrf: csrfOf(page) })
    .expect(404);
  await pending.get('/users/auth/bitbucket').expect(404);
  await pending.get(pathOf(back)).expect(404);
  expect([await whoAmI(pending), await whoAmI(alice)]).toEqual([null, 'alice']);
});

test('an account that was closed at Bitbucket and made again, with the old names and address, is a stranger (LK-032)', async () => {
  const { app, sandbox } = await startBoth({ omniauth: '  sync_profile_from_provider: true\n' });
  for (const [as, status] of [
    ['alice', 409], // her confirmed address is in use here: refused until she proves that account
    ['bob', 303], // without a confirmed address: an account of his own
  ] as const) {
    await signInWithBitbucket(openBrowser(app), sandbox, as);
    sandbox.person(as).uuid = `{${as === 'alice' ? 'a' : 'b'}0000000-0000-4000-8000-000000000001}`;
    const again = openBrowser(app);
    expect((await signInWithBitbucket(again, sandbox, as)).status).toBe(status);
    expect(await whoAmI(again)).toBe(as === 'alice' ? null : 'bob_builder-2');
  }
});

describe('two providers of the same kind', () => {
  test('have a button each, and identities of their own: the same person is two', async () => {
    const { app, sandbox } = await startTwoProviders();
    const { text } = await openBrowser(app).get('/users/sign_in');
    expect(text).toMatch(/Sign in with Bitbucket\s*<[\s\S]*Sign in with Bitbucket of the others/);
    await signInWith('bitbucket', openBrowser(app), sandbox, 'bob');
    const other = openBrowser(app);
    await signInWith('second', other, sandbox, 'bob');
    expect(await whoAmI(other)).toBe('bob_builder-2');
    const { uuid } = sandbox.person('bob');
    const [one, two] = await identitiesIn(app);
    expect([one, two]).toMatchObject([
      { provider: 'bitbucket', extern_uid: uuid },
      { provider: 'second', extern_uid: uuid },
    ]);
    expect(one?.account_id).not.toBe(two?.account_id);
    const clients = sandbox.requestsTo('token').map(({ headers }) => headers.authorization);
    expect(new Set(clients).size).toBe(2); // each code was exchanged by the consumer that it was given to
  });

  test('a flow of the one cannot be finished with a code of the other (CB-034)', async () => {
    const { app, sandbox } = await startTwoProviders();
    const browser = openBrowser(app);
    const [first, second] = [await clickBitbucket(browser), await clickBitbucket(browser, {}, 'second')];
    expect(new URL(second).searchParams.get('client_id')).toBe(SECOND.key);
    const one = new URL(await sandbox.decide(first, { as: 'bob', decision: 'allow' }));
    const two = new URL(await sandbox.decide(second, { as: 'bob', decision: 'allow' }));
    const mixed = new URL(one);
    mixed.searchParams.set('state', two.searchParams.get('state') ?? '');
    expect((await browser.get(pathOf(mixed.href))).status).toBeGreaterThanOrEqual(400);
    expect(await whoAmI(browser)).toBeNull();
    expect(await identitiesIn(app)).toEqual([]);
  });
});

describe('allowed_workspaces', () => {
  test('a uuid does not let in who has only a workspace with the old slug; capitals are the same (LK-026)', async () => {
    const { app, sandbox } = await startBoth();
    const acme = sandbox.workspaces.find(({ slug }) => slug === 'acme')!;
    const allow = (workspace: string) =>
      app.reconfigure(
        `omniauth: { providers: [{ name: bitbucket, app_id: ${CONSUMER.key}, app_secret: ${CONSUMER.secret}, url: '${sandbox.url}', allowed_workspaces: ['${workspace}'] }] }`,
      );
    allow(acme.uuid.toUpperCase());
    expect((await signInWithBitbucket(openBrowser(app), sandbox, 'bob')).status).toBe(303);
    allow('AcMe');
    expect((await signInWithBitbucket(openBrowser(app), sandbox, 'bob')).status).toBe(303);
    allow(acme.uuid);
    acme.uuid = '{00000000-0000-4000-8000-000000000001}'; // given up, and taken by somebody else
    const answer = await signInWithBitbucket(openBrowser(app), sandbox, 'bob');
    expect([answer.status, answer.text.includes('not in an admitted workspace')]).toEqual([403, true]);
  });
});
