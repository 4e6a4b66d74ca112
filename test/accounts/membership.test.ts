// Membership of `allowed_workspaces` while people are signed in: asked for again and again, and what follows.
import { parseGroups } from '../../src/accounts/groups.ts';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { endAccess } from '../../src/accounts/membership.ts';
import { MembershipChecks } from '../../src/accounts/membership-checks.ts';
import type { Fault } from '../../src/sandbox/faults.ts';
import { providerYaml } from '../support/provider.ts';
import {
  csrfOf,
  openAs,
  openAsRoot,
  makeAccount,
  openBrowser,
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  whoAmI,
} from '../support/people.ts';
import { startApp } from '../support/start-app.ts';
import type { World } from './members.ts';
import { HOUR, leave, lost, MINUTE, provider, recheck, sessions, start } from './members.ts';

const PASSWORD = 'a long enough password';

const identity = ({ app }: World) => app.services.db.selectFrom('identities').selectAll().executeTakeFirstOrThrow();
const tokens = ({ app }: World) => app.services.db.selectFrom('provider_tokens').selectAll().execute();

async function makeAccessToken({ app }: World, expires_at: number | null = null): Promise<void> {
  const { db, now } = app.services;
  const { account_id } = await db.selectFrom('identities').select('account_id').executeTakeFirstOrThrow();
  const row = { account_id, name: 'ci', token_hash: 'x'.repeat(64), scopes: 'read_user', created_at: now() };
  await db
    .insertInto('access_tokens')
    .values({ ...row, expires_at, last_used_at: null })
    .execute();
}

test('who is still a member stays, and the time of the confirmation is kept (LK-025)', async () => {
  const world = await start();
  await recheck(world);
  expect(await whoAmI(world.browser)).toBe('alice');
  expect(await identity(world)).toMatchObject({ checked_at: world.now(), confirmed_at: world.now() });
  expect(await lost(world)).toEqual([]);
});

test('who has left the workspace loses session, tokens and groups within recheck_minutes, with the reason (LK-025)', async () => {
  const world = await start();
  leave(world);
  await recheck(world, 5 * MINUTE);
  expect(await whoAmI(world.browser)).toBe('alice');
  await recheck(world, 10 * MINUTE);
  expect(await whoAmI(world.browser)).toBeNull();
  expect(await tokens(world)).toEqual([]);
  expect(await identity(world)).toMatchObject({ groups: '[]', confirmed_at: -1 });
  expect(await lost(world)).toMatchObject([
    {
      ...{ reason: 'not_member', account_name: 'alice', actor_id: null, target: 'bitbucket' },
      details: { sessions: 1, shut_out: true, groups: ['acme', 'acme:owner', 'open-garden'] },
    },
  ]);
  expect((await signInWithBitbucket(openBrowser(world.app), world.sandbox)).status).toBe(403);
});

test('who comes back comes in again, and is asked for again (LK-025)', async () => {
  const world = await start();
  const comeBack = leave(world);
  await recheck(world);
  comeBack();
  expect((await signInWithBitbucket(world.browser, world.sandbox)).status).toBe(303);
  await recheck(world);
  expect(await whoAmI(world.browser)).toBe('alice');
  leave(world);
  await recheck(world);
  expect(await whoAmI(world.browser)).toBeNull();
  expect(await lost(world)).toHaveLength(2);
});

test('recheck_minutes says how soon', async () => {
  const world = await start('alice', '  recheck_minutes: 1\n');
  leave(world);
  await recheck(world, MINUTE);
  expect(await whoAmI(world.browser)).toBeNull();
});

test('nobody is asked for who does not use the server, nor where everybody may come in', async () => {
  const world = await start();
  await world.app.services.db.deleteFrom('sessions').execute();
  await recheck(world);
  expect(world.sandbox.requests).toHaveLength(0);
  await makeAccessToken(world, world.now() - 1);
  await recheck(world);
  expect(world.sandbox.requests).toHaveLength(0);
  await world.app.services.db.updateTable('access_tokens').set({ expires_at: null }).execute();
  await recheck(world);
  expect(world.sandbox.requestsTo('workspaces')).toHaveLength(1);
  world.app.reconfigure(providerYaml(world.sandbox));
  await recheck(world);
  expect(world.sandbox.requestsTo('workspaces')).toHaveLength(1);
  expect(await tokens(world)).toEqual([]);
  expect(await identity(world)).toMatchObject({ confirmed_at: 0, groups: '[]' });
});

