// Tokens of people at Bitbucket: kept only where they are needed, sealed, and renewed by one at a time.
import { ProviderTokens } from '../../src/accounts/provider-tokens.ts';
import type { HttpRequest } from '../../src/bitbucket/http.ts';
import { BitbucketFailure } from '../../src/bitbucket/failure.ts';
import { TokenClient } from '../../src/bitbucket/token.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { unseal } from '../../src/seal.ts';
import { CONSUMER, providerYaml } from '../support/provider.ts';
import { openBrowser, signInWithBitbucket, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';

const MINUTE = 60_000;
const provider = ', allowed_workspaces: [acme]';

interface World {
  app: TestApp;
  sandbox: Sandbox;
  tokens: ProviderTokens;
  identityId: number;
  advance: (ms: number) => void;
  now: () => number;
}

/** Alice has signed in, and an hour's token is kept. */
async function start(yaml = '', switches = {}): Promise<World> {
  let now = Date.parse('2026-11-26T12:00:00Z');
  const clock = () => now;
  const consumers = [
    { ...CONSUMER, name: 'Gatehouse', permissions: ['account', 'email'], callbackUrl: 'http://localhost:' },
  ];
  const life = { expiresIn: 3600, accessTokenLifeSeconds: 3600, ...switches };
  const { app, sandbox } = await startBoth({
    ...{ now: clock, yaml, provider },
    sandbox: { consumers, now: clock, switches: life },
  });
  expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
  const { id } = await app.services.db.selectFrom('identities').select('id').executeTakeFirstOrThrow();
  sandbox.requests.length = 0;
  const tokens = new ProviderTokens(app.services);
  return { app, sandbox, tokens, identityId: id, advance: (ms) => void (now += ms), now: clock };
}

const rows = ({ app }: World) => app.services.db.selectFrom('provider_tokens').selectAll().execute();
const row = async (world: World) => (await rows(world))[0]!;

async function inside({ app, identityId }: World, { sealed }: { sealed: string }) {
  const text = unseal(sealed, app.services.keys.providerTokens, `provider_tokens identity ${identityId}`);
  return JSON.parse(text ?? '{}') as { access: string; refresh: string };
}

const lostEvents = ({ app }: World) =>
  app.services.db.selectFrom('audit_events').selectAll().where('action', '=', 'provider_tokens_lost').execute();

/** Asks Bitbucket who it is. @returns the name, or what was thrown */
const whoIs = ({ tokens, identityId, sandbox }: World, by = tokens) =>
  by.withAccessToken({ identityId }, async (accessToken) => {
    const reply = await fetch(`${sandbox.apiUrl}/user`, { headers: { authorization: `Bearer ${accessToken}` } });
    if (reply.status !== 200) throw new BitbucketFailure('failed', 'user', 'no', { remoteStatus: reply.status });
    return ((await reply.json()) as { username: string }).username;
  });

const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: unknown) => (error instanceof BitbucketFailure ? error.reason : (error as { code: string }).code),
  );

test('nothing is kept where nothing needs it (LK-035)', async () => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox);
  expect(await app.services.db.selectFrom('provider_tokens').selectAll().execute()).toEqual([]);
});

test('where workspaces are checked tokens are kept, sealed, and renewed by the next sign-in (LK-035)', async () => {
  const world = await start();
  const first = await row(world);
  expect(first).toMatchObject({ identity_id: world.identityId, scopes: 'account email', version: 1 });
  expect(first.expires_at).toBe(world.now() + 60 * MINUTE);
  const handedOut = new Set(world.sandbox.handedOut.map(({ value }) => value));
  const { access, refresh } = await inside(world, first);
  expect([handedOut.has(access), handedOut.has(refresh)]).toEqual([true, true]);
  expect(JSON.stringify(first)).not.toContain(access);
  await signInWithBitbucket(openBrowser(world.app), world.sandbox);
  const second = await row(world);
  expect(second.version).toBe(2);
  expect((await inside(world, second)).access).not.toBe(access);
});

test('a token goes with its identity', async () => {
  const world = await start();
  await world.app.services.db.deleteFrom('accounts').where('username', '=', 'alice').execute();
  expect(await rows(world)).toEqual([]);
});

