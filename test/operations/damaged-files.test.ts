// SQLite's files after a power failure that tore them, or with a page that a disk has spoiled: they open with everything
// up to some moment, or they are refused. Never is half of something taken for the whole.
import {
  copyFileSync,
  openSync,
  closeSync,
  existsSync,
  readFileSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import request from 'supertest';
import { insertAccount, insertIdentity } from '../../src/accounts/store.ts';
import { openDatabase } from '../../src/db/open.ts';
import { StartProblem } from '../../src/errors.ts';
import { freePort, run } from '../commands/run.ts';
import { seeded } from '../support/jitter.ts';
import { makeDataDir } from '../support/at-end.ts';
import { startApp } from '../support/start-app.ts';
import { configure, openSandbox, PUBLIC_URL, startNode } from './nodes.ts';
import { Visitor } from './visitor.ts';

/** `OPERATIONS_TEARS=500 OPERATIONS_SEED=2` for a thorough look, at other places than in every other run. */
const TEARS = Number(process.env['OPERATIONS_TEARS'] ?? 60);
const SEED = Number(process.env['OPERATIONS_SEED'] ?? 1);
const PEOPLE = 60;
const FILES = ['gatehouse.db', 'gatehouse.db-wal'];

/** A database as a power failure leaves it: half of the people in the file, half in the log of changes. */
async function makeUnclean(): Promise<string> {
  const [open, left] = [makeDataDir(), makeDataDir()];
  const { db, migrate } = openDatabase({ kind: 'sqlite', path: join(open, 'gatehouse.db') });
  await migrate();
  const checkpointer = new BetterSqlite3(join(open, 'gatehouse.db'));
  for (let index = 1; index <= PEOPLE; index += 1) {
    await db.transaction().execute(async (trx) => {
      const about = { name: 'x'.repeat(500), email: null, state: 'active', admin: 0, password_hash: null } as const;
      const { id } = await insertAccount(trx, { ...about, username: `person-${index}`, created_at: index });
      const identity = { provider: 'bitbucket', extern_uid: `{${index}}`, display_name: 'x', created_at: index };
      await insertIdentity(trx, { ...identity, account_id: id, last_used_at: index });
    });
    if (index === PEOPLE / 2) checkpointer.pragma('wal_checkpoint(passive)');
  }
  for (const name of FILES) copyFileSync(join(open, name), join(left, name));
  checkpointer.close();
  await db.destroy();
  return left;
}

function copyOf(dataDir: string): string {
  const copy = makeDataDir();
  for (const name of FILES) if (existsSync(join(dataDir, name))) copyFileSync(join(dataDir, name), join(copy, name));
  return copy;
}

/** Cuts a tail off, or leaves garbage in the last sector that was written. */
function tear(path: string, random: () => number): void {
  const at = Math.floor(random() * statSync(path).size);
  truncateSync(path, at);
  if (random() < 0.7) return;
  const file = openSync(path, 'a');
  writeSync(file, Buffer.from(Array.from({ length: 512 }, () => Math.floor(random() * 256))));
  closeSync(file);
}

/** @returns how many people are there, all from the first one on and each with an identity. @throws when it is refused */
async function countPeople(dataDir: string): Promise<number> {
  const app = await startApp({ dataDir });
  await request(app.url).get('/-/readiness').expect(200);
  const rows = await app.services.db
    .selectFrom('accounts')
    .leftJoin('identities', 'identities.account_id', 'accounts.id')
    .select(['accounts.username', 'extern_uid'])
    .where('accounts.username', 'like', 'person-%')
    .orderBy('accounts.id')
    .execute();
  const expected = rows.map((_, index) => ({ username: `person-${index + 1}`, extern_uid: `{${index + 1}}` }));
  expect(rows).toEqual(expected);
  await app.stop();
  return rows.length;
}

test(
  'torn files open with everybody up to some moment, or are refused (DB-002, R-09)',
  async () => {
    const random = seeded(SEED);
    const unclean = await makeUnclean();
    expect(await countPeople(copyOf(unclean))).toBe(PEOPLE);
    const seen = new Set<number | 'refused'>();
    for (let index = 0; index < TEARS; index += 1) {
      const torn = copyOf(unclean);
      const isLog = index % 4 !== 0;
      tear(join(torn, isLog ? 'gatehouse.db-wal' : 'gatehouse.db'), random);
      const found = await countPeople(torn).catch((error: unknown): 'refused' => {
        if (error instanceof StartProblem && error.message.includes('damaged')) return 'refused';
        throw new Error(`seed ${SEED}, tear ${index}`, { cause: error });
      });
      // What had reached the file itself does not depend on the log.
      if (isLog && (found === 'refused' || found < PEOPLE / 2)) {
        throw new Error(`seed ${SEED}, tear ${index} of the log: ${found}`);
      }
      seen.add(found);
    }
    expect({ seed: SEED, different: seen.size > 5 }).toEqual({ seed: SEED, different: true });
  },
  240_000 + TEARS * 1000,
);

/** Turns every bit of a page around. Pages count from 1. */
function spoilPage(path: string, page: number): void {
  const bytes = readFileSync(path);
  const size = bytes.readUInt16BE(16);
  const file = openSync(path, 'r+');
  writeSync(
    file,
    bytes.subarray((page - 1) * size, page * size).map((byte) => byte ^ 0xff),
    0,
    size,
    (page - 1) * size,
  );
  closeSync(file);
}

test('whichever page is spoiled, it is noticed (DB-009)', async () => {
  const whole = copyOf(await makeUnclean());
  const database = new BetterSqlite3(join(whole, 'gatehouse.db'));
  const pages = database.pragma('page_count', { simple: true }) as number;
  database.close(); // with this the log is in the file
  expect(pages).toBeGreaterThan(15);
  for (let page = 1; page <= pages; page += 1) {
    const spoilt = copyOf(whole);
    spoilPage(join(spoilt, 'gatehouse.db'), page);
    await expect(startApp({ dataDir: spoilt })).rejects.toThrow(/damaged.*restore the backup/);
  }
});

test('a damaged database is not served: start and doctor say what to do, and with the backup all is well (DB-009)', async () => {
  const sandbox = await openSandbox();
  const [cwd, port, backup] = [configure(sandbox), await freePort(), join(makeDataDir(), 'backup.db')];
  const path = join(cwd, 'data/gatehouse.db');
  const node = await startNode(cwd, port);
  const alice = new Visitor({ url: PUBLIC_URL, port });
  expect((await alice.signIn(sandbox)).status).toBe(303);
  const database = new BetterSqlite3(path);
  await database.backup(backup);
  database.close();
  node.process.kill('SIGTERM');
  await node.ended;

  spoilPage(path, 3);
  const serve = await run(cwd, ['serve'], { PORT: String(port) });
  expect(serve).toMatchObject({ code: 1, err: expect.stringMatching(/^gatehouse: .*damaged.*backup.*\n$/) as string });
  const doctor = await run(cwd, ['doctor']);
  expect(doctor.code).toBe(1);
  expect(doctor.out + doctor.err).toMatch(/database.*is damaged/);

  copyFileSync(backup, path);
  await startNode(cwd, port);
  expect(await alice.whoAmI()).toBe('alice');
});
