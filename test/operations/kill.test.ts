// kill -9 at random moments while people sign in and out. What a browser was told has happened, has happened. The
// moments have no seed: what a process is doing at one of them could not be repeated anyway.
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { freePort } from '../commands/run.ts';
import { makeDataDir } from '../support/at-end.ts';
import { configure, makePeople, openSandbox, patient, PUBLIC_URL, startNode, wait } from './nodes.ts';
import { Visitor } from './visitor.ts';

/** In all, for two servers side by side. `OPERATIONS_KILLS=200` for a thorough look. */
const KILLS = Number(process.env['OPERATIONS_KILLS'] ?? 6);
const LANES = 2;
const BROWSERS = 3;
const READY_MS = 5000;

/** What a browser was told and nobody has changed since: it is signed in as this person, or (null) it is not. */
type Promises = Map<Visitor, string | null>;

/** Signs in, and sometimes out again, with one browser after the other until the server is gone. */
async function useUntilGone(lane: Lane, person: string): Promise<void> {
  for (;;) {
    const visitor = new Visitor({ url: PUBLIC_URL, port: lane.port });
    try {
      await useOnce(lane, visitor, person);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code ?? '')) return;
      throw error;
    }
  }
}

async function useOnce({ sandbox, promises }: Lane, visitor: Visitor, person: string): Promise<void> {
  expect((await visitor.signIn(sandbox, person)).status).toBe(303);
  promises.set(visitor, person);
  await wait(Math.random() * 40);
  if (Math.random() < 0.5) return;
  promises.delete(visitor); // while it is under way, either may be true
  expect((await visitor.signOut()).status).toBe(303);
  promises.set(visitor, null);
}

/** Looks at a copy, so that it is the server's own start that has to clear up. */
function check(dataDir: string): void {
  const aside = makeDataDir();
  for (const name of ['gatehouse.db', 'gatehouse.db-wal']) {
    if (existsSync(join(dataDir, name))) copyFileSync(join(dataDir, name), join(aside, name));
  }
  const database = new BetterSqlite3(join(aside, 'gatehouse.db'));
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(database.pragma('foreign_key_check')).toEqual([]);
    const orphans =
      'select count(*) from accounts where password_hash is null and id not in (select account_id from identities)';
    expect(database.prepare(orphans).pluck().get()).toBe(0);
  } finally {
    database.close();
  }
}

interface Lane {
  sandbox: Sandbox;
  port: number;
  promises: Promises;
}

/** @returns how long each start after a kill took, in milliseconds */
async function killAgainAndAgain(times: number): Promise<number[]> {
  const people = makePeople(BROWSERS);
  const lane: Lane = { sandbox: await openSandbox(people), port: await freePort(), promises: new Map() };
  const cwd = configure(lane.sandbox);
  const starts: number[] = [];
  for (let round = 0; round <= times; round += 1) {
    const began = Date.now();
    const node = await startNode(cwd, lane.port);
    if (round > 0) starts.push(Date.now() - began);
    for (const [visitor, person] of lane.promises) expect(await visitor.whoAmI()).toBe(person ?? 401);
    lane.promises.clear();
    const using = people.map(({ key }) => useUntilGone(lane, key));
    // Not before somebody was told something.
    while (lane.promises.size === 0) await wait(5);
    await wait(Math.random() * 200);
    node.process.kill('SIGKILL');
    await Promise.all([...using, node.ended]);
    check(join(cwd, 'data'));
  }
  return starts;
}

test(
  `a server that is killed ${KILLS} times under writes keeps its database whole and every promise, and is soon back (DB-001, R-08)`,
  async () => {
    const lanes = await Promise.all(Array.from({ length: LANES }, () => killAgainAndAgain(KILLS / LANES)));
    const starts = lanes.flat().sort((a, b) => a - b);
    // The middle one: a machine that is busy with something else may take its time now and then.
    expect(starts[Math.floor(starts.length / 2)]).toBeLessThan(patient(READY_MS));
  },
  240_000 + KILLS * 5000,
);
