// Who has left the workspace: neither a password nor an access token outlives the membership, and with it they come back.
import request from 'supertest';
import { endAccess } from '../../src/accounts/membership.ts';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { makeSignInLink } from '../../src/accounts/sign-in-links.ts';
import { follow, send } from '../admin/panel.ts';
import { race, RACE_MS } from '../support/jitter.ts';
import type { Answer, Browser } from '../support/people.ts';
import { providerYaml } from '../support/provider.ts';
import {
  csrfOf,
  eventsOf,
  goToBitbucket,
  idOf,
  makeAccessToken,
  makeAccount,
  openAsRoot,
  openBrowser,
  openSignIn,
  signInWithBitbucket,
  signInWithPassword,
  submit,
  whoAmI,
} from '../support/people.ts';
import type { World } from './members.ts';
import { HOUR, leave, lost, provider, recheck, sessions, start } from './members.ts';

const ACCOUNT = '/-/profile/account';
const LINK = '/users/one_time_sign_in';
const PASSWORD = 'a long enough password';
const NO_LIMITS = 'rate_limits: { oauth_per_minute: 0, password_per_minute: 0, password_per_account: 0 }\n';

async function change({ app }: World, account: { admin?: number; password_hash?: string }): Promise<void> {
  await app.services.db.updateTable('accounts').set(account).where('username', '=', 'alice').execute();
}

/** Alice, who has a password beside Bitbucket. */
async function startWithPassword(yaml = ''): Promise<World> {
  const world = await start('alice', '', yaml);
  await change(world, { password_hash: await hashPassword(PASSWORD) });
  return world;
}

async function byPassword({ app }: World, password = PASSWORD): Promise<{ browser: Browser; answer: Answer }> {
  const browser = openBrowser(app);
  return { browser, answer: await signInWithPassword(browser, 'alice', password) };
}

async function byLink({ app }: World): Promise<Browser> {
  const { db, now } = app.services;
  const id = await idOf(app, 'alice');
  const token = await db.transaction().execute((trx) => makeSignInLink(trx, id, now()));
  const browser = openBrowser(app);
  const _csrf = csrfOf(await browser.get(LINK).expect(200));
  await browser.post(LINK).type('form').send({ _csrf, token }).expect(303);
  return browser;
}

/** @returns the status of a request that has nothing but the token */
async function tryToken({ app }: World, token: string): Promise<number> {
  const { status, headers } = await request(app.url).get('/api/v4/user').set('PRIVATE-TOKEN', token);
  if (status === 401) expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  return status;
}

async function loseMembership(world: World): Promise<() => void> {
  const comeBack = leave(world);
  await recheck(world);
  return comeBack;
}

async function sessionsOf({ app }: World): Promise<(string | null)[]> {
  const id = await idOf(app, 'alice');
  const rows = app.services.db.selectFrom('sessions').select('provider').where('account_id', '=', id);
  return (await rows.execute()).map((row) => row.provider);
}

test('a password does not outlive the membership, and is answered like a wrong one; nothing begun before goes on (LK-025, PW-001)', async () => {
  const world = await startWithPassword();
  const token = await makeAccessToken(world.browser);
  const [{ browser }, linked] = [await byPassword(world), await byLink(world)];
  expect(await Promise.all([browser, linked].map(whoAmI))).toEqual(['alice', 'alice']);
  await loseMembership(world);
  expect(await Promise.all([world.browser, browser, linked].map(whoAmI))).toEqual([null, null, null]);
  expect(await sessionsOf(world)).toEqual([]);
  expect(await tryToken(world, token)).toBe(401);
  const answers = [(await byPassword(world)).answer, (await byPassword(world, 'a wrong one')).answer];
  const [right, wrong] = answers.map(({ status, text }) => [
    status,
    text.replace(/name="_csrf" value="[^"]+"|content="[0-9a-f.]+"/g, ''),
  ]);
  expect(right).toEqual(wrong);
  expect(right?.[0]).toBe(422);
  expect(await lost(world)).toMatchObject([{ reason: 'not_member', details: { sessions: 3, shut_out: true } }]);
  expect((await eventsOf(world.app, 'sign_in')).slice(-2)).toEqual([
    'sign_in refused not_member password',
    'sign_in refused invalid_credentials password',
  ]);
  await recheck(world);
  expect(await lost(world)).toHaveLength(1); // and is not told again
});

