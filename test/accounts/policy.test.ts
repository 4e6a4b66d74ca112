// Who comes in, and as whom.
import { baseUsername } from '../../src/accounts/usernames.ts';
import { openAs, openBrowser, signInWithBitbucket, startBoth, whoAmI } from '../support/people.ts';

async function me(browser: ReturnType<typeof openBrowser>) {
  return (await browser.get('/api/v4/user').expect(200)).body as Record<string, unknown>;
}

test('a new person gets an account of their own, with the uuid as identity', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox);
  expect(await me(browser)).toEqual({
    id: expect.any(Number) as number,
    username: 'alice',
    name: 'Alice Example',
    email: 'alice@example.test',
    state: 'active',
    admin: false,
    identities: [{ provider: 'bitbucket', extern_uid: sandbox.person('alice').uuid }],
  });
});

test('an e-mail address that is not confirmed counts for nothing (LK-004)', async () => {
  const { app, sandbox } = await startBoth();
  const bob = await openAs(app, sandbox, 'bob');
  expect(await me(bob)).toMatchObject({ username: 'bob_builder', email: null });
});

test('the same uuid with other names and another address is the same account (LK-001)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox);
  const { id } = await me(browser);
  Object.assign(sandbox.person('alice'), {
    username: 'renamed',
    nickname: 'renamed',
    displayName: 'Alice Renamed',
    emails: [{ address: 'new@example.test', isPrimary: true, isConfirmed: true }],
  });
  const later = await openAs(app, sandbox);
  expect((await me(later))['id']).toBe(id);
  expect(await app.services.db.selectFrom('accounts').select('id').execute()).toHaveLength(2);
});

test('another uuid with the old user name of somebody is somebody else (LK-002, LK-030)', async () => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox);
  Object.assign(sandbox.person('carol'), { username: 'alice', nickname: 'alice' });
  const carol = await openAs(app, sandbox, 'carol');
  expect(await whoAmI(carol)).toBe('alice-2');
});

test('somebody called root at Bitbucket is not root here', async () => {
  const { app, sandbox } = await startBoth();
  sandbox.person('carol').username = 'root';
  const browser = await openAs(app, sandbox, 'carol');
  expect(await me(browser)).toMatchObject({ username: 'root-2', admin: false });
});

test('another uuid with the confirmed address of somebody is refused, and told how to go on (LK-003)', async () => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox);
  const twin = openBrowser(app);
  const answer = await signInWithBitbucket(twin, sandbox, 'twin');
  expect(answer.status).toBe(409);
  expect(answer.text).toContain('Use another Bitbucket account');
  expect(answer.text).not.toContain('alice');
  expect(await whoAmI(twin)).toBeNull();
});

test.each([
  ['ALICE@EXAMPLE.TEST', 409],
  ['alıce@example.test', 303],
  ['a.lice@example.test', 303],
  ['alice+x@example.test', 303],
])('%s against alice@example.test gives %i: ASCII case alone is folded (LK-006)', async (address, status) => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox);
  sandbox.person('carol').emails = [{ address, isPrimary: true, isConfirmed: true }];
  expect((await signInWithBitbucket(openBrowser(app), sandbox, 'carol')).status).toBe(status);
});

test.each(['false', '[second]'])(
  'allow_single_sign_on: %s makes no accounts, and lets known people in (LK-022)',
  async (value) => {
    const { app, sandbox } = await startBoth();
    await signInWithBitbucket(openBrowser(app), sandbox);
    const provider = (name: string) =>
      `{ name: ${name}, app_id: test-key, app_secret: test-secret-53cr3t, url: '${sandbox.url}', args: { strategy: bitbucket } }`;
    app.reconfigure(
      `omniauth: { allow_single_sign_on: ${value}, providers: [${provider('bitbucket')}, ${provider('second')}] }`,
    );
    const stranger = openBrowser(app);
    const refused = await signInWithBitbucket(stranger, sandbox, 'carol');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('There is no account for you yet');
    expect(await app.services.db.selectFrom('accounts').select('id').execute()).toHaveLength(2);
    expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
  },
);

test('a new account waits where the policy says so, is approved, and comes in (LK-020)', async () => {
  const { app, sandbox } = await startBoth({ omniauth: '  block_auto_created_users: true\n' });
  const browser = openBrowser(app);
  for (let time = 0; time < 2; time += 1) {
    const answer = await signInWithBitbucket(browser, sandbox);
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('waits for approval');
    expect(await whoAmI(browser)).toBeNull();
  }
  await app.services.db.updateTable('accounts').set({ state: 'active' }).where('username', '=', 'alice').execute();
  expect((await signInWithBitbucket(browser, sandbox)).status).toBe(303);
});