test('a good token is used as it is, and renewed in the last fifth of its life', async () => {
  const world = await start();
  world.advance(47 * MINUTE);
  expect(await whoIs(world)).toBe('alice');
  expect(world.sandbox.requestsTo('token')).toHaveLength(0);
  world.advance(2 * MINUTE);
  expect(await whoIs(world)).toBe('alice');
  expect(world.sandbox.requestsTo('token')).toHaveLength(1);
  expect(await row(world)).toMatchObject({ version: 2, refreshing_until: 0, expires_at: world.now() + 60 * MINUTE });
});

test('tokens that live two minutes are renewed each minute, not at each use (PF-012)', async () => {
  const world = await start('', { expiresIn: 120, accessTokenLifeSeconds: 120 });
  for (let use = 0; use < 8; use += 1) {
    expect(await whoIs(world)).toBe('alice');
    world.advance(MINUTE / 2);
  }
  expect(world.sandbox.requestsTo('token')).toHaveLength(3);
});

test('after a 401 it is renewed and used once more; a second 401 comes through', async () => {
  const world = await start();
  world.sandbox.expireTokens('alice');
  expect(await whoIs(world)).toBe('alice');
  expect(world.sandbox.requestsTo('token')).toHaveLength(1);
  world.sandbox.fault('user', { kind: 'answer', status: 401, json: {} });
  expect(await reasonOf(whoIs(world))).toBe('failed');
  expect(world.sandbox.requestsTo('token')).toHaveLength(2);
});

test.each(['expired', 'refused with 401'])(
  'fifty at once on two processes find the token %s: Bitbucket is asked for one, once (IR-006)',
  async (how) => {
    const key = 'secret_key: a-key-of-more-than-thirty-two-characters\n';
    const world = await start(key);
    const other = await startApp({
      now: world.now,
      dataDir: world.app.dataDir,
      yaml: providerYaml(world.sandbox, provider) + key,
    });
    const others = new ProviderTokens(other.services);
    if (how === 'expired') world.advance(61 * MINUTE);
    else world.sandbox.expireTokens('alice');
    world.sandbox.fault('token', { kind: 'delay', ms: 300, times: 1 });
    const names = await Promise.all(
      Array.from({ length: 50 }, (_, index) => whoIs(world, index % 2 === 0 ? world.tokens : others)),
    );
    expect(new Set(names)).toEqual(new Set(['alice']));
    expect(world.sandbox.requestsTo('token')).toHaveLength(1);
    expect((await row(world)).version).toBe(2);
  },
);

test.each(['invalid_request', 'invalid_grant'] as const)(
  'Bitbucket says %s: the tokens are deleted, the person is told, and nobody asks again (IR-008)',
  async (badRefreshError) => {
    const world = await start('', { badRefreshError });
    world.sandbox.revoke('alice');
    expect(await reasonOf(whoIs(world))).toBe('reconnect');
    expect(await rows(world)).toEqual([]);
    expect(await lostEvents(world)).toMatchObject([
      { reason: 'grant_lost', account_name: 'alice', actor_id: null, target: 'bitbucket' },
    ]);
    expect(await reasonOf(whoIs(world))).toBe('reconnect');
    expect(world.sandbox.requestsTo('token')).toHaveLength(1);
    await signInWithBitbucket(openBrowser(world.app), world.sandbox);
    expect(await whoIs(world)).toBe('alice');
  },
);

test.each([
  ['500', { kind: 'answer', status: 500, json: {} }, 'failed'],
  ['429', { kind: 'answer', status: 429, json: {} }, 'throttled'],
  ['a reset', { kind: 'reset' }, 'failed'],
  ['a wrong secret', { kind: 'answer', status: 400, json: { error: 'unauthorized_client' } }, 'misconfigured'],
] as const)(
  '%s is no loss: the token is good to its end, and then it is tried again (IR-008)',
  async (_, fault, reason) => {
    const world = await start();
    world.sandbox.fault('token', fault);
    world.advance(50 * MINUTE);
    expect(await whoIs(world)).toBe('alice');
    world.advance(11 * MINUTE);
    expect(await reasonOf(whoIs(world))).toBe(reason);
    expect(await row(world)).toMatchObject({ version: 1, refreshing_until: 0 });
    world.sandbox.clearFaults();
    expect(await whoIs(world)).toBe('alice');
    expect(await lostEvents(world)).toEqual([]);
  },
);