test('who is confirmed as a member again has password and access tokens back (LK-025)', async () => {
  const world = await startWithPassword();
  const token = await makeAccessToken(world.browser);
  const comeBack = await loseMembership(world);
  comeBack();
  expect((await byPassword(world)).answer.status).toBe(422); // not by the password: nobody has asked Bitbucket yet
  expect((await signInWithBitbucket(world.browser, world.sandbox)).status).toBe(303);
  expect((await byPassword(world)).answer.status).toBe(303);
  expect(await tryToken(world, token)).toBe(200);
  await recheck(world);
  expect(await whoAmI(world.browser)).toBe('alice');
});

describe('a session of a one-time link, made for somebody who has left', () => {
  test('makes no access token that works, until the membership is back (LK-025)', async () => {
    const world = await start();
    const comeBack = await loseMembership(world);
    const linked = await byLink(world);
    expect(await whoAmI(linked)).toBe('alice');
    const token = await makeAccessToken(linked);
    expect(await tryToken(world, token)).toBe(401);
    await recheck(world);
    expect([await whoAmI(linked), await tryToken(world, token)]).toEqual(['alice', 401]);
    comeBack();
    expect((await signInWithBitbucket(world.browser, world.sandbox)).status).toBe(303);
    expect(await tryToken(world, token)).toBe(200);
  });

  test('opens the password by nothing but membership: not by setting one, not by disconnecting what was lost (LK-025)', async () => {
    const world = await start();
    await loseMembership(world);
    const linked = await byLink(world);
    const page = (await linked.get(ACCOUNT).expect(200)).text;
    expect(page).toContain('a password does not open your account');
    expect(page).toContain('This is your last way in');
    const passwords = { new_password: PASSWORD, new_password_again: PASSWORD };
    expect((await submit(linked, ACCOUNT, `${ACCOUNT}/password`, passwords)).status).toBe(303);
    expect((await byPassword(world)).answer.status).toBe(422);
    const { id } = await world.app.services.db.selectFrom('identities').select('id').executeTakeFirstOrThrow();
    expect((await submit(linked, ACCOUNT, `${ACCOUNT}/identities/${id}/disconnect`)).status).toBe(400);
    expect((await byPassword(world)).answer.status).toBe(422);
    expect((await linked.get('/users/confirm').expect(200)).text).not.toContain('type="password"');
  });

  test('confirms the membership by coming back from Bitbucket as a member (LK-025)', async () => {
    const world = await startWithPassword();
    const comeBack = await loseMembership(world);
    const linked = await byLink(world);
    expect((await goToBitbucket(linked, world.sandbox, 'alice', 'confirm')).status).toBe(403);
    comeBack();
    expect((await goToBitbucket(linked, world.sandbox, 'alice', 'confirm')).status).toBe(303);
    expect((await byPassword(world)).answer.status).toBe(303);
    await recheck(world);
    expect(await lost(world)).toHaveLength(1);
  });
});