describe('Bitbucket says that it is over', () => {
  test('403: at once (LK-025)', async () => {
    const world = await start();
    world.sandbox.fault('workspaces', { kind: 'answer', status: 403, json: { type: 'error' } });
    await recheck(world);
    expect(await whoAmI(world.browser)).toBeNull();
    expect(await lost(world)).toMatchObject([{ reason: 'access_refused' }]);
  });

  test('401: with a new token it goes on', async () => {
    const world = await start();
    world.sandbox.expireTokens('alice');
    await recheck(world);
    expect(await whoAmI(world.browser)).toBe('alice');
    expect(world.sandbox.requestsTo('token')).toHaveLength(1);
  });

  test('401 to a new token, too: at once (LK-025)', async () => {
    const world = await start();
    world.sandbox.fault('workspaces', { kind: 'answer', status: 401, json: {} });
    await recheck(world);
    expect(await lost(world)).toMatchObject([{ reason: 'access_refused' }]);
    expect(await whoAmI(world.browser)).toBeNull();
  });

  test('the grant was taken back: at once, and the person comes in again by granting it (LK-025)', async () => {
    const world = await start();
    world.sandbox.revoke('alice');
    await recheck(world);
    expect(await whoAmI(world.browser)).toBeNull();
    expect(await lost(world)).toMatchObject([{ reason: 'grant_lost' }]);
    expect((await signInWithBitbucket(world.browser, world.sandbox)).status).toBe(303);
    await recheck(world);
    expect(await whoAmI(world.browser)).toBe('alice');
  });
});

const answer = (status: number, json: unknown = { type: 'error' }): Fault => ({ kind: 'answer', status, json });

test.each<[string, Fault]>([
  ['500', answer(500)],
  ['503', answer(503)],
  ['429', answer(429)],
  ['410', answer(410)],
  ['404', answer(404)],
  ['something else than JSON', { kind: 'html' }],
  ['JSON of another shape', answer(200, { values: 'none' })],
  ['null', answer(200, null)],
  ['half an answer', { kind: 'truncate' }],
  ['a reset', { kind: 'reset' }],
])(
  'Bitbucket answers %s: nobody loses anything before the grace is over, and then everybody (LK-024, LK-025)',
  async (_, fault) => {
    const world = await start();
    world.sandbox.fault('workspaces', fault);
    for (let hours = 0; hours < 24; hours += 4) await recheck(world, 4 * HOUR);
    expect(await whoAmI(world.browser)).toBe('alice');
    expect(await lost(world)).toEqual([]);
    await recheck(world);
    expect(await whoAmI(world.browser)).toBeNull();
    expect(await lost(world)).toMatchObject([{ reason: 'unconfirmed' }]);
  },
);

test('Bitbucket is back before the grace is over: it begins anew (LK-025)', async () => {
  const world = await start('alice', '  recheck_grace_hours: 2\n');
  for (let round = 0; round < 4; round += 1) {
    world.sandbox.fault('workspaces', answer(500));
    await recheck(world, 1.5 * HOUR);
    world.sandbox.clearFaults();
    await recheck(world);
  }
  expect(await whoAmI(world.browser)).toBe('alice');
});

test('an hour without token endpoint and a wrong secret are no reason either', async () => {
  const world = await start();
  world.sandbox.fault('token', answer(400, { error: 'unauthorized_client' }));
  await recheck(world, 3 * HOUR);
  world.sandbox.clearFaults();
  world.sandbox.fault('token', answer(500));
  await recheck(world, HOUR);
  expect(await whoAmI(world.browser)).toBe('alice');
});

test('Retry-After is kept to: nothing is asked until then', async () => {
  const world = await start();
  world.sandbox.fault('workspaces', { ...answer(429), headers: { 'retry-after': '1800' } } as Fault);
  await recheck(world);
  await recheck(world);
  expect(world.sandbox.requestsTo('workspaces')).toHaveLength(1);
  world.sandbox.clearFaults();
  await recheck(world);
  expect(world.sandbox.requestsTo('workspaces')).toHaveLength(2);
  expect(await identity(world)).toMatchObject({ confirmed_at: world.now() });
});

test('people of an upgrade, whose tokens were never kept, have the grace from their sign-in (LK-025)', async () => {
  const world = await start();
  await world.app.services.db.deleteFrom('provider_tokens').execute();
  await world.app.services.db.updateTable('identities').set({ checked_at: 0, confirmed_at: 0 }).execute();
  await recheck(world, 23 * HOUR);
  expect(await whoAmI(world.browser)).toBe('alice');
  await recheck(world, 2 * HOUR);
  expect(await whoAmI(world.browser)).toBeNull();
  expect(await lost(world)).toMatchObject([{ reason: 'unconfirmed' }]);
});

