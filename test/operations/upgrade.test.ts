// An upgrade with many people, killed in the middle again and again. There is one published migration so far, so the
// second one is made up (upgrade.js). The moments have no seed: what a process is doing at one of them could not be
// repeated anyway.
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import { freePort, run } from '../commands/run.ts';
import { describeWith, postgres } from './needs.ts';
import { configure, openSandbox, PUBLIC_URL, SECRET_KEY, startNode, wait } from './nodes.ts';
import { makeDatabase } from './postgres.ts';
import { Visitor } from './visitor.ts';
import { migrations } from '../../src/db/migrations/index.ts';

/** `OPERATIONS_UPGRADE_KILLS=20 OPERATIONS_UPGRADE_PEOPLE=100000` for a thorough look. */
const KILLS = Number(process.env['OPERATIONS_UPGRADE_KILLS'] ?? 2);
const PEOPLE = Number(process.env['OPERATIONS_UPGRADE_PEOPLE'] ?? 2000);
const PROGRAM = join(__dirname, 'upgrade.js');
const TIME_OUT_MS = 240_000 + KILLS * 2000 + PEOPLE;

/** The version of this Gatehouse, and the one that upgrade.js makes up. */
const NOW = migrations.length;
const NEXT = NOW + 1;
const MANY = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${PEOPLE})
  insert into accounts (username, name, state, admin, created_at)
  select 'person-' || n, 'Person ' || n, 'active', 0, n from numbers`;

interface Database {
  kind: 'sqlite' | 'postgres';
  address: string;
  env: NodeJS.ProcessEnv;
  query(sql: string): Promise<Record<string, unknown>[]>;
}

async function killInTheMiddle({ kind, address }: Database): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, kind, address, 'hold'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await wait(Math.random() * 350);
  child.kill('SIGKILL');
  await ended;
}

async function expectUntouched({ query }: Database): Promise<void> {
  expect((await query('select version from schema_version'))[0]).toEqual({ version: NOW });
  expect(Number((await query('select count(*) as count from accounts'))[0]?.['count'])).toBe(PEOPLE + 2);
  // Not toThrow: jest does not know an error of better-sqlite3 for one when another test file has loaded it before.
  const message = expect.stringMatching(/greeting/) as string;
  await expect(query('select greeting from accounts limit 1')).rejects.toMatchObject({ message });
  await expect(query('select * from greetings')).rejects.toMatchObject({ message });
}

/** @param make the database that a configuration in this folder uses, which may not be there yet */
async function upgradeUnderFire(make: (cwd: string) => Promise<Database>): Promise<void> {
  const sandbox = await openSandbox();
  const [cwd, port] = [configure(sandbox), await freePort()];
  const database = await make(cwd);
  const { query, env, kind, address } = database;
  const alice = new Visitor({ url: PUBLIC_URL, port });
  const before = await startNode(cwd, port, env);
  expect((await alice.signIn(sandbox)).status).toBe(303);
  before.process.kill('SIGTERM');
  await before.ended;
  await query(MANY);

  for (let kills = 0; kills < KILLS; kills += 1) {
    await killInTheMiddle(database);
    await expectUntouched(database);
  }
  // Two at once, and again: one of them does it, once.
  const upgrade = () => execute(process.execPath, [PROGRAM, kind, address]);
  const said = [...(await Promise.all([upgrade(), upgrade()])), await upgrade()].map(({ stdout }) => stdout.trim());
  expect(said.sort()).toEqual([`begun\nfrom ${NOW} to ${NEXT}`, `from ${NEXT} to ${NEXT}`, `from ${NEXT} to ${NEXT}`]);
  const greeted = `select count(*) as count from accounts where greeting = 'Hello ' || name`;
  expect(Number((await query(greeted))[0]?.['count'])).toBe(PEOPLE + 2);

  const old = await run(cwd, ['serve'], { PORT: String(port), ...env });
  expect(old.code).toBe(1);
  expect(old.err).toMatch(
    new RegExp(`^gatehouse: the database has version ${NEXT}, this Gatehouse knows ${NOW}\\. .*backup.*\\n$`),
  );
  expect((await query('select version from schema_version'))[0]).toEqual({ version: NEXT });
  // Whoever was signed in still is. (What was made up does not disturb the Gatehouse there is.)
  await query(`update schema_version set version = ${NOW}`);
  await startNode(cwd, port, env);
  expect(await alice.whoAmI()).toBe('alice');
}

const execute = promisify(execFile);
const TITLE =
  'an upgrade that is killed in the middle leaves everything as it was; it happens once, and the old Gatehouse refuses the new database';

test(
  `${TITLE}, with SQLite (DB-010, R-25)`,
  () =>
    upgradeUnderFire((cwd) => {
      const address = join(cwd, 'data/gatehouse.db');
      const query = async (sql: string) => {
        const database = new BetterSqlite3(address);
        try {
          const statement = database.prepare(sql);
          return await Promise.resolve(
            statement.reader ? (statement.all() as Record<string, unknown>[]) : (statement.run(), []),
          );
        } finally {
          database.close();
        }
      };
      return Promise.resolve({ kind: 'sqlite', address, env: {}, query });
    }),
  TIME_OUT_MS,
);

describeWith([postgres], 'an upgrade of PostgreSQL', () => {
  test(
    `${TITLE} (DB-010, R-25)`,
    () =>
      upgradeUnderFire(async () => {
        const { url, run: query } = await makeDatabase();
        const env = { DATABASE_URL: url, GATEHOUSE_SECRET_KEY: SECRET_KEY };
        return { kind: 'postgres', address: url, env, query };
      }),
    TIME_OUT_MS,
  );

  test('a new Gatehouse does not serve from an old database, and says which command upgrades it (DB-010)', async () => {
    const { url } = await makeDatabase({ empty: true });
    const cwd = configure(await openSandbox());
    const env = { DATABASE_URL: url, GATEHOUSE_SECRET_KEY: SECRET_KEY, PORT: String(await freePort()) };
    const serve = await run(cwd, ['serve'], env);
    expect(serve.code).toBe(1);
    expect(serve.err).toMatch(
      new RegExp(`^gatehouse: the database has version 0, this Gatehouse needs ${NOW}\\. .*gatehouse migrate\\n$`),
    );
  });
});
