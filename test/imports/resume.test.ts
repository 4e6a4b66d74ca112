// Imports that are interrupted, hindered and throttled end as if nothing had happened.
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { ImportWorker } from '../../src/imports/worker.ts';
import { expectAll } from './brought.ts';
import { verifyAgain } from '../../src/imports/progress.ts';
import { retryFailure } from '../../src/imports/start.ts';
import { claimImport, endTurn, LeaseLost, renewLease, whileHolding } from '../../src/imports/leases.ts';
import { findImport, wakeImports } from '../../src/imports/store.ts';
import type { World } from './world.ts';
import {
  ask,
  callsOf,
  EVERYTHING,
  giveConsent,
  importAll,
  startClock,
  startWorker,
  startWorld,
  waitFor,
} from './world.ts';

const MANY = 'acme/many';
const many = (count: number) => ({ repositories: [manyPullRequests({ count, fullName: MANY })] });

test('a worker that is stopped leaves its import where it is, and the next one goes on (IR-003)', async () => {
  const world = await startWorld({ sandbox: many(40) });
  const { id } = await ask(world, MANY);
  for (let turn = 0; turn < 8; turn++) {
    const worker = new ImportWorker(world.app.services, { lookEveryMs: 10 }).start();
    await new Promise((resolve) => setTimeout(resolve, 300 + turn * 50));
    const began = performance.now();
    await worker.stop();
    expect(performance.now() - began).toBeLessThan(7500); // after eight seconds it would go without them
  }
  startWorker(world);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, MANY);
});

test('random faults of Bitbucket lose nothing (IR-012)', async () => {
  const world = await startWorld({ sandbox: many(40) });
  world.sandbox.randomFaults({ percent: 5, seed: 7 });
  const { id } = await ask(world, MANY);
  startWorker(world);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, MANY);
});

test('with 50 calls in an hour and tokens of half a minute it waits, renews, and misses nothing (IR-005, IR-010)', async () => {
  const { clock, jump } = startClock();
  const switches = { hourlyLimit: 50, accessTokenLifeSeconds: 30, expiresIn: 30 };
  const world = await startWorld({ now: clock, sandbox: { ...many(40), now: clock, switches } });
  const { id } = await ask(world, MANY);
  startWorker(world);
  const waits: (string | null)[] = [];
  for (;;) {
    const state = await waitFor(
      world,
      id,
      ({ status, waiting_until: until }) => !['queued', 'running'].includes(status) && !waits.includes(until),
    );
    if (state.status !== 'waiting') {
      expect(state).toMatchObject({ status: 'done', failures: [] });
      break;
    }
    expect(state.reason).toMatch(/no more requests/);
    expect(Date.parse(state.waiting_until!) - clock()).toBeLessThanOrEqual(3600_000 + 31_000);
    waits.push(state.waiting_until);
    jump(Date.parse(state.waiting_until!) - clock() + 1000);
  }
  expect(waits.length).toBeGreaterThan(0);
  await expectAll(world, MANY);
  const clean = await startWorld({ sandbox: many(40) });
  await importAll(clean, MANY);
  expect(callsOf(world)).toBeLessThanOrEqual(callsOf(clean) + waits.length);
});

test('an import goes on when its person has let it in again, and not before (IR-008)', async () => {
  const world = await startWorld({ sandbox: many(40) });
  const { id } = await ask(world, MANY);
  world.sandbox.revoke('alice');
  startWorker(world);
  const state = await waitFor(world, id, ({ status }) => status === 'waiting');
  expect(state).toMatchObject({ waiting_until: null });
  expect(state.reason).toMatch(/Allow importing again/);
  const credentialId = await giveConsent(world, 'alice', EVERYTHING);
  await world.app.services.db
    .transaction()
    .execute((trx) => wakeImports(trx, { accountId: world.account.id, provider: 'bitbucket', credentialId }));
  expect(await waitFor(world, id)).toMatchObject({ status: 'done' });
  await expectAll(world, MANY);
});

