// The database goes away in the middle of an import and comes back a minute later: a file that another program has locked,
// or a PostgreSQL that cannot be reached.
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { findImport } from '../../src/imports/store.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { startRelay } from '../operations/relay.ts';
import { onPostgres, postgresUrl } from '../support/database.ts';
import { makeDataDir } from '../support/at-end.ts';
import { until } from '../support/until.ts';
import { expectAll } from './brought.ts';
import { ask, callsOf, holdCalls, startClock, startWorker, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';

/** Where the database is reached, and how it is taken away and given back. */
async function makeUnsteady(dataDir: string) {
  if (!onPostgres) {
    let locker: BetterSqlite3.Database;
    const take = () => void (locker = new BetterSqlite3(join(dataDir, 'gatehouse.db'))).exec('begin immediate');
    return { env: {}, take, giveBack: () => void locker.exec('commit').close() };
  }
  const url = new URL(postgresUrl(dataDir));
  const relay = await startRelay({ host: url.hostname, port: Number(url.port || 5432) });
  url.host = `127.0.0.1:${relay.port}`;
  return { env: { DATABASE_URL: url.href }, take: () => relay.set('refuse'), giveBack: () => relay.set('pass') };
}

test.each(['comments', 'tasks', 'hooks'])(
  'a database that is away for a minute, while %s are read, is waited for: the same turn goes on, and nothing is lost, doubled or asked for twice (IR-026)',
  async (what) => {
    const { clock, jump } = startClock();
    const dataDir = makeDataDir();
    const { env, take, giveBack } = await makeUnsteady(dataDir);
    const repositories = [manyPullRequests({ count: 20, fullName: MANY })];
    const world = await startWorld({ dataDir, env, now: clock, sandbox: { repositories } });
    const { id } = await ask(world, MANY);
    world.sandbox.counts.clear();
    const middle = holdCalls(new RegExp(`/${what}\\b`));
    startWorker(world, { http: middle.http });
    await middle.reached;

    await take();
    middle.open();
    jump(60_000); // twice as long as a lease
    await until(() => world.app.log.some((line) => line.includes('could not show that it lives')));
    await giveBack();

    expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [], verification: { missing: [] } });
    await expectAll(world, MANY);
    const row = (await findImport(world.app.services.db, id))!;
    expect(row.fence).toBe(1);
    expect(row.api_calls).toBe(callsOf(world));
  },
);
