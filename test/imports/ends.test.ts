// How turns end beside what others do at that moment; and what is left half done on the disk.
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nameOf, saveFailure } from '../../src/imports/failures.ts';
import { keepFile } from '../../src/imports/keep-file.ts';
import { claimImport, endTurn, LEASE_MS, LeaseLost, whileHolding } from '../../src/imports/leases.ts';
import { askCancel, retryFailure } from '../../src/imports/start.ts';
import { findImport } from '../../src/imports/store.ts';
import { repositoryDir } from '../../src/projects/places.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { eventsOf } from '../support/people.ts';
import { makeDataDir } from '../support/at-end.ts';
import { expectAll } from './brought.ts';
import { ask, holdCalls, importAll, startClock, startWorker, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';
const sandbox = { repositories: [manyPullRequests({ count: 5, fullName: MANY })] };

test('cancelled while its turn ends, an import is cancelled, and neither waits nor goes on (IR-021)', async () => {
  const world = await startWorld({ sandbox });
  const { services } = world.app;
  const { db, now } = services;
  const { id } = await ask(world, MANY);
  const { fence } = (await claimImport(db, (await findImport(db, id))!, now()))!;
  await askCancel(services, { id });
  const end = { status: 'waiting', waiting_until: null, reason: 'It waits for its person.' } as const;
  const ended = await db
    .transaction()
    .execute((trx) => endTurn(trx, { importId: id, fence }, { end, calls: 0, now: now() }));
  expect(ended).toMatchObject({ status: 'cancelled' });
  expect(await findImport(db, id)).toMatchObject({ status: 'cancelled', reason: 'It was cancelled.' });
});

test('a worker that was away when its import was cancelled does not take that back (IR-004, IR-021)', async () => {
  const { clock, jump } = startClock();
  const world = await startWorld({ now: clock, sandbox });
  const { services } = world.app;
  const { db } = services;
  const { id } = await ask(world, MANY);
  const { fence } = (await claimImport(db, (await findImport(db, id))!, clock()))!;
  jump(LEASE_MS + 1000);
  await askCancel(services, { id });
  const lease = { importId: id, fence };
  await expect(whileHolding(db, lease, { calls: 0, work: async () => undefined })).rejects.toBeInstanceOf(LeaseLost);
  const end = { end: { status: 'queued' }, calls: 0, now: clock() } as const;
  expect(await db.transaction().execute((trx) => endTurn(trx, lease, end))).toBeUndefined();
  expect(await findImport(db, id)).toMatchObject({ status: 'cancelled' });
  expect(await eventsOf(world.app, 'import_ended')).toEqual([`import_ended ok cancelled ${MANY}`]);
});

test('of more failures than a report lists each goes once its item is here (IR-014)', async () => {
  const world = await startWorld({ sandbox });
  const { services } = world.app;
  const { db, now } = services;
  const state = await importAll(world, MANY);
  const common = { stage: 'comments', kind: 'comments', sourceUrl: null, reason: '', retryable: true } as const;
  for (let key = 1001; key <= 2001; key++)
    await saveFailure(db, state.id, { ...common, key: String(key), retry: 0 }, now());
  await saveFailure(db, state.id, { ...common, key: '1', retry: 0 }, now());
  const rows = await db.selectFrom('import_failures').selectAll().where('import_id', '=', state.id).execute();
  const one = rows.find((row) => nameOf(row) === 'comments 1')!;
  await retryFailure(services, (await findImport(db, state.id))!, one.id);
  expect(await waitFor(world, state.id)).toMatchObject({ status: 'partial' });
  const left = await db.selectFrom('import_failures').select('id').where('id', '=', one.id).execute();
  expect(left).toEqual([]);
});

test('a file that the disk had no room for is not there, and not there by half (IR-024)', async () => {
  const path = join(makeDataDir(), '5.diff');
  symlinkSync('/dev/full', `${path}.part`);
  await expect(keepFile(path, 'diff --git a/a b/a\n')).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(existsSync(path)).toBe(false);
});

test('locks of a git that was killed with its worker do not stand in the way of the next one (IR-001)', async () => {
  const world = await startWorld({ sandbox });
  const { id } = await ask(world, MANY);
  const list = holdCalls(/\/pullrequests\?/);
  const before = startWorker(world, { http: list.http });
  await list.reached;
  await before.stop();
  const dir = repositoryDir(world.app.services.config(), 1);
  for (const number of [1, 2, 3, 4, 5]) {
    const place = join(dir, `refs/pull-requests/${number}`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'from.lock'), '');
  }
  startWorker(world);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, MANY);
});