test('two processes ask for each person once', async () => {
  const key = 'secret_key: a-key-of-more-than-thirty-two-characters\n';
  const world = await start('alice', '', key);
  for (const as of ['bob', 'twin']) {
    if (as === 'twin') world.sandbox.person(as).emails = [];
    expect((await signInWithBitbucket(openBrowser(world.app), world.sandbox, as)).status).toBe(303);
  }
  world.sandbox.requests.length = 0;
  const yaml = providerYaml(world.sandbox, provider) + key;
  const other = await startApp({ now: world.now, dataDir: world.app.dataDir, yaml });
  world.advance(15 * MINUTE);
  await Promise.all([world.checks.round(), new MembershipChecks(other.services).round()]);
  expect(world.sandbox.requestsTo('workspaces')).toHaveLength(3);
});

test('a sign-in during the check wins over what the check has heard', async () => {
  const world = await start();
  const { services } = world.app;
  const asked = await identity(world);
  world.advance(1000);
  const anew = await openAs(world.app, world.sandbox);
  const account = { id: asked.account_id, username: 'alice' };
  expect(await endAccess(services, { account, identity: asked, because: 'not_member' })).toBe(false);
  expect([await whoAmI(world.browser), await whoAmI(anew)]).toEqual(['alice', 'alice']);
  expect(await tokens(world)).toHaveLength(1);
  expect(await lost(world)).toEqual([]);
});

test('a blocked person is not asked for; a stopped server begins nothing more', async () => {
  const world = await start();
  await world.app.services.db
    .updateTable('accounts')
    .set({ state: 'blocked' })
    .where('username', '=', 'alice')
    .execute();
  await recheck(world);
  await world.app.services.db
    .updateTable('accounts')
    .set({ state: 'active' })
    .where('username', '=', 'alice')
    .execute();
  await world.checks.stop();
  await recheck(world);
  expect(world.sandbox.requests).toHaveLength(0);
});

test('a database that is away ends the round, not the process', async () => {
  const world = await start();
  await world.app.stop();
  await recheck(world);
  expect(world.app.log.join()).toContain('memberships could not be checked');
});

describe('groups', () => {
  const groups = async (world: World) => parseGroups((await identity(world)).groups);

  test('are the workspaces, with the role in admitted ones; an administrator is an owner without a question', async () => {
    const alice = await start();
    expect(await groups(alice)).toEqual(['acme', 'acme:owner', 'open-garden']);
    const bob = await start('bob');
    expect(await groups(bob)).toEqual(['acme', 'acme:create-project']);
    expect(alice.sandbox.requestsTo('permission')).toHaveLength(0);
  });

  test.each(['owner', 'collaborator', 'member'] as const)(
    'follow a change to %s at the next check',
    async (permission) => {
      const world = await start('bob');
      world.sandbox.person('bob').memberships[0]!.permission = permission;
      await recheck(world);
      expect(await groups(world)).toEqual(['acme', `acme:${permission}`]);
    },
  );

  test.each([
    ['500', answer(500), 'create-project'],
    ['nonsense', answer(200, { permission: 'acme:owner' }), undefined],
    ['403', answer(403), undefined],
  ] as const)('when the role is answered by %s', async (_, fault, role) => {
    const world = await start('bob');
    world.sandbox.fault('permission', fault);
    await recheck(world);
    expect(await groups(world)).toEqual(role === undefined ? ['acme'] : ['acme', `acme:${role}`]);
    expect(await whoAmI(world.browser)).toBe('bob_builder');
  });

  test('a workspace cannot be called like a role in another one', async () => {
    const world = await start('bob');
    const workspace = { slug: 'acme:owner', uuid: '{5c0e7a1f-93d4-4b6f-8a52-0f6d1c27bea0}', name: 'Evil' };
    world.sandbox.workspaces.push(workspace);
    world.sandbox.person('bob').memberships.push({ workspace: 'acme:owner', permission: 'member' });
    await recheck(world);
    expect(await groups(world)).toEqual(['acme', 'acme:create-project']);
  });

  test('of workspaces on every page', async () => {
    const world = await start();
    for (const membership of world.sandbox.person('dan').memberships)
      world.sandbox.person('alice').memberships.push(membership);
    await recheck(world);
    expect((await groups(world)).filter((group) => !group.includes(':'))).toHaveLength(14);
  });
});

