// SQLite in trouble: locked by another program, or no room left on the disk.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { freePort } from '../commands/run.ts';
import { closeAtEnd, makeDataDir } from '../support/at-end.ts';
import { command, describeWith, linux } from './needs.ts';
import { configure, openSandbox, patient, PUBLIC_URL, SESSION_COOKIE, startNode, wait } from './nodes.ts';
import { fill } from './small-disk.ts';
import { Visitor } from './visitor.ts';

test('a database that another program keeps locked: who writes is told so after two seconds, who reads waits no longer than that, and who needs no database is served at once (DB-012)', async () => {
  const sandbox = await openSandbox();
  const cwd = configure(sandbox);
  const port = await freePort();
  await startNode(cwd, port);
  const alice = new Visitor({ url: PUBLIC_URL, port });
  await alice.signIn(sandbox);
  const stylesheet = /href="([^"]+\.css)"/.exec((await alice.get('/')).text)?.[1] ?? '';
  const writers = [alice.newBrowser(), alice.newBrowser()];

  const locker = new BetterSqlite3(join(cwd, 'data/gatehouse.db'));
  locker.exec('begin immediate');
  expect(await alice.whoAmI()).toBe('alice'); // reading needs no lock, but there is one connection, and a writer that waits has it
  const began = Date.now();
  let told = 0;
  const writing = writers.map((writer) => writer.start().finally(() => (told += 1)));
  await wait(50);
  const reading = Array.from({ length: 5 }, () => alice.whoAmI());
  expect((await alice.get('/-/health')).status).toBe(200);
  expect((await alice.get(stylesheet)).status).toBe(200);
  expect(told).toBe(0);

  expect(await Promise.all(reading)).toEqual(Array(5).fill('alice'));
  for (const { status, text } of await Promise.all(writing)) {
    expect([status, text]).toEqual([503, expect.stringContaining('Back in a moment')]);
  }
  // Not two seconds for each of those who write.
  expect(Date.now() - began).toBeLessThan(patient(3500));
  locker.exec('commit'); // not before now: all of this was with the lock held
  locker.close();
  expect((await alice.newBrowser().signIn(sandbox, 'bob')).status).toBe(303);
});

interface Room {
  folder: string;
  /** Takes all that is left. @returns gives it back */
  take(pid: number): () => void;
}

/** A small disk of its own where this process may make one, else a limit on the size of files, which ends in the same. */
function makeRoom(): Room {
  const folder = makeDataDir();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    const limit = (pid: number, bytes: string) => execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);
    const take = (pid: number) => {
      limit(pid, String(statSync(join(folder, 'gatehouse.db-wal')).size + 64 * 1024));
      return () => void limit(pid, 'unlimited');
    };
    return { folder, take };
  }
  closeAtEnd(() => void execFileSync('umount', ['--lazy', folder]));
  return { folder, take: () => fill(folder) };
}

describeWith([linux, command('prlimit')], 'a disk that is full', () => {
  test('nobody can sign in, who is signed in goes on, and with room again all is well without a restart (DB-008, R-16)', async () => {
    const sandbox = await openSandbox();
    const cwd = configure(sandbox);
    const { folder, take } = makeRoom();
    const port = await freePort();
    const node = await startNode(cwd, port, { GATEHOUSE_DATA_DIR: folder });
    const alice = new Visitor({ url: PUBLIC_URL, port });
    await alice.signIn(sandbox);
    const cookie = alice.cookie(SESSION_COOKIE);

    const giveBack = take(node.process.pid!);
    // The log of changes has room for some more; it is full before long.
    let started = await alice.newBrowser().start();
    for (let tries = 0; started.status === 302 && tries < 400; tries += 1) started = await alice.newBrowser().start();
    expect(started).toMatchObject({ status: 503, text: expect.stringContaining('Back in a moment') as string });
    expect(await alice.whoAmI()).toBe('alice');
    expect((await alice.get('/')).status).toBe(200);
    expect((await alice.newBrowser().get('/users/sign_in')).status).toBe(200);
    expect(alice.cookie(SESSION_COOKIE)).toBe(cookie);

    giveBack();
    expect((await alice.newBrowser().signIn(sandbox, 'bob')).status).toBe(303);
    expect((await alice.signOut()).status).toBe(303);
    expect(node.code).toBeNull();
    const database = new BetterSqlite3(join(folder, 'gatehouse.db'), { readonly: true });
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
  });
});
