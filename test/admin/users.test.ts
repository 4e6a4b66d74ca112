// Admin → Users: finding people, and everything that can be done to one of them.
import {
  clickBitbucket,
  idOf,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { approve, changeAccount } from '../../src/admin/account-changes.ts';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { startApp } from '../support/start-app.ts';
import { eventsOf, follow, PASSWORD, readText, send, stateOf } from './panel.ts';

const WAIT = { omniauth: '  block_auto_created_users: true\n' };
const OTHER_UUID = '{0b9f1d52-6c3e-4f7a-8a11-0123456789ab}';

interface List {
  users: { id: number; username: string; canSignIn: boolean; waysIn: { words: string; open: boolean }[] }[];
  counts: Record<string, number>;
  total: number;
  page: number;
  pages: number;
}

describe('The list', () => {
  test('says of everybody how they can sign in, also that they cannot', async () => {
    const { app, sandbox } = await startBoth();
    await signInWithBitbucket(openBrowser(app), sandbox);
    await makeAccount(app, { username: 'nobody', external: 1 });
    const root = await openAsRoot(app);
    const page = (await root.get('/admin').expect(200)).text;
    expect(page).toMatch(/Password, last used <time/);
    expect(page).toMatch(/Bitbucket as Alice Example, last used <time/);
    expect(page).toContain('None: cannot sign in');
    expect(page).toContain('<span class="badge">external</span>');
    expect(page).toContain('<span class="badge">administrator</span>');
    app.reconfigure('password_sign_in: false');
    expect((await root.get('/admin')).text).toContain('(switched off)');
  });

  test.each([
    ['by user name', 'ALIC', ['alice']],
    ['by name', 'alice exa', ['alice']],
    ['by e-mail address', 'alice@example', ['alice']],
    ['by uuid', 'UUID', ['alice']],
    ['a wildcard is a letter', '%', []],
    ['so is the other one', 'al_ce', []],
    ['nobody', "x' or 1=1 --", []],
  ])('is searched %s', async (_how, q, expected) => {
    const { app, sandbox } = await startBoth();
    await signInWithBitbucket(openBrowser(app), sandbox);
    const root = await openAsRoot(app);
    const wanted = q === 'UUID' ? sandbox.person('alice').uuid.toUpperCase() : q;
    const list = (await root.get('/admin/users.json').query({ q: wanted }).expect(200)).body as List;
    expect(list.users.map(({ username }) => username)).toEqual(expected);
  });

  test('is narrowed down by state and right, each with its number', async () => {
    const app = await startApp();
    await makeAccount(app, { username: 'waits', state: 'waiting' });
    await makeAccount(app, { username: 'waits-too', state: 'waiting' });
    await makeAccount(app, { username: 'blocked', state: 'blocked', external: 1 });
    const root = await openAsRoot(app);
    const ask = async (filter: string) =>
      (await root.get(`/admin?filter=${filter}`).set('Accept', 'application/json').expect(200)).body as List;
    expect((await ask('all')).counts).toEqual({ all: 4, active: 1, waiting: 2, blocked: 1, external: 1, admins: 1 });
    const names = async (filter: string) => (await ask(filter)).users.map(({ username }) => username);
    expect(await names('waiting')).toEqual(['waits', 'waits-too']);
    expect(await names('blocked')).toEqual(['blocked']);
    expect(await names('external')).toEqual(['blocked']);
    expect(await names('admins')).toEqual(['root']);
    expect((await root.get('/')).text).toContain('href="/admin?filter=waiting"');
    expect((await root.get('/admin?filter=waiting')).text).toContain('Waiting (2)');
  });

  test('is sorted by name or by the last sign-in, of whichever way', async () => {
    const { app, sandbox } = await startBoth();
    const root = await openAsRoot(app);
    await signInWithBitbucket(openBrowser(app), sandbox);
    await makeAccount(app, { username: 'zoe', name: 'aaron' });
    const names = async (sort: string) =>
      ((await root.get(`/admin/users.json?sort=${sort}`)).body as List).users.map(({ username }) => username);
    expect(await names('name')).toEqual(['zoe', 'root', 'alice']);
    expect(await names('last_sign_in')).toEqual(['alice', 'root', 'zoe']);
  });

  test('has pages of fifty, and asks in vain for odd ones or for what it does not show (AD-010)', async () => {
    const app = await startApp();
    const many = Array.from({ length: 120 }, (_, index) => ({
      username: `person-${index}`,
      name: `P ${String(index).padStart(3, '0')}`,
      state: 'active' as const,
      admin: 0,
      created_at: 1,
    }));
    await app.services.db.insertInto('accounts').values(many).execute();
    const root = await openAsRoot(app);
    const ask = async (query: string) => (await root.get(`/admin/users.json?${query}`).expect(200)).body as List;
    expect(await ask('page=3')).toMatchObject({ page: 3, pages: 3, total: 121 });
    expect((await ask('page=3')).users).toHaveLength(21);
    for (const [query, page] of [
      ['page=-1', 1],
      ['page=1e9', 3],
      ['page=99999999999999999999', 1],
      ['page=1.5', 1],
      ['page=x', 1],
      ['page=1&page=2', 1],
      ['per_page=100000', 1],
      ['sort=password_hash', 1],
      ['sort[]=name', 1],
      ['filter=__proto__', 1],
      ['filter=toString', 1],
      [`q=${'x'.repeat(1000)}`, 1],
      ['q=%00', 1],
    ] as const) {
      const list = await ask(query);
      expect([query, list.page, list.users.length <= 50]).toEqual([query, page, true]);
    }
    const [normal, odd] = [await ask(''), await ask('sort=password_hash')];
    expect(odd).toEqual(normal);
    expect(JSON.stringify(normal)).not.toMatch(/password_hash|argon2/);
  });

  test('shows names as text, whatever they are (AD-009)', async () => {
    const app = await startApp();
    const id = await makeAccount(app, { username: 'mallory', name: `<script>alert(1)</script>"'&=cmd|'/c'!A1` });
    const root = await openAsRoot(app);
    for (const path of ['/admin', `/admin/users/${id}`]) {
      const page = (await root.get(path).expect(200)).text;
      expect(page).not.toContain('<script>alert');
      expect(page).toContain('&lt;script&gt;');
    }
  });
});

describe('Approving and rejecting', () => {
  test('who waits is approved and comes in; the event says by whom (LK-020)', async () => {
    const { app, sandbox } = await startBoth(WAIT);
    const alice = openBrowser(app);
    expect((await signInWithBitbucket(alice, sandbox)).status).toBe(403);
    const root = await openAsRoot(app);
    const id = await idOf(app, 'alice');
    const page = await follow(root, await send(root, `/admin/users/${id}/approve`));
    expect(page).toContain('Alice Example may sign in now');
    expect((await signInWithBitbucket(alice, sandbox)).status).toBe(303);
    expect(await whoAmI(alice)).toBe('alice');
    expect(await eventsOf(app, 'account_approved')).toMatchObject([
      { actor_name: 'root', account_name: /^deleted-\d+$/ },
    ]);
    expect((await send(root, `/admin/users/${id}/approve`)).status).toBe(409);
  });

  test('who is rejected is gone, and their name is free; an account that is in cannot be rejected (LK-021)', async () => {
    const { app, sandbox } = await startBoth(WAIT);
    await signInWithBitbucket(openBrowser(app), sandbox);
    const root = await openAsRoot(app);
    const first = await idOf(app, 'alice');
    const answer = await send(root, `/admin/users/${first}/reject`);
    expect(answer.headers['location']).toBe('/admin');
    expect(await stateOf(app, first)).toBeUndefined();
    await signInWithBitbucket(openBrowser(app), sandbox);
    const second = await idOf(app, 'alice');
    expect(second).toBeGreaterThan(first);
    await send(root, `/admin/users/${second}/approve`);
    expect((await send(root, `/admin/users/${second}/reject`)).status).toBe(409);
    expect(await stateOf(app, second)).toBe('active');
  });
});

test('a command approves by the same function, without a request, and the event says so', async () => {
  const app = await startApp();
  const accountId = await makeAccount(app, { username: 'ann', state: 'waiting' });
  await changeAccount(app.services, { accountId }, approve);
  expect(await stateOf(app, accountId)).toBe('active');
  expect(await eventsOf(app, 'account_approved')).toMatchObject([
    { actor_name: null, account_name: 'ann', reason: 'command_line' },
  ]);
});

describe('Blocking and deleting', () => {
  test('a blocked person is out at once on every device, and stays out; unblocking wakes no session (SE-016, LK-018)', async () => {
    const { app, sandbox } = await startBoth();
    const [desk, phone] = [openBrowser(app), openBrowser(app)];
    await signInWithBitbucket(desk, sandbox);
    await signInWithBitbucket(phone, sandbox);
    const root = await openAsRoot(app);
    const id = await idOf(app, 'alice');
    await follow(root, await send(root, `/admin/users/${id}/block`));
    expect([await whoAmI(desk), await whoAmI(phone)]).toEqual([null, null]);
    expect((await signInWithBitbucket(desk, sandbox)).status).toBe(403);
    await follow(root, await send(root, `/admin/users/${id}/unblock`));
    expect([await whoAmI(desk), await whoAmI(phone)]).toEqual([null, null]);
    expect((await signInWithBitbucket(desk, sandbox)).status).toBe(303);
  });

  test('who is blocked between the start and the way back does not come in (LK-019)', async () => {
    const { app, sandbox } = await startBoth();
    await signInWithBitbucket(openBrowser(app), sandbox);
    const root = await openAsRoot(app);
    const id = await idOf(app, 'alice');
    const alice = openBrowser(app);
    const callback = await sandbox.decide(await clickBitbucket(alice), { as: 'alice', decision: 'allow' });
    await send(root, `/admin/users/${id}/block`);
    expect((await alice.get(pathOf(callback))).status).toBe(403);
    await send(root, `/admin/users/${id}/unblock`);
    // And while Bitbucket is being asked:
    sandbox.fault('token', { kind: 'delay', ms: 300 });
    const coming = signInWithBitbucket(alice, sandbox);
    await send(root, `/admin/users/${id}/block`);
    await coming;
    expect(await whoAmI(alice)).toBeNull();
  });

  test('blocking voids what is under way: proofs that were offered, and dances that were started', async () => {
    const { app, sandbox } = await startBoth();
    await signInWithBitbucket(openBrowser(app), sandbox);
    await signInWithBitbucket(openBrowser(app), sandbox, 'twin'); // Alice's address: a proof is offered
    const id = await idOf(app, 'alice');
    const { db } = app.services;
    const flow = { state_hash: 'x', browser_hash: 'y', provider: 'bitbucket', code_verifier: '', remember_me: 0 };
    await db
      .insertInto('flows')
      .values({ ...flow, purpose: 'link', account_id: id, expires_at: Date.now() + 60_000, return_to: null })
      .execute();
    expect(await db.selectFrom('pending_links').select('account_id').execute()).toEqual([{ account_id: id }]);
    await send(await openAsRoot(app), `/admin/users/${id}/block`);
    expect(await db.selectFrom('pending_links').select('account_id').execute()).toEqual([]);
    expect(await db.selectFrom('flows').select('account_id').where('account_id', '=', id).execute()).toEqual([]);
  });

  test('deleting takes the user name typed; cookies of the deleted stay dead, and who comes again begins anew; a pseudonym stays in the audit log (SE-017, LK-021, LG-009)', async () => {
    const { app, sandbox } = await startBoth();
    const old = await openAs(app, sandbox);
    const root = await openAsRoot(app);
    const first = await idOf(app, 'alice');
    const page = await follow(root, await send(root, `/admin/users/${first}/delete`, { username: 'Alice' }));
    expect(page).toContain('What was typed is not the user name');
    expect(await stateOf(app, first)).toBe('active');
    const answer = await send(root, `/admin/users/${first}/delete`, { username: 'alice' });
    expect(await follow(root, answer)).toContain('There were no projects.');
    expect(await whoAmI(old)).toBeNull();
    expect(await app.services.db.selectFrom('identities').select('id').execute()).toEqual([]);
    await signInWithBitbucket(openBrowser(app), sandbox);
    const again = await idOf(app, 'alice');
    expect(again).toBeGreaterThan(first);
    expect(await whoAmI(old)).toBeNull();
    expect(await eventsOf(app, 'account_deleted')).toMatchObject([
      { actor_name: 'root', account_name: `deleted-${first}` },
    ]);
    const about = await app.services.db
      .selectFrom('audit_events')
      .selectAll()
      .where('account_id', '=', first)
      .execute();
    expect(JSON.stringify(about)).not.toMatch(/alice/i);
  });
});

describe('Rights', () => {
  test('who is made administrator gets a new session id, and may; unmade, the open form leads nowhere (AD-007, SE-018)', async () => {
    const app = await startApp();
    const id = await makeAccount(app, { username: 'ann', password: PASSWORD });
    const ann = openBrowser(app);
    await signInWithPassword(ann, 'ann', PASSWORD);
    expect((await ann.get('/admin')).status).toBe(404);
    const root = await openAsRoot(app);
    await follow(root, await send(root, `/admin/users/${id}/make_admin`));
    const renewed = await ann.get('/admin').expect(200);
    expect(String(renewed.headers['set-cookie'])).toContain('gatehouse=');
    const form = /name="_csrf" value="([^"]+)"/.exec((await ann.get('/admin/users/1').expect(200)).text)?.[1];
    await follow(root, await send(root, `/admin/users/${id}/unmake_admin`));
    const late = await ann.post('/admin/users/1/block').type('form').send({ _csrf: form });
    expect([403, 404]).toContain(late.status);
    expect((await ann.get('/admin')).status).toBe(404);
    expect(await whoAmI(ann)).toBe('ann');
    expect(await eventsOf(app, 'admin_granted')).toHaveLength(1);
    expect(await eventsOf(app, 'admin_revoked')).toHaveLength(1);
  });

  test('somebody is made external, and internal again', async () => {
    const app = await startApp();
    const id = await makeAccount(app, { username: 'ann' });
    const root = await openAsRoot(app);
    expect(await follow(root, await send(root, `/admin/users/${id}/make_external`))).toContain('external now');
    expect((await send(root, `/admin/users/${id}/make_external`)).status).toBe(409);
    await follow(root, await send(root, `/admin/users/${id}/unmake_external`));
    expect((await eventsOf(app, 'external_set')).map(({ details }) => details)).toEqual([
      '{"external":true}',
      '{"external":false}',
    ]);
  });

  test('"sign out everywhere" ends all sessions of one person and nobody else’s (AD-011)', async () => {
    const { app, sandbox } = await startBoth();
    const [alice, bob] = [openBrowser(app), openBrowser(app)];
    await signInWithBitbucket(alice, sandbox);
    await signInWithBitbucket(bob, sandbox, 'bob');
    const root = await openAsRoot(app);
    const id = await idOf(app, 'alice');
    expect((await root.get(`/admin/users/${id}`)).text).toContain('Signed in on 1 device');
    await follow(root, await send(root, `/admin/users/${id}/sign_out`));
    expect([await whoAmI(alice), await whoAmI(bob), await whoAmI(root)]).toEqual([null, 'bob_builder', 'root']);
  });

  test('a change of rights asks for a fresh proof of presence (AD-008)', async () => {
    let now = Date.now();
    const app = await startApp({ now: () => now });
    const id = await makeAccount(app, { username: 'ann' });
    const root = await openAsRoot(app);
    now += 16 * 60_000;
    const answer = await send(root, `/admin/users/${id}/block`);
    expect([answer.status, answer.headers['location']]).toEqual([
      303,
      `/users/confirm?return_to=%2Fadmin%2Fusers%2F${id}`,
    ]);
    expect(await stateOf(app, id)).toBe('active');
  });
});

