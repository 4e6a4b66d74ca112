// PostgreSQL goes away in every way a network and a server know, and comes back. Nobody is signed out by it, nothing
// hangs, and no process has to be restarted.
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Running } from '../commands/run.ts';
import { freePort } from '../commands/run.ts';
import { describeWith, postgres } from './needs.ts';
import {
  configure,
  openSandbox,
  patient,
  PUBLIC_URL,
  SECRET_KEY,
  SESSION_COOKIE,
  startNode,
  untilWithin,
  wait,
} from './nodes.ts';
import type { TestDatabase } from './postgres.ts';
import { makeDatabase } from './postgres.ts';
import type { Relay } from './relay.ts';
import { startRelay } from './relay.ts';
import { Visitor } from './visitor.ts';

/** Two seconds for a connection, six for an answer, and something for the way. */
const NO_CONNECTION_MS = 3000;
const NO_ANSWER_MS = 7000;

interface Scene {
  database: TestDatabase;
  relay: Relay;
  sandbox: Sandbox;
  node: Running;
  alice: Visitor;
}

async function setTheScene(): Promise<Scene> {
  const sandbox = await openSandbox();
  const database = await makeDatabase();
  const relay = await startRelay(database);
  const port = await freePort();
  const env = { DATABASE_URL: database.urlBy(relay.port), GATEHOUSE_SECRET_KEY: SECRET_KEY };
  const node = await startNode(configure(sandbox), port, env);
  const alice = new Visitor({ url: PUBLIC_URL, port });
  expect((await alice.signIn(sandbox)).status).toBe(303);
  return { database, relay, sandbox, node, alice };
}

/** Every answer that needs the database is 503, and the browser keeps its cookie. */
async function expectAway(alice: Visitor, withinMs: number): Promise<void> {
  const cookie = alice.cookie(SESSION_COOKIE);
  const began = Date.now();
  const [page, api, ready] = await Promise.all([alice.get('/'), alice.get('/api/v4/user'), alice.get('/-/readiness')]);
  expect(Date.now() - began).toBeLessThan(patient(withinMs));
  expect(page).toMatchObject({ status: 503, text: expect.stringContaining('Back in a moment') as string });
  expect(page.headers['retry-after']).toBeDefined();
  expect(JSON.parse(api.text)).toMatchObject({ status: 503, code: 'unavailable' });
  expect(ready.status).toBe(503);
  expect((await alice.get('/-/liveness')).status).toBe(200);
  expect(alice.cookie(SESSION_COOKIE)).toBe(cookie);
}

async function expectHealed({ alice, sandbox, node }: Scene, withinMs: number): Promise<void> {
  await untilWithin(withinMs, async () => (await alice.whoAmI()) === 'alice');
  expect((await alice.newBrowser().signIn(sandbox, 'bob')).status).toBe(303);
  expect((await alice.get('/-/readiness')).status).toBe(200);
  expect(node.code).toBeNull();
}

async function stallAndGoOn(scene: Scene): Promise<void> {
  await scene.relay.set('stall');
  await expectAway(scene.alice, NO_ANSWER_MS);
  await scene.relay.set('pass');
  await expectHealed(scene, 3000);
}

/** As behind a firewall that has lost its memory: every connection there is costs one time-out, not one per request. */
async function forgetAndGoOn(scene: Scene): Promise<void> {
  scene.relay.forgetConnections();
  await Promise.all(Array.from({ length: 5 }, () => scene.alice.whoAmI()));
  await expectHealed(scene, 2000);
}

async function stopWhileStalled({ relay, node, alice }: Scene): Promise<void> {
  await relay.set('stall');
  void alice.whoAmI().catch(() => undefined);
  await wait(100);
  const began = Date.now();
  node.process.kill('SIGTERM');
  expect((await node.ended).code).toBe(0);
  expect(Date.now() - began).toBeLessThan(patient(12_000));
}

describeWith([postgres], 'PostgreSQL that is lost', () => {
  test('connections that are ended are replaced (R-15)', async () => {
    const scene = await setTheScene();
    for (let round = 0; round < 3; round += 1) {
      const busy = Array.from({ length: 10 }, () => scene.alice.whoAmI());
      await scene.database.endConnections();
      // What was under way at that moment may be told to wait; nobody is told to sign in.
      expect(['alice', 503]).toEqual(expect.arrayContaining(await Promise.all(busy)));
      await expectHealed(scene, 2000);
    }
  });

  test('a server that refuses, resets or is slow: 503 at once or a late answer, and all is well afterwards (R-15)', async () => {
    const scene = await setTheScene();
    for (const mood of ['refuse', 'reset'] as const) {
      await scene.relay.set(mood);
      await expectAway(scene.alice, NO_CONNECTION_MS);
      await scene.relay.set('pass');
      await expectHealed(scene, 2000);
    }
    await scene.relay.set({ delayMs: 100 });
    expect(await scene.alice.whoAmI()).toBe('alice');
    await scene.relay.set('pass');
    await expectHealed(scene, 2000);
  });

  // At the same time, because each of them waits for a time-out.
  test('a server that says nothing holds nobody up: neither requests, nor the time after, nor a stop (R-15)', async () => {
    const scenes = await Promise.all([setTheScene(), setTheScene(), setTheScene()]);
    const [stalled, forgotten, stopping] = scenes;
    await Promise.all([stallAndGoOn(stalled), forgetAndGoOn(forgotten), stopWhileStalled(stopping)]);
  });

  test('a server that has become read-only: people stay signed in, and signing in waits for it (DB-004)', async () => {
    const scene = await setTheScene();
    const { database, alice, sandbox } = scene;
    await database.administer(`alter database ${database.name} set default_transaction_read_only = on`);
    await database.endConnections();
    await untilWithin(2000, async () => (await alice.whoAmI()) === 'alice');
    const started = await alice.newBrowser().start();
    expect(started).toMatchObject({ status: 503, text: expect.stringContaining('Back in a moment') as string });
    expect((await alice.signOut()).status).toBe(503);
    expect(await alice.whoAmI()).toBe('alice');
    // Writable again, while the connections from before are still open: they are not used for ever.
    await database.administer(`alter database ${database.name} set default_transaction_read_only = off`);
    await untilWithin(3000, async () => (await alice.newBrowser().start()).status === 302);
    await expectHealed({ ...scene, sandbox }, 2000);
  });
});