describe('administrators', () => {
  test('keep password, its sessions and access tokens, until they are administrators no more (LK-025)', async () => {
    const world = await startWithPassword();
    await change(world, { admin: 1 });
    const token = await makeAccessToken(world.browser);
    const { browser } = await byPassword(world);
    await loseMembership(world);
    expect(await Promise.all([world.browser, browser].map(whoAmI))).toEqual([null, 'alice']);
    expect([(await byPassword(world)).answer.status, await tryToken(world, token)]).toEqual([303, 200]);
    expect(await lost(world)).toMatchObject([{ details: { sessions: 1, shut_out: false } }]);
    const root = await openAsRoot(world.app);
    const path = `/admin/users/${await idOf(world.app, 'alice')}`;
    await follow(root, await send(root, `${path}/unmake_admin`));
    expect(await whoAmI(browser)).toBeNull();
    expect([(await byPassword(world)).answer.status, await tryToken(world, token)]).toEqual([422, 401]);
    await follow(root, await send(root, `${path}/make_admin`));
    expect([(await byPassword(world)).answer.status, await tryToken(world, token)]).toEqual([303, 200]);
  });

  test.each([
    ['none', '', undefined],
    ['one that is switched off', 'password_sign_in: false\n', PASSWORD],
  ])('whose password is %s lose everything, too (LK-025)', async (_, yaml, password) => {
    const world = await start('alice', '', yaml);
    await change(world, { admin: 1, ...(password ? { password_hash: await hashPassword(password) } : {}) });
    const token = await makeAccessToken(world.browser);
    const linked = await byLink(world);
    await loseMembership(world);
    expect(await Promise.all([world.browser, linked].map(whoAmI))).toEqual([null, null]);
    expect(await tryToken(world, token)).toBe(401);
    expect(await lost(world)).toMatchObject([{ details: { shut_out: true } }]);
  });
});

describe('nobody else is concerned', () => {
  const SECOND = { key: 'second-key', secret: 'second-secret-0123456789' };

  /** A second provider of the same kind, which admits everybody unless `more` says otherwise. */
  function useTwoProviders({ app, sandbox }: World, more = ''): void {
    const second = `    - { name: second, app_id: ${SECOND.key}, app_secret: ${SECOND.secret}, url: '${sandbox.url}', args: { strategy: bitbucket } ${more} }\n`;
    app.reconfigure(providerYaml(sandbox, provider) + second + sessions);
  }

  /** As if Alice had connected herself there, too. */
  async function connectSecond({ app, now }: World): Promise<void> {
    const row = {
      provider: 'second',
      extern_uid: '{x}',
      display_name: 'Alice',
      created_at: now(),
      last_used_at: now(),
    };
    await app.services.db
      .insertInto('identities')
      .values({ account_id: await idOf(app, 'alice'), ...row })
      .execute();
  }

  test('who has an identity that admits everybody keeps the rest, as long as that one does (LK-025)', async () => {
    const world = await startWithPassword();
    useTwoProviders(world);
    await connectSecond(world);
    const token = await makeAccessToken(world.browser);
    const { browser } = await byPassword(world);
    await loseMembership(world);
    expect(await Promise.all([world.browser, browser].map(whoAmI))).toEqual([null, 'alice']);
    expect([(await byPassword(world)).answer.status, await tryToken(world, token)]).toEqual([303, 200]);
    expect(await lost(world)).toMatchObject([{ details: { sessions: 1, shut_out: false } }]);
    // With it would go what keeps the password open, so it is the last way in.
    const second = world.app.services.db.selectFrom('identities').select('id').where('provider', '=', 'second');
    const { id } = await second.executeTakeFirstOrThrow();
    expect((await submit(browser, ACCOUNT, `${ACCOUNT}/identities/${id}/disconnect`)).status).toBe(400);
    useTwoProviders(world, provider);
    await recheck(world, 25 * HOUR);
    expect(await lost(world)).toMatchObject([{}, { target: 'second', details: { shut_out: true } }]);
    expect(await whoAmI(browser)).toBeNull();
    expect([(await byPassword(world)).answer.status, await tryToken(world, token)]).toEqual([422, 401]);
  });

  test('accounts that no membership has opened go on, and so does one with an identity that was never used', async () => {
    const world = await startWithPassword();
    const { db } = world.app.services;
    const ann = { username: 'ann', name: 'Ann', email: null, state: 'active', admin: 0 } as const;
    await makeAccount(world.app, { ...ann, password_hash: await hashPassword(PASSWORD) });
    const browser = openBrowser(world.app);
    expect((await signInWithPassword(browser, 'ann', PASSWORD)).status).toBe(303);
    // An administrator has corrected Alice's uuid.
    const root = await openAsRoot(world.app);
    const { id, account_id } = await db.selectFrom('identities').selectAll().executeTakeFirstOrThrow();
    const correct = { provider: 'bitbucket', extern_uid: world.sandbox.person('carol').uuid };
    await follow(root, await send(root, `/admin/users/${account_id}/identities/${id}/correct`, correct));
    const alice = (await byPassword(world)).browser;
    await recheck(world, 25 * HOUR);
    expect([await whoAmI(browser), await whoAmI(alice)]).toEqual(['ann', 'alice']);
    expect(await lost(world)).toEqual([]);
  });

  test('when everybody may come in, who has left may again', async () => {
    const world = await startWithPassword();
    await loseMembership(world);
    expect((await byPassword(world)).answer.status).toBe(422);
    world.app.reconfigure(providerYaml(world.sandbox));
    expect((await byPassword(world)).answer.status).toBe(303);
  });
});