describe('Name, address and identities', () => {
  test('an edited name and address stay, whatever the provider says at the next sign-in', async () => {
    const { app, sandbox } = await startBoth({ omniauth: '  sync_profile_from_provider: true\n' });
    await signInWithBitbucket(openBrowser(app), sandbox);
    const root = await openAsRoot(app);
    const id = await idOf(app, 'alice');
    await follow(root, await send(root, `/admin/users/${id}/edit`, { name: 'Alice Here', email: 'a@here.test' }));
    const alice = await openAs(app, sandbox);
    expect((await alice.get('/api/v4/user')).body).toMatchObject({ name: 'Alice Here', email: 'a@here.test' });
    expect(await eventsOf(app, 'account_changed')).toMatchObject([{ details: '{"changed":["name","email"]}' }]);
  });

  test('an address that is no address, or somebody else’s, is refused; so is a name without letters', async () => {
    const app = await startApp();
    await makeAccount(app, { username: 'bob', email: 'Bob@example.test' });
    const id = await makeAccount(app, { username: 'ann', email: 'ann@example.test' });
    const root = await openAsRoot(app);
    const edit = (name: string, email: string) => send(root, `/admin/users/${id}/edit`, { name, email });
    expect((await edit('ann', 'bob@EXAMPLE.test')).status).toBe(409);
    for (const [name, email] of [
      ['ann', 'no address'],
      ['ann', 'a@b'],
      ['ann', `${'x'.repeat(300)}@example.test`],
      [' \u200b', 'ann@example.test'],
      ['', ''],
    ] as const)
      expect(await follow(root, await edit(name, email))).toContain('Nothing was changed');
    expect(await follow(root, await edit('ann', 'ann@example.test'))).toContain('Nothing was different');
    expect(await eventsOf(app, 'account_changed')).toEqual([]);
    expect(await follow(root, await edit('ann', ''))).toContain('Saved');
  });

  test('fields that look like rights are ignored (AD-005)', async () => {
    const app = await startApp();
    const id = await makeAccount(app, { username: 'ann' });
    const root = await openAsRoot(app);
    const fields = { name: 'Ann', email: '', role: 'admin', admin: '1', is_admin: '1', state: 'blocked', id: '1' };
    await follow(root, await send(root, `/admin/users/${id}/edit`, fields));
    const account = await app.services.db.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst();
    expect(account).toMatchObject({ name: 'Ann', admin: 0, state: 'active' });
  });

  test('an identity is disconnected: who came by it is out, and does not get in by it any more', async () => {
    const { app, sandbox } = await startBoth();
    const alice = await openAs(app, sandbox);
    const root = await openAsRoot(app);
    const id = await idOf(app, 'alice');
    const { id: identity } = await app.services.db.selectFrom('identities').select('id').executeTakeFirstOrThrow();
    const page = await follow(root, await send(root, `/admin/users/${id}/identities/${identity}/disconnect`));
    expect(page).toContain('None: cannot sign in');
    expect(await whoAmI(alice)).toBeNull();
    expect((await signInWithBitbucket(alice, sandbox)).status).toBe(409); // the address is that account's
    expect(await eventsOf(app, 'identity_disconnected')).toMatchObject([{ target: 'bitbucket', actor_name: 'root' }]);
  });

  test('an identity is corrected: the other person opens the account from then on, the former one does not', async () => {
    const { app, sandbox } = await startBoth();
    const alice = await openAs(app, sandbox);
    const root = await openAsRoot(app);
    const id = await idOf(app, 'alice');
    const { id: identity } = await app.services.db.selectFrom('identities').select('id').executeTakeFirstOrThrow();
    const path = `/admin/users/${id}/identities/${identity}/correct`;
    const extern_uid = sandbox.person('carol').uuid.toUpperCase().slice(1, -1); // as people copy it
    expect(await follow(root, await send(root, path, { provider: 'bitbucket', extern_uid }))).toContain('Corrected');
    expect(await whoAmI(alice)).toBeNull();
    const carol = await openAs(app, sandbox, 'carol');
    expect(await whoAmI(carol)).toBe('alice');
    expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(409);
    expect(await eventsOf(app, 'identity_changed')).toMatchObject([{ account_name: 'alice', result: 'ok' }]);
    expect((await send(root, path, { provider: 'bitbucket', extern_uid })).status).toBe(404); // it is another one now
  });

  test('an identity is not corrected to one that somebody has, to another form, or to a provider that is none', async () => {
    const { app, sandbox } = await startBoth();
    await signInWithBitbucket(openBrowser(app), sandbox);
    await signInWithBitbucket(openBrowser(app), sandbox, 'bob');
    const root = await openAsRoot(app);
    const id = await idOf(app, 'alice');
    const before = await app.services.db.selectFrom('identities').selectAll().orderBy('id').execute();
    const path = `/admin/users/${id}/identities/${before[0]?.id}/correct`;
    const taken = await send(root, path, { provider: 'bitbucket', extern_uid: sandbox.person('bob').uuid });
    expect(taken.status).toBe(409);
    for (const [provider, extern_uid] of [
      ['bitbucket', '{00000000-0000-0000-0000-000000000000}'],
      ['bitbucket', 'alice'],
      ['bitbucket', ''],
      ['bitbucket', `${OTHER_UUID}\n{x`],
      ['nowhere', OTHER_UUID],
      ['__proto__', OTHER_UUID],
    ] as const)
      expect(await follow(root, await send(root, path, { provider, extern_uid }))).toContain('Nothing was changed');
    expect(await app.services.db.selectFrom('identities').selectAll().orderBy('id').execute()).toEqual(before);
    expect(await eventsOf(app, 'identity_changed')).toMatchObject([{ result: 'refused', reason: 'identity_taken' }]);
  });

  test('somebody else’s identity, and ids that are none, are not found, and nothing changes (LK-017, AD-016)', async () => {
    const { app, sandbox } = await startBoth();
    await signInWithBitbucket(openBrowser(app), sandbox);
    await signInWithBitbucket(openBrowser(app), sandbox, 'bob');
    const root = await openAsRoot(app);
    const [alice, bob] = [await idOf(app, 'alice'), await idOf(app, 'bob_builder')];
    const before = await app.services.db.selectFrom('identities').selectAll().orderBy('id').execute();
    const bobs = before.find(({ account_id }) => account_id === bob)?.id;
    const odd = ['0', '-1', '1.5', 'text', '1e3', '9223372036854775808', '9007199254740993', OTHER_UUID, '%00', '01'];
    for (const identity of [bobs, ...odd])
      expect((await send(root, `/admin/users/${alice}/identities/${identity}/disconnect`)).status).toBe(404);
    for (const id of [...odd, '999999']) {
      expect([id, (await root.get(`/admin/users/${id}`)).status]).toEqual([id, 404]);
      expect([id, (await send(root, `/admin/users/${id}/block`)).status]).toEqual([id, 404]);
    }
    expect(await app.services.db.selectFrom('identities').selectAll().orderBy('id').execute()).toEqual(before);
  });

  test('no page and no JSON of the administration shows a password, a token or a session (AD-012)', async () => {
    const app = await startApp();
    const hash = await hashPassword(PASSWORD);
    const id = await makeAccount(app, { username: 'ann', password_hash: hash });
    await signInWithPassword(openBrowser(app), 'ann', PASSWORD);
    const root = await openAsRoot(app);
    const sessions = await app.services.db.selectFrom('sessions').select(['id_hash', 'data']).execute();
    for (const path of [
      '/admin',
      '/admin/users.json',
      `/admin/users/${id}`,
      '/admin/audit_log',
      '/admin/audit_log.jsonl',
    ]) {
      for (const accept of ['text/html', 'application/json']) {
        const answer = await root.get(path).set('Accept', accept).buffer().parse(readText).expect(200);
        const text = String(answer.body);
        expect(text).not.toContain('argon2');
        for (const { id_hash } of sessions) expect(text).not.toContain(id_hash);
      }
    }
  });
});
