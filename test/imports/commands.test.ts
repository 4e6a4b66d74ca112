// `gatehouse import` and `gatehouse work` as processes of their own, killed at any moment.
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import type { ImportJson } from '../../src/imports/describe.ts';
import { findImport } from '../../src/imports/store.ts';
import { start } from '../commands/run.ts';
import { until } from '../support/until.ts';
import { expectAll } from './brought.ts';
import { ask, besides, callsOf, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';
/** `GATEHOUSE_KILLS=100` runs the same with a hundred. */
const KILLS = Number(process.env['GATEHOUSE_KILLS'] ?? 5);

jest.setTimeout(240_000 + KILLS * 6000);

const makeWorld = (count: number) =>
  startWorld({ sandbox: { repositories: [manyPullRequests({ count, fullName: MANY })] } });

test('the command imports, tells each step as a line of JSON, and ends with 0', async () => {
  const world = await makeWorld(10);
  const running = start(world.app.dataDir, ['import', MANY, '--as', 'ada', '--name', 'from-afar'], besides(world));
  const { code, out, err } = await running.ended;
  expect([code, err]).toEqual([0, '']);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ImportJson);
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines.slice(0, -1))
    expect(Object.keys(line)).toEqual(['id', 'status', 'stage', 'done', 'total', 'waiting_until']);
  expect(lines[0]).toMatchObject({ id: 1, waiting_until: null });
  expect(lines.at(-1)).toMatchObject({ status: 'done', failures: [], stage: null });
  await expectAll(world, MANY);
  const project = await world.app.services.db.selectFrom('projects').selectAll().executeTakeFirstOrThrow();
  expect(project).toMatchObject({ namespace: 'ada', name: 'from-afar' });
});

test('what cannot be done ends with a line that helps', async () => {
  const world = await makeWorld(1);
  const cases: [string[], number, RegExp][] = [
    [['import', MANY], 2, /usage: gatehouse import/],
    [['import', MANY, '--as', 'nobody'], 1, /no active account.*gatehouse admin create/],
    [
      ['import', 'acme/nothing', '--as', 'ada'],
      1,
      /^gatehouse: acme\/nothing: It is not at Bitbucket any more.*Check the name.*\/import\/bitbucket\/credentials/,
    ],
    [['import', '../x', '--as', 'ada'], 1, /\.\.\/x: .*Name it as WORKSPACE\/REPOSITORY/],
    [['import', MANY, '--as', 'root'], 1, /nothing to ask Bitbucket with/],
    [['import', MANY, '--as', 'ada', '--name', '.git'], 1, /letters, digits.*--name/],
    [['serve', '--as', 'ada'], 2, /serve takes no --as/],
  ];
  for (const [args, code, words] of cases) {
    const ended = await start(world.app.dataDir, args, besides(world)).ended;
    expect([args, ended.code]).toEqual([args, code]);
    expect(ended.err).toMatch(words);
    expect(ended.err).not.toMatch(/\n\s+at /);
  }
});

test('a worker that is killed again and again ends where an undisturbed one does (IR-001, IR-002)', async () => {
  const world = await makeWorld(60);
  world.sandbox.switches.accessTokenLifeSeconds = 30;
  world.sandbox.switches.expiresIn = 30;
  const { db } = world.app.services;
  const { id } = await ask(world, MANY);
  for (let kill = 0; kill < KILLS; kill++) {
    const worker = start(world.app.dataDir, ['work'], besides(world));
    await worker.says('works on imports');
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 1500));
    worker.process.kill('SIGKILL');
    await worker.ended;
    // A dead worker's lease ends after half a minute; a test need not wait for that.
    await db.updateTable('imports').set({ lease_until: 0 }).where('id', '=', id).execute();
  }
  const last = start(world.app.dataDir, ['work'], besides(world));
  await last.says('works on imports');
  const state = await waitFor(world, id);
  expect(state).toMatchObject({ status: 'done', failures: [], verification: { missing: [] } });
  await expectAll(world, MANY);
  last.process.kill('SIGTERM');
  expect((await last.ended).code).toBe(0);
  process.stdout.write(`${KILLS} kills: ${callsOf(world)} calls\n`);
});

test('a process that is stopped for an upgrade, in whatever it does, ends with 0 and leaves its import to the next one at once (IR-003, IR-035)', async () => {
  const world = await makeWorld(20);
  const { db } = world.app.services;
  const { id } = await ask(world, MANY);
  // In each of these stages it comes to a call that is not answered, the first one or one in the middle.
  const stages = [
    ['repository', 'git', 0],
    ['pull_requests', 'pullrequests', 0],
    ['comments', 'comments', 2],
    ['tasks', 'tasks', 2],
  ] as const;
  for (const [stage, route, after] of stages) {
    world.sandbox.counts.clear();
    world.sandbox.fault(route, { kind: 'stall', at: 'accept', after });
    const old = start(world.app.dataDir, ['work'], besides(world));
    await until(() => (world.sandbox.counts.get(route) ?? 0) > after);
    expect(await waitFor(world, id, () => true)).toMatchObject({ stage });
    const began = Date.now();
    old.process.kill('SIGTERM');
    expect((await old.ended).code).toBe(0);
    expect(Date.now() - began).toBeLessThan(30_000);
    world.sandbox.clearFaults();
    const row = await db.selectFrom('imports').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    expect(row).toMatchObject({ status: 'queued', lease_until: 0, tries: 0 });
  }
  start(world.app.dataDir, ['work'], besides(world));
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, MANY);
});

test('the lease of a killed worker ends within a minute, and another one goes on by itself (IR-001)', async () => {
  const world = await makeWorld(40);
  world.sandbox.fault('tasks', { kind: 'stall', at: 'accept', times: 1 });
  const { id } = await ask(world, MANY);
  const first = start(world.app.dataDir, ['work'], besides(world));
  await until(() => world.sandbox.counts.has('tasks'));
  first.process.kill('SIGKILL');
  await first.ended;
  const began = Date.now();
  start(world.app.dataDir, ['work'], besides(world));
  await until(async () => (await findImport(world.app.services.db, id))?.fence === 2);
  expect(Date.now() - began).toBeLessThan(60_000);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done' });
});
