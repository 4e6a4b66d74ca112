// Disks that take nothing more while an import is under way: each of the places that it writes to, one after the other.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { sql } from 'kysely';
import request from 'supertest';
import { diskFailureOf, failureOf } from '../../src/git/failure.ts';
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { start } from '../commands/run.ts';
import { expectAll } from '../imports/brought.ts';
import type { World } from '../imports/world.ts';
import { ask, besides, holdCalls, startClock, startWorker, startWorld, waitFor } from '../imports/world.ts';
import { makeDataDir } from '../support/at-end.ts';
import { describeWith } from './needs.ts';
import { until } from '../support/until.ts';
import type { Trouble } from './small-disk.ts';
import { makeDisk, mounting } from './small-disk.ts';

/** Of the first project, in the order in which an import comes to write there. */
const PLACES = ['repositories', 'projects/1/snapshots', 'projects/1/lfs', 'projects/1/attachments'];

async function expectServed({ app }: World): Promise<void> {
  await request(app.url).get('/-/health').expect(200);
  await request(app.url).get('/users/sign_in').expect(200);
}

function expectSound({ app }: World): void {
  const database = new BetterSqlite3(join(app.dataDir, 'gatehouse.db'), { readonly: true });
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  database.close();
}

describeWith([mounting], 'an import whose disk takes nothing more', () => {
  test.each<[Trouble, RegExp]>([
    ['full', /disk is full/],
    ['without inodes', /disk is full/],
    ['read-only', /disk is read-only/],
  ])(
    'a disk that is %s for repositories, diffs, large files, images: the import waits with the reason, everything else goes on, and with the disk in order it ends as if nothing had been (IR-024, IR-025)',
    async (trouble, reason) => {
      const { clock, jump } = startClock();
      const dataDir = makeDataDir();
      const repairs = PLACES.map((place) => makeDisk(join(dataDir, place))(trouble));
      const repositories = [makeSmallSample, makeOddSample];
      const world = await startWorld({ dataDir, now: clock, sandbox: { repositories } });
      world.sandbox.repository('acme/odd-parts').isPrivate = false; // only then its images are given to anybody
      const { id } = await ask(world, 'acme/odd-parts');
      startWorker(world);
      const seen: string[] = [];
      for (const repair of repairs) {
        const state = await waitFor(world, id, ({ status, waiting_until: until, finished_at: end }) => {
          return end !== null || (status === 'waiting' && !seen.includes(until!));
        });
        expect([seen.length, state.status, state.reason]).toEqual([
          seen.length,
          'waiting',
          expect.stringMatching(reason),
        ]);
        await expectServed(world);
        repair();
        seen.push(state.waiting_until!);
        jump(Date.parse(state.waiting_until!) - clock() + 1000);
      }
      const state = await waitFor(world, id);
      expect(state.failures.map(({ kind, key }) => `${kind} ${key.split('/').at(-1)}`)).toEqual([
        'commits 3',
        'commits 12',
        'diff 5',
        `lfs_object ${'f'.repeat(64)}`,
        'attachment 1-lost.png',
      ]);
      await expectAll(world, 'acme/odd-parts');
      expect(readdirSync(join(dataDir, 'repositories'))).toEqual(['1.git']);
      expectSound(world);
    },
  );

  test('a disk that is full under the database: the import waits for room and ends as if nothing had been (IR-024)', async () => {
    const dataDir = makeDataDir();
    const trouble = makeDisk(dataDir, '64m');
    const world = await startWorld({ dataDir, sandbox: { repositories: [makeSmallSample, makeOddSample] } });
    const { id } = await ask(world, 'acme/odd-parts');
    const gate = holdCalls(/\/comments\b/);
    startWorker(world, { http: gate.http });
    await gate.reached;
    // Otherwise room that its log has taken before lets it write on for a while.
    await sql`pragma wal_checkpoint(truncate)`.execute(world.app.services.db);
    const repair = trouble('full');
    gate.open();
    await until(() => world.app.log.some((line) => line.includes('an import waits for the database')));
    await expectServed(world);
    expect(await waitFor(world, id, () => true)).toMatchObject({ status: 'running' });
    repair();
    expect(await waitFor(world, id)).toMatchObject({ status: 'partial' });
    await expectAll(world, 'acme/odd-parts');
    expectSound(world);
  });

  test('a full disk for the log and for temporary files is no matter of imports (IR-024)', async () => {
    const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
    const temporary = makeDataDir();
    makeDisk(temporary, '64k')('full');
    const { id } = await ask(world, 'acme/odd-parts');
    const env = { ...besides(world), TMPDIR: temporary, SQLITE_TMPDIR: temporary };
    const worker = start(world.app.dataDir, ['work'], env, { before: 'exec > /dev/full 2> /dev/full;' });
    expect(await waitFor(world, id)).toMatchObject({ status: 'partial' });
    await expectAll(world, 'acme/odd-parts');
    worker.process.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  });
});

test('what git and Node say of a disk that takes nothing is told from everything else, a quota included (IR-025)', () => {
  const said = (words: string) => failureOf(`fatal: could not write: ${words}\n`).reason;
  const met = (code: string) => diskFailureOf(Object.assign(new Error(code), { code }))?.reason;
  expect([said('No space left on device'), met('ENOSPC')]).toEqual(['disk_full', 'disk_full']);
  expect([said('Disk quota exceeded'), met('EDQUOT')]).toEqual(['disk_full', 'disk_full']);
  expect([said('Read-only file system'), met('EROFS')]).toEqual(['read_only', 'read_only']);
  expect([said('Permission denied'), met('ENOENT'), diskFailureOf('ENOSPC')]).toEqual(['failed', undefined, undefined]);
});