test('one pull request that Bitbucket cannot give costs nothing but itself, and can be tried again (IR-014)', async () => {
  const world = await startWorld({ sandbox: many(40) });
  const { comments } = world.sandbox.repository(MANY).pullRequests.find((one) => one.comments.length > 0)!;
  world.sandbox.fault('comments', { kind: 'answer', status: 404, json: { type: 'error' }, times: 1 });
  const { id } = await ask(world, MANY);
  startWorker(world);
  const state = await waitFor(world, id);
  expect(state).toMatchObject({ status: 'partial', failures: [{ kind: 'comments', retryable: true }] });
  expect(state.verification).toMatchObject({ missing: [`${comments.length} of ${countComments(world)} comments`] });
  const { total, done } = state.stages.find(({ name }) => name === 'comments')!;
  expect(state.stages).toContainEqual(expect.objectContaining({ name: 'comments', done: total! - 1, skipped: 1 }));
  const row = (await findImport(world.app.services.db, id))!;
  await retryFailure(world.app.services, row, state.failures[0]!.id);
  const whole = await waitFor(world, id);
  expect(whole).toMatchObject({ status: 'done', failures: [], verification: { missing: [] } });
  expect(whole.stages).toContainEqual(expect.objectContaining({ name: 'comments', done: done + 1, total, skipped: 0 }));
  await expectAll(world, MANY);
});

test('a worker that slept while another one took over writes nothing more (IR-004)', async () => {
  const world = await startWorld({ sandbox: many(20) });
  const { id } = await ask(world, MANY);
  const { db, now } = world.app.services;
  const sleeper = (await claimImport(db, (await findImport(db, id))!, now() - 60_000))!;
  const lease = { importId: id, fence: sleeper.fence };
  startWorker(world);
  await waitFor(world, id, ({ status }) => status === 'running');
  await waitFor(world, id);
  const write = whileHolding(db, lease, { calls: 0, work: async (trx) => verifyAgain(trx, id) });
  await expect(write).rejects.toBeInstanceOf(LeaseLost);
  await expect(renewLease(db, lease, now())).rejects.toBeInstanceOf(LeaseLost);
  const end = { end: { status: 'failed' }, calls: 0, now: now() } as const;
  expect(await db.transaction().execute((trx) => endTurn(trx, lease, end))).toBeUndefined();
  expect(await waitFor(world, id)).toMatchObject({ status: 'done' });
});

test('stops, faults, the hourly limit and short tokens together change nothing of the result (IR-001, IR-005, IR-010, IR-012)', async () => {
  const { clock, jump } = startClock();
  const switches = { hourlyLimit: 60, accessTokenLifeSeconds: 30, expiresIn: 30 };
  const repositories = [makeSmallSample, makeOddSample, manyPullRequests({ count: 40, fullName: MANY })];
  const world = await startWorld({ now: clock, sandbox: { repositories, now: clock, switches } });
  const asked = [await ask(world, MANY), await ask(world, 'acme/odd-parts')];
  world.sandbox.randomFaults({ percent: 5, seed: 11 });
  const states = () => Promise.all(asked.map(({ id }) => waitFor(world, id, () => true)));
  for (let turn = 0; (await states()).some(({ finished_at: at }) => at === null); turn++) {
    const worker = new ImportWorker(world.app.services, { lookEveryMs: 10, beatEveryMs: 100 }).start();
    await new Promise((resolve) => setTimeout(resolve, 400 + (turn % 7) * 300));
    await worker.stop();
    const waits = (await states()).flatMap(({ waiting_until: until }) => (until === null ? [] : Date.parse(until)));
    if (waits.length > 0) jump(Math.max(0, Math.min(...waits) - clock()) + 1000);
  }
  const [many, odd] = await states();
  expect([many!.status, odd!.status]).toEqual(['done', 'partial']);
  expect(odd!.failures).toHaveLength(8);
  await expectAll(world, MANY);
  await expectAll(world, 'acme/odd-parts');
});

test('where large files are refused, everything else comes', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  world.sandbox.fault('lfs', { kind: 'answer', status: 401, json: {} });
  const { id } = await ask(world, 'acme/odd-parts');
  startWorker(world);
  const state = await waitFor(world, id);
  expect(state.status).toBe('partial');
  expect(state.failures.filter(({ kind }) => kind === 'lfs_object').map(({ reason }) => reason)).toContain(
    'The large file could not be fetched: Bitbucket refused to give it.',
  );
  await expectAll(world, 'acme/odd-parts');
});

const countComments = (world: World) =>
  world.sandbox.repository(MANY).pullRequests.reduce((sum, { comments }) => sum + comments.length, 0);
