// A history of people who sign in and out, several browsers to a person, while the process is killed, stopped and cut
// off from its database at random moments. Whatever happened: what was promised holds, and the data fit together.
// The moments have no seed: what a process is doing at one of them could not be repeated anyway.
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Running } from '../commands/run.ts';
import { freePort } from '../commands/run.ts';
import { Crowd } from './crowd.ts';
import { describeWith, postgres } from './needs.ts';
import { configure, makePeople, openSandbox, SECRET_KEY, startNode, wait } from './nodes.ts';
import { makeDatabase } from './postgres.ts';
import { startRelay } from './relay.ts';

/** `OPERATIONS_HISTORY_SECONDS=300` for a thorough look. */
const SECONDS = Number(process.env['OPERATIONS_HISTORY_SECONDS'] ?? 2);
const PEOPLE = 5;

/** Each has to be 0. */
const INVARIANTS = [
  'select count(*) - count(distinct extern_uid) as wrong from identities',
  'select count(*) as wrong from accounts where password_hash is null and id not in (select account_id from identities)',
  "select count(*) - 1 as wrong from accounts where admin = 1 and state = 'active'",
  'select count(*) as wrong from sessions where account_id not in (select id from accounts)',
  `select case when count(*) > ${PEOPLE + 1} then 1 else 0 end as wrong from accounts`,
];

interface World {
  start: () => Promise<Running>;
  /** Keeps the process from its database for a moment, where there is a network between them. */
  partition?: () => Promise<void>;
  query: (sql: string) => Promise<{ wrong: unknown }[]>;
  crowd: Crowd;
}

async function live({ start, partition, query, crowd }: World): Promise<void> {
  let node = await start();
  const kill = async () => {
    node.process.kill('SIGKILL');
    await node.ended;
    node = await start();
  };
  const pause = async () => {
    node.process.kill('SIGSTOP');
    await wait(Math.random() * 500);
    node.process.kill('SIGCONT');
  };
  const faults = [kill, pause, ...(partition ? [partition] : [])];
  const end = Date.now() + SECONDS * 1000;
  for (let round = 0; round < faults.length || Date.now() < end; round += 1) {
    crowd.start();
    await crowd.untilPromised(5);
    await wait(Math.random() * 200);
    // Each once, then at random.
    await (faults[round] ?? faults[Math.floor(Math.random() * faults.length)]!)();
    await wait(100);
    await crowd.stop();
    await crowd.check();
  }
  for (const sql of INVARIANTS) expect([sql, Number((await query(sql))[0]?.wrong)]).toEqual([sql, 0]);
}

async function openWorld(): Promise<Pick<World, 'crowd'> & { cwd: string; port: number }> {
  const people = makePeople(PEOPLE);
  const sandbox = await openSandbox(people);
  const port = await freePort();
  const keys = people.map(({ key }) => key);
  return { cwd: configure(sandbox), port, crowd: new Crowd({ sandbox, port, people: [...keys, ...keys] }) };
}

const TIME_OUT_MS = 240_000 + SECONDS * 2000;

test(
  'a history with kills and pauses keeps every promise, on SQLite (DB-014, R-27)',
  async () => {
    const { cwd, port, crowd } = await openWorld();
    const query = (sql: string) => {
      const database = new BetterSqlite3(join(cwd, 'data/gatehouse.db'), { readonly: true });
      try {
        return Promise.resolve(database.prepare(sql).all() as { wrong: unknown }[]);
      } finally {
        database.close();
      }
    };
    await live({ start: () => startNode(cwd, port), query, crowd });
  },
  TIME_OUT_MS,
);

describeWith([postgres], 'a history with kills, pauses and a network that breaks', () => {
  test(
    'keeps every promise on PostgreSQL (DB-014, R-27)',
    async () => {
      const { cwd, port, crowd } = await openWorld();
      const database = await makeDatabase();
      const relay = await startRelay(database);
      const env = { DATABASE_URL: database.urlBy(relay.port), GATEHOUSE_SECRET_KEY: SECRET_KEY };
      const partition = async () => {
        await relay.set('reset');
        await wait(Math.random() * 500);
        await relay.set('pass');
      };
      const query = (sql: string) => database.run(sql) as Promise<{ wrong: unknown }[]>;
      await live({ start: () => startNode(cwd, port, env), partition, query, crowd });
    },
    TIME_OUT_MS,
  );
});