test('the administration says of somebody who has left that nothing opens the account, and why', async () => {
  const world = await startWithPassword();
  await loseMembership(world);
  const root = await openAsRoot(world.app);
  const path = `/admin/users/${await idOf(world.app, 'alice')}`;
  for (const address of ['/admin', path]) {
    const page = (await root.get(address).expect(200)).text.replace(/<time.*?<\/time>/g, 'TIME');
    expect(page).toMatch(/Password, never used *<strong>\(membership lost\)/);
    expect(page).toMatch(/Bitbucket as Alice Example, last used TIME *<strong>\(membership lost\)/);
    expect(page).toContain('None: cannot sign in');
  }
  expect((await root.get(path)).text).toContain('In no admitted workspace any more');
  const json = await root.get(path).set('Accept', 'application/json').expect(200);
  const ways = [
    { open: false, lost: true },
    { open: false, lost: true },
  ];
  expect(json.body).toMatchObject({ canSignIn: false, left: true, waysIn: ways });
  // The page says that a password opens an account without identities again; so it does.
  const { id } = await world.app.services.db.selectFrom('identities').select('id').executeTakeFirstOrThrow();
  await follow(root, await send(root, `${path}/identities/${id}/disconnect`));
  expect((await byPassword(world)).answer.status).toBe(303);
});

test('who comes as a member with another Bitbucket account proves the old account, and has it back (LK-003, LK-032)', async () => {
  const world = await startWithPassword();
  await loseMembership(world);
  const browser = openBrowser(world.app);
  expect((await signInWithBitbucket(browser, world.sandbox, 'twin')).status).toBe(409);
  const page = await browser.get('/users/link').expect(200);
  const mark = /name="mark" value="([^"]+)"/.exec(page.text)?.[1];
  const proof = { _csrf: csrfOf(page), mark, password: PASSWORD };
  await browser.post('/users/link').type('form').send(proof).expect(303);
  expect(await whoAmI(browser)).toBe('alice');
  await recheck(world);
  expect(await whoAmI(browser)).toBe('alice');
  expect((await byPassword(world)).answer.status).toBe(303);
});

test(
  'a sign-in by password at the very moment at which the membership is lost does not stay (LK-025)',
  async () => {
    const world = await startWithPassword(NO_LIMITS);
    const { services } = world.app;
    const account = { id: await idOf(world.app, 'alice'), username: 'alice' };
    await race(async ({ round, late }) => {
      await services.db.updateTable('identities').set({ confirmed_at: world.now() }).execute();
      const identity = await services.db.selectFrom('identities').selectAll().executeTakeFirstOrThrow();
      const browser = openBrowser(world.app);
      const right = { _csrf: await openSignIn(browser), login: 'alice', password: PASSWORD };
      // From before the password is checked until after the session is written.
      const ending = async () => {
        await new Promise((resolve) => setTimeout(resolve, (round * 53) % 160));
        return endAccess(services, { account, identity, because: 'not_member' });
      };
      const signingIn = async () => browser.post('/users/sign_in').type('form').send(right);
      const [answer, ended] = await Promise.all([late(signingIn), ending()]);
      expect([303, 422]).toContain(answer.status);
      expect([ended, await whoAmI(browser), await sessionsOf(world)]).toEqual([true, null, []]);
    });
  },
  RACE_MS,
);
