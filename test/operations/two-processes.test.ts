// Two processes behind one address: it does not matter which one answers.
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { freePort } from '../commands/run.ts';
import { describeWith, postgres } from './needs.ts';
import { configure, openSandbox, PUBLIC_URL, ROOT_PASSWORD, SECRET_KEY, startNode, untilWithin } from './nodes.ts';
import { makeDatabase } from './postgres.ts';
import { csrfOf, Visitor } from './visitor.ts';

interface Scene {
  sandbox: Sandbox;
  ports: [number, number];
  /** Working directory of the first. */
  cwd: string;
}

const LIMITS = 'rate_limits: { oauth_per_minute: 30, password_per_account: 3 }';

/** With PostgreSQL the two have different data directories, as on two machines. */
async function startTwo(databaseUrl: string | undefined, limits: string | undefined = LIMITS): Promise<Scene> {
  const sandbox = await openSandbox();
  const ports: [number, number] = [await freePort(), await freePort()];
  const shared = configure(sandbox, limits);
  const cwds = databaseUrl === undefined ? [shared, shared] : [shared, configure(sandbox, limits)];
  const env = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl, GATEHOUSE_SECRET_KEY: SECRET_KEY };
  // At the same moment, on an empty database.
  await Promise.all(ports.map((port, index) => startNode(cwds[index]!, port, env)));
  return { sandbox, ports, cwd: shared };
}

async function expectOneGatehouse({ sandbox, ports: [a, b] }: Scene): Promise<void> {
  const onA = new Visitor({ url: PUBLIC_URL, port: a });
  const onB = onA.through(b);

  const callback = await onA.agree(sandbox, await onA.start());
  expect((await onB.open(callback)).status).toBe(303);
  expect(await onA.whoAmI()).toBe('alice');
  expect((await onA.open(callback)).status).toBe(400); // used already, wherever it was

  const form = csrfOf(await onA.get('/'));
  expect((await onB.post('/users/sign_out', { _csrf: form })).status).toBe(303);
  expect(await onA.whoAmI()).toBe(401);

  await onB.signIn(sandbox);
  const thief = onA.withCookiesOf(onB);
  expect(await thief.whoAmI()).toBe('alice');
  await onB.signOut();
  await untilWithin(1000, async () => (await thief.whoAmI()) === 401);
}

async function expectOneCounter({ ports }: Scene): Promise<void> {
  const tries = Array.from({ length: 6 }, (_, index) =>
    new Visitor({ url: PUBLIC_URL, port: ports[index % 2]! }).signInWithPassword('root', 'not the password'),
  );
  const statuses = (await Promise.all(tries)).map(({ status }) => status).sort();
  expect(statuses).toEqual([422, 422, 422, 429, 429, 429]);
  const right = new Visitor({ url: PUBLIC_URL, port: ports[0] }).signInWithPassword('root', ROOT_PASSWORD);
  expect((await right).status).toBe(429);
}

/** First sign-ins of one person at both, and of different people: one account for each. */
async function expectNothingLost({ sandbox, ports }: Scene): Promise<void> {
  const people = ['bob', 'bob', 'carol', 'dan', 'eve', 'bob'];
  const visitors = people.map((_, index) => new Visitor({ url: PUBLIC_URL, port: ports[index % 2]! }));
  const answers = await Promise.all(visitors.map((visitor, index) => visitor.signIn(sandbox, people[index])));
  expect(answers.map(({ status }) => status)).toEqual(people.map(() => 303));
  const [elsewhere] = ports;
  const names = await Promise.all(visitors.map((visitor) => visitor.through(elsewhere).whoAmI()));
  expect(names).toEqual(['bob_builder', 'bob_builder', 'carol', 'daniel-muller', 'root-2', 'bob_builder']);
}

async function expectAll(scene: Scene): Promise<void> {
  await expectOneGatehouse(scene);
  await expectNothingLost(scene);
  await expectOneCounter(scene);
}

test('two processes on one SQLite file share sign-ins, sessions, limits and people (DB-012)', async () => {
  await expectAll(await startTwo(undefined));
});

test('of fifty who write at each of two processes on one SQLite file nobody is lost (DB-012)', async () => {
  const { ports, cwd } = await startTwo(undefined, 'rate_limits: { oauth_per_minute: 0 }');
  const starts = ports.flatMap((port) =>
    Array.from({ length: 50 }, () => new Visitor({ url: PUBLIC_URL, port }).start()),
  );
  const statuses = (await Promise.all(starts)).map(({ status }) => status);
  const told = statuses.filter((status) => status === 302).length;
  expect([told, 503]).toEqual(expect.arrayContaining([told, ...statuses.filter((status) => status !== 302)]));
  expect(told).toBeGreaterThan(50);
  const database = new BetterSqlite3(join(cwd, 'data/gatehouse.db'), { readonly: true });
  // One who was told 503 may have been written down before that.
  expect(database.prepare('select count(*) from flows').pluck().get()).toBeGreaterThanOrEqual(told);
  database.close();
});

describeWith([postgres], 'two processes on one PostgreSQL', () => {
  test('share sign-ins, sessions, limits and people (DB-013)', async () => {
    await expectAll(await startTwo((await makeDatabase()).url));
  });
});
