// Imports that take very long, stand still, or see the clock leap: whose they are, and when somebody else takes them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Http } from '../../src/bitbucket/http.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { findImport } from '../../src/imports/store.ts';
import { ImportWorker } from '../../src/imports/worker.ts';
import { findGitProcesses } from '../git/server.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { until } from '../support/until.ts';
import { expectAll } from './brought.ts';
import type { World } from './world.ts';
import { ask, holdCalls, startClock, startWorker, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';
const HOUR = 3600_000;
const MINUTE = 60_000;

async function startLong() {
  const { clock, jump } = startClock();
  const repositories = [manyPullRequests({ count: 20, fullName: MANY })];
  const world = await startWorld({ now: clock, sandbox: { repositories } });
  return { world, clock, jump, id: (await ask(world, MANY)).id };
}

const fenceOf = async ({ app }: World, id: number) => (await findImport(app.services.db, id))!.fence;

function workedByHand({ app }: World, options: ConstructorParameters<typeof ImportWorker>[1] = {}): ImportWorker {
  const worker = new ImportWorker(app.services, options);
  closeAtEnd(() => worker.stop());
  return worker;
}

test('thirty hours at a slow source: as long as its worker shows that it lives, nobody takes the import from it (IR-023)', async () => {
  const { world, jump, id } = await startLong();
  const slow = holdCalls(/\/tasks/);
  const worker = workedByHand(world, { http: slow.http });
  const other = workedByHand(world);
  await worker.look();
  await slow.reached;
  for (let hour = 0; hour < 30; hour += 1) {
    jump(HOUR);
    await worker.look(); // it does not take its own for one that nobody has, either
    await worker.beat();
    await other.look();
  }
  expect(await fenceOf(world, id)).toBe(1);
  slow.open();
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  expect(await fenceOf(world, id)).toBe(1);
  await expectAll(world, MANY);
});

test('each answer takes nine minutes: an import that moves is not stuck, however long it takes (IR-023)', async () => {
  const { world, id } = await startLong();
  const { clock: steady, jump } = startClock();
  const http = createHttp();
  closeAtEnd(() => http.close());
  const send: Http['send'] = async (request) => {
    jump(9 * MINUTE);
    await worker.beat();
    return http.send(request);
  };
  const worker = workedByHand(world, { steady, http: { ...http, send } });
  await worker.look();
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  expect(await fenceOf(world, id)).toBe(1);
});

test('git that neither brings nor says anything is ended with all that it started, and the import begins again where it was (IR-023, IR-032)', async () => {
  const { world, jump, id } = await startLong();
  const { clock: steady, jump: pass } = startClock();
  world.sandbox.fault('git', { kind: 'stall', at: 'accept' });
  const worker = workedByHand(world, { steady });
  await worker.look();
  await until(() => world.sandbox.counts.has('git'));
  pass(9 * MINUTE);
  await worker.beat();
  expect(await waitFor(world, id, () => true)).toMatchObject({ status: 'running' });
  pass(MINUTE);
  await worker.beat();
  const state = await waitFor(world, id, ({ status }) => status !== 'running');
  expect(state).toMatchObject({ status: 'waiting', reason: 'Nothing moved for ten minutes.' });
  expect(findGitProcesses()).toEqual([]);
  expect(readdirSync(join(world.app.dataDir, 'repositories'))).toEqual([]);
  world.sandbox.clearFaults();
  jump(10_000);
  await worker.look();
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, MANY);
});

test('what does not even hear that it has to stop keeps its import no longer than its lease, and writes nothing more (IR-004, IR-023)', async () => {
  const { world, jump, id } = await startLong();
  const { clock: steady, jump: pass } = startClock();
  const deaf = holdCalls(/\/tasks/, { deaf: true });
  const worker = workedByHand(world, { steady, http: deaf.http });
  await worker.look();
  await deaf.reached;
  pass(10 * MINUTE);
  await worker.beat();
  jump(31_000);
  startWorker(world);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  deaf.open();
  await worker.stop();
  expect(await fenceOf(world, id)).toBe(2);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, MANY);
});

test.each([
  ['a page', '<html>\n<p>Back soon\n'],
  ['nothing', ''],
])(
  'git that gets %s in the place of the repository fails the import after a few returns, and nothing half is shown (IR-032)',
  async (_what, text) => {
    const { world, clock, jump, id } = await startLong();
    world.sandbox.fault('git', { kind: 'answer', status: 200, text });
    startWorker(world);
    const seen: string[] = [];
    for (;;) {
      const state = await waitFor(world, id, ({ status, waiting_until: until }) =>
        status === 'waiting' ? !seen.includes(until!) : status === 'failed',
      );
      if (state.status === 'failed') {
        expect(state.reason).toBe('git could not fetch the repository.');
        break;
      }
      seen.push(state.waiting_until!);
      jump(Date.parse(state.waiting_until!) - clock() + 1000);
    }
    expect(seen).toHaveLength(3);
    const { published_at: published } = await world.app.services.db
      .selectFrom('projects')
      .select('published_at')
      .executeTakeFirstOrThrow();
    expect(published).toBeNull();
  },
);

test.each([HOUR, -HOUR])(
  'a clock that leaps by %i ms in the middle: one of two workers ends the import, and tokens are neither good nor bad for ever (IR-027)',
  async (leap) => {
    const { world, jump, id } = await startLong();
    const middle = holdCalls(/\/tasks/);
    startWorker(world, { http: middle.http });
    await middle.reached;
    jump(leap);
    startWorker(world); // of another process
    // By our clock they are good for an hour more, or have lived for an hour already; by Bitbucket's they are no good now.
    world.sandbox.expireTokens('alice');
    world.sandbox.counts.clear();
    middle.open();
    expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
    await expectAll(world, MANY);
    expect(world.sandbox.counts.get('token')).toBe(1);
    // The next one of the same person asks with what there is now.
    const again = await ask(world, MANY);
    expect(await waitFor(world, again.id)).toMatchObject({ status: 'done' });
    expect(world.sandbox.counts.get('token')).toBe(1);
  },
);

test('a wait, a lease and a pause of a clock that was far ahead hold nothing (IR-027)', async () => {
  const { world, clock, id } = await startLong();
  const { db } = world.app.services;
  const far = clock() + 1000 * HOUR;
  await db.updateTable('imports').set({ status: 'waiting', waiting_until: far, lease_until: far }).execute();
  await db.insertInto('credential_waits').values({ credential_id: world.credentialId, until: far }).execute();
  startWorker(world);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
});
