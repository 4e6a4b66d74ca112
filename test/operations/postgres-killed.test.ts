// Kill -9 of Gatehouse and of PostgreSQL, and a fail-over, while people sign in and out. The moments have no seed:
// what a process is doing at one of them could not be repeated anyway.
import { openDatabase } from '../../src/db/open.ts';
import type { Running } from '../commands/run.ts';
import { freePort } from '../commands/run.ts';
import { Cluster, serverPrograms } from './cluster.ts';
import { Crowd } from './crowd.ts';
import { describeWith } from './needs.ts';
import { configure, makePeople, openSandbox, PUBLIC_URL, SECRET_KEY, startNode, untilWithin, wait } from './nodes.ts';
import { startRelay } from './relay.ts';
import { Visitor } from './visitor.ts';

/** Of each kind. `OPERATIONS_POSTGRES_KILLS=20` for a thorough look. */
const KILLS = Number(process.env['OPERATIONS_POSTGRES_KILLS'] ?? 1);
const BACK_WITHIN_MS = 10_000;

describeWith([serverPrograms], 'PostgreSQL and Gatehouse, killed', () => {
  test(
    'what a browser was told has happened, whichever of them is killed, and Gatehouse finds the way back by itself (DB-003, R-08, R-15)',
    async () => {
      const people = makePeople(3);
      const sandbox = await openSandbox(people);
      const cluster = await Cluster.make();
      await cluster.start();
      await migrate(cluster);
      const [cwd, port] = [configure(sandbox), await freePort()];
      const start = () => startNode(cwd, port, environment(cluster, cluster.port));
      let node = await start();
      const crowd = new Crowd({ sandbox, port, people: people.map(({ key }) => key) });
      for (let round = 0; round < 3 * KILLS; round += 1) {
        crowd.start();
        await crowd.untilPromised(3);
        await wait(Math.random() * 100);
        if (round % 3 === 0) node = await killNode(node, start);
        else await killCluster(cluster, round % 3 === 1 ? 'SIGKILL' : 'SIGQUIT');
        const visitor = new Visitor({ url: PUBLIC_URL, port });
        await untilWithin(BACK_WITHIN_MS, async () => (await visitor.get('/-/readiness')).status === 200);
        // Who was on the way out when it happened was promised nothing; all of them go on now.
        await crowd.untilPromised(3);
        await crowd.stop();
        await crowd.check();
        expect(node.code).toBeNull();
      }
    },
    240_000 + KILLS * 30_000,
  );

  test('a fail-over: who is signed in goes on at the copy, writing is 503 until it may, and nothing acknowledged is lost (DB-004)', async () => {
    const people = makePeople(3);
    const sandbox = await openSandbox(people);
    const first = await Cluster.make();
    await first.start();
    await migrate(first);
    const second = await first.makeStandby();
    const [relay, port] = [await startRelay(first), await freePort()];
    const node = await startNode(configure(sandbox), port, environment(first, relay.port));
    const crowd = new Crowd({ sandbox, port, people: people.map(({ key }) => key) });
    const alice = new Visitor({ url: PUBLIC_URL, port });
    expect((await alice.signIn(sandbox, 'person-0')).status).toBe(303);
    crowd.start();
    await crowd.untilPromised(6);

    await first.end('SIGKILL');
    relay.leadTo(second);
    await untilWithin(BACK_WITHIN_MS, async () => (await alice.whoAmI()) === 'person-0');
    expect((await alice.signOut()).status).toBe(503);
    expect((await alice.get('/-/readiness')).status).toBe(503);
    expect((await alice.newBrowser().start()).status).toBe(503);

    await second.query('select pg_promote()');
    await untilWithin(BACK_WITHIN_MS, async () => (await alice.get('/-/readiness')).status === 200);
    await crowd.untilPromised(6);
    await crowd.stop();
    await crowd.check();
    expect((await alice.signOut()).status).toBe(303);
    expect(node.code).toBeNull();
  });
});

function environment(cluster: Cluster, port: number): NodeJS.ProcessEnv {
  return { DATABASE_URL: cluster.urlBy(port), GATEHOUSE_SECRET_KEY: SECRET_KEY };
}

async function migrate(cluster: Cluster): Promise<void> {
  const { db, migrate: run } = openDatabase({ kind: 'postgres', url: cluster.urlBy(cluster.port) });
  await run();
  await db.destroy();
}

async function killNode(node: Running, again: () => Promise<Running>): Promise<Running> {
  node.process.kill('SIGKILL');
  await node.ended;
  return again();
}

async function killCluster(cluster: Cluster, signal: 'SIGKILL' | 'SIGQUIT'): Promise<void> {
  await cluster.end(signal);
  await wait(200);
  await cluster.start();
}