test('a blocked person stays out, also when blocked while signed in (LK-018, SE-016)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox);
  await app.services.db.updateTable('accounts').set({ state: 'blocked' }).where('username', '=', 'alice').execute();
  expect(await whoAmI(browser)).toBeNull();
  const answer = await signInWithBitbucket(openBrowser(app), sandbox);
  expect(answer.status).toBe(403);
  expect(answer.text).toContain('This account is blocked');
  expect(
    await app.services.db.selectFrom('accounts').select('state').where('username', '=', 'alice').execute(),
  ).toEqual([{ state: 'blocked' }]);
});

test('a deleted person who comes again starts anew (LK-021)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox);
  const { id } = await me(browser);
  await app.services.db.deleteFrom('accounts').where('username', '=', 'alice').execute();
  expect(await whoAmI(browser)).toBeNull();
  const again = await openAs(app, sandbox);
  expect(Number((await me(again))['id'])).toBeGreaterThan(Number(id));
});

test('fields of a profile that look like rights are ignored (LK-029)', async () => {
  const { app, sandbox } = await startBoth();
  const { uuid } = sandbox.person('alice');
  sandbox.override('alice', {
    user: {
      json: {
        type: 'user',
        uuid,
        display_name: 'A',
        nickname: 'a',
        id: 1,
        is_admin: true,
        admin: 1,
        role: 'admin',
        state: 'x',
      },
    },
  });
  const browser = await openAs(app, sandbox);
  expect(await me(browser)).toMatchObject({ admin: false, state: 'active', username: 'a' });
});

describe('allowed_workspaces', () => {
  const provider = ", allowed_workspaces: ['ACME']";

  test('lets members in, refuses others with the reason, and finds members on the second page (LK-023)', async () => {
    const { app, sandbox } = await startBoth({ provider });
    expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
    const carol = openBrowser(app);
    const refused = await signInWithBitbucket(carol, sandbox, 'carol');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('Use another Bitbucket account');
    expect(await whoAmI(carol)).toBeNull();
    expect(await app.services.db.selectFrom('accounts').select('id').execute()).toHaveLength(2);
  });

  test('takes the uuid as well, and reads every page', async () => {
    const dans = (await startBoth()).sandbox.person('dan').memberships;
    expect(dans.length).toBeGreaterThan(10);
    const last = dans.at(-1)?.workspace ?? '';
    const { app, sandbox } = await startBoth({ provider: `, allowed_workspaces: ['${last}']` });
    expect((await signInWithBitbucket(openBrowser(app), sandbox, 'dan')).status).toBe(303);
    const uuid = sandbox.workspaces.find(({ slug }) => slug === 'acme')?.uuid;
    app.reconfigure(
      `omniauth: { providers: [{ name: bitbucket, app_id: test-key, app_secret: test-secret-53cr3t, url: '${sandbox.url}', allowed_workspaces: ['${uuid}'] }] }`,
    );
    expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
    expect((await signInWithBitbucket(openBrowser(app), sandbox, 'dan')).status).toBe(403);
  });

  test('if the list cannot be read, nobody comes in (LK-024)', async () => {
    const { app, sandbox } = await startBoth({ provider });
    for (const status of [500, 403, 410, 404]) {
      sandbox.fault('workspaces', { kind: 'answer', status, json: { type: 'error', error: { message: 'no' } } });
      const browser = openBrowser(app);
      const answer = await signInWithBitbucket(browser, sandbox);
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(await whoAmI(browser)).toBeNull();
      sandbox.clearFaults();
    }
    for (const json of [null, [], { values: {} }, { values: [null, 1, {}, { workspace: { slug: 'acme' } }] }]) {
      sandbox.fault('workspaces', { kind: 'answer', status: 200, json });
      const browser = openBrowser(app);
      expect((await signInWithBitbucket(browser, sandbox)).status).toBeGreaterThanOrEqual(400);
      expect(await whoAmI(browser)).toBeNull();
      sandbox.clearFaults();
    }
  });
});

test.each([
  [['Alice'], 'alice'],
  [['Ünï Cödé'], 'uni-code'],
  [['../../etc', 'x'], 'etc'],
  [[undefined, 'nick.name_1-2'], 'nick.name_1-2'],
  [['   ', '漢字'], 'user'],
  [['.git'], 'git'],
  [['repo.git'], 'repo-git'],
  [['a..b'], 'a.b'],
  [['x'.repeat(200)], 'x'.repeat(60)],
])('%j becomes %s', (wishes, name) => {
  expect(baseUsername(wishes)).toBe(name);
});