test('connecting is an arrival, too: tokens and groups are kept', async () => {
  const world = await start();
  const root = await openAsRoot(world.app);
  const _csrf = csrfOf(await root.get('/').expect(200));
  const started = await root.post('/users/auth/bitbucket').type('form').send({ _csrf, purpose: 'link' });
  const callback = await world.sandbox.decide(String(started.headers['location']), { as: 'bob', decision: 'allow' });
  expect((await root.get(pathOf(callback))).status).toBe(303);
  expect(await tokens(world)).toHaveLength(2);
  leave(world, 'bob');
  await recheck(world);
  expect(await lost(world)).toMatchObject([
    { account_name: 'root', details: { sessions: 0, shut_out: false, groups: ['acme', 'acme:create-project'] } },
  ]);
  expect(await whoAmI(root)).toBe('root');
});

test.each(['password', 'session'] as const)(
  'so is proving an account by its %s: what came then is kept, and a later check finds a member',
  async (by) => {
    const world = await start('bob');
    const { db } = world.app.services;
    const ann = { username: 'ann', name: 'Ann', email: 'alice@example.test', state: 'active', admin: 0 } as const;
    await makeAccount(world.app, { ...ann, password_hash: await hashPassword(PASSWORD) });
    const browser = openBrowser(world.app);
    expect((await signInWithBitbucket(browser, world.sandbox, 'alice')).status).toBe(409);
    const came = world.now();
    const [waiting] = await db.selectFrom('pending_links').select('arrival').execute();
    expect(waiting?.arrival).toMatch(/^[0-9a-f]{8}\.[\w-]+$/); // sealed
    world.advance(9 * MINUTE);
    if (by === 'session') expect((await signInWithPassword(browser, 'ann', PASSWORD)).status).toBe(303);
    const page = await browser.get('/users/link').expect(200);
    const proof = { _csrf: csrfOf(page), mark: /name="mark" value="([^"]+)"/.exec(page.text)?.[1] };
    const password = by === 'password' ? { password: PASSWORD } : {};
    await browser
      .post('/users/link')
      .type('form')
      .send({ ...proof, ...password })
      .expect(303);
    const alices = db.selectFrom('identities').selectAll().where('extern_uid', '=', world.sandbox.person('alice').uuid);
    const connected = await alices.executeTakeFirstOrThrow();
    expect(parseGroups(connected.groups)).toEqual(['acme', 'acme:owner', 'open-garden']);
    expect(connected).toMatchObject({ checked_at: came, confirmed_at: came });
    expect(await tokens(world)).toHaveLength(2);
    await recheck(world, 2 * HOUR);
    await recheck(world, 25 * HOUR);
    expect(await whoAmI(browser)).toBe('ann');
    expect(await lost(world)).toEqual([]);
    leave(world);
    await recheck(world);
    expect(await lost(world)).toMatchObject([{ account_name: 'ann', reason: 'not_member' }]);
  },
);

test('where everybody may come in, nothing is kept of an arrival that waits for a proof', async () => {
  const world = await start('bob');
  world.app.reconfigure(providerYaml(world.sandbox));
  const ann = { username: 'ann', name: 'Ann', email: 'alice@example.test', state: 'active', admin: 0 } as const;
  await makeAccount(world.app, { ...ann, password_hash: null });
  expect((await signInWithBitbucket(openBrowser(world.app), world.sandbox, 'alice')).status).toBe(409);
  const { db } = world.app.services;
  expect(await db.selectFrom('pending_links').select('arrival').execute()).toEqual([{ arrival: null }]);
});

test.each(['[]', "['']", '[ ]', 'true'])(
  'allowed_workspaces: %s does not mean everybody: it is refused (LK-026)',
  async (list) => {
    const world = await start();
    const configure = () => world.app.reconfigure(providerYaml(world.sandbox, `, allowed_workspaces: ${list}`));
    expect(configure).toThrow(/workspace/);
  },
);

test.each(['acme', 'ACME', '{0b7d3c52-6f1e-4a0d-9c55-2f4e8d1a7b36}'])(
  'allowed_workspaces: [%s] is the same workspace (LK-026)',
  async (name) => {
    const world = await start();
    world.app.reconfigure(providerYaml(world.sandbox, `, allowed_workspaces: ['${name}']`) + sessions);
    await recheck(world);
    expect(await whoAmI(world.browser)).toBe('alice');
  },
);

test('a slug that another workspace has taken over: named by its uuid, the workspace is not it (LK-026)', async () => {
  const world = await start();
  const [acme] = world.sandbox.workspaces;
  world.app.reconfigure(providerYaml(world.sandbox, `, allowed_workspaces: ['${acme!.uuid}']`) + sessions);
  acme!.uuid = '{5c0e7a1f-93d4-4b6f-8a52-0f6d1c27bea1}';
  await recheck(world);
  expect(await whoAmI(world.browser)).toBeNull();
});