describe('a process that died after Bitbucket had answered and before it could store the answer', () => {
  async function die(world: World): Promise<void> {
    const { db, http } = world.app.services;
    const client = new TokenClient({
      url: world.sandbox.url,
      clientID: CONSUMER.key,
      clientSecret: CONSUMER.secret,
      http,
    });
    await client.refresh((await inside(world, await row(world))).refresh);
    await db
      .updateTable('provider_tokens')
      .set({ refreshing_until: world.now() + 30_000 })
      .execute();
    world.sandbox.expireTokens('alice');
  }

  test('the old refresh token is tried again when its lease is over, and works for ten minutes (IR-007)', async () => {
    const world = await start();
    await die(world);
    world.advance(31_000);
    expect(await whoIs(world)).toBe('alice');
    expect((await row(world)).version).toBe(2);
  });

  test('later than that the person is asked to connect again (IR-007)', async () => {
    const world = await start();
    await die(world);
    world.advance(11 * MINUTE);
    expect(await reasonOf(whoIs(world))).toBe('reconnect');
    expect(await lostEvents(world)).toHaveLength(1);
  });

  test('a lease from a clock that was ahead bars nobody (R-18)', async () => {
    const world = await start();
    await world.app.services.db
      .updateTable('provider_tokens')
      .set({ refreshing_until: world.now() + 9e10 })
      .execute();
    world.sandbox.expireTokens('alice');
    expect(await whoIs(world)).toBe('alice');
  });
});

test('a sign-in during a refresh wins: its tokens stay', async () => {
  const world = await start();
  const { services } = world.app;
  world.advance(61 * MINUTE);
  let sealed = '';
  const http = {
    ...services.http,
    // Bitbucket has answered, and before the answer is stored the person signs in.
    send: async (request: HttpRequest) => {
      const reply = await services.http.send(request);
      await signInWithBitbucket(openBrowser(world.app), world.sandbox);
      sealed = (await row(world)).sealed;
      return reply;
    },
  };
  expect(await whoIs(world, new ProviderTokens({ ...services, http }))).toBe('alice');
  expect(await row(world)).toMatchObject({ sealed, version: 2 });
});

describe('the key', () => {
  const key = (...keys: string[]) => `secret_key: [${keys.map((name) => name.padEnd(40, '-')).join(', ')}]\n`;

  async function restart(world: World, yaml: string): Promise<World> {
    const app = await startApp({
      now: world.now,
      dataDir: world.app.dataDir,
      yaml: providerYaml(world.sandbox, provider) + yaml,
    });
    return { ...world, app, tokens: new ProviderTokens(app.services) };
  }

  test('is rotated: what the old one sealed opens, and is sealed with the new one at its next use (LK-036)', async () => {
    const before = await start(key('old'));
    const { sealed } = await row(before);
    const world = await restart(before, key('new', 'old'));
    expect(await whoIs(world)).toBe('alice');
    expect((await row(world)).sealed).not.toBe(sealed);
    const later = await restart(world, key('new'));
    expect(await whoIs(later)).toBe('alice');
    expect(await lostEvents(later)).toEqual([]);
  });

  test('is lost: the person connects again, and nothing breaks (LK-036)', async () => {
    const world = await restart(await start(key('old')), key('other'));
    expect(await reasonOf(whoIs(world))).toBe('reconnect');
    expect(await lostEvents(world)).toMatchObject([{ reason: 'unreadable', account_name: 'alice' }]);
    expect(await rows(world)).toEqual([]);
    await signInWithBitbucket(openBrowser(world.app), world.sandbox);
    expect(await whoIs(world)).toBe('alice');
  });

  test.each(['of another row', 'changed', 'cut off', 'no seal at all'])(
    'what stands in the row is %s: it does not open, and nothing breaks (LK-036)',
    async (how) => {
      const world = await start();
      await signInWithBitbucket(openBrowser(world.app), world.sandbox, 'bob');
      const { db } = world.app.services;
      const bob = await db
        .selectFrom('provider_tokens')
        .selectAll()
        .where('identity_id', '!=', world.identityId)
        .execute();
      const own = (await row(world)).sealed;
      const sealed = {
        'of another row': bob[0]!.sealed,
        changed: `${own.slice(0, -8)}AAAAAAAA`,
        'cut off': own.slice(0, 30),
        'no seal at all': '',
      }[how]!;
      await db.updateTable('provider_tokens').set({ sealed }).where('identity_id', '=', world.identityId).execute();
      expect(await reasonOf(whoIs(world))).toBe('reconnect');
      expect(await lostEvents(world)).toMatchObject([{ reason: 'unreadable', account_name: 'alice' }]);
      expect(await rows(world)).toHaveLength(1);
    },
  );
});
