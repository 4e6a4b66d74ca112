// Importing repositories of the sandbox, from asking to the end.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listRefs } from '../../src/git/repository.ts';
import { readLines } from '../../src/imports/journal.ts';
import { lfsDir, repositoryDir, snapshotFile } from '../../src/projects/places.ts';
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { expectAll } from './brought.ts';
import { ask, holdCalls, importAll, startWorker, startWorld, waitFor } from './world.ts';

test('a small repository is imported whole', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample] } });
  const state = await importAll(world, 'acme/anvil');
  expect(state).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, 'acme/anvil');
  const events = world.app.services.db.selectFrom('audit_events').select(['action', 'actor_name', 'target', 'reason']);
  const told = await events.where('action', 'like', 'import_%').orderBy('id').execute();
  expect(told).toEqual([
    { action: 'import_started', actor_name: 'ada', target: 'acme/anvil', reason: null },
    { action: 'import_ended', actor_name: null, target: 'acme/anvil', reason: 'done' },
  ]);
});

test('where there is no list of what happened to all pull requests, each is asked for (IR-013)', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample] } });
  world.sandbox.fault('activity', { kind: 'answer', status: 404, json: { type: 'error' }, times: 1 });
  expect(await importAll(world, 'acme/anvil')).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, 'acme/anvil');
  const asked = world.sandbox.requestsTo('activity').map(({ path }) => path.split('/pullrequests/')[1]);
  expect(asked.slice(0, 2).map((path) => path?.split('?')[0])).toEqual(['activity', '1/activity']);
});

test('an empty repository is imported (IR-028)', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample] } });
  expect(await importAll(world, 'acme/empty-shelf')).toMatchObject({ status: 'done', failures: [] });
});

test('the odd repository equals its truth item by item (IR-015, IR-034)', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  const state = await importAll(world, 'acme/odd-parts');
  await expectAll(world, 'acme/odd-parts');
  expect(state.status).toBe('partial');
  expect(state.failures.map(({ kind, key }) => `${kind} ${key.split('/').at(-1)}`)).toEqual([
    'commits 3',
    'commits 12',
    'diff 5',
    `lfs_object ${'f'.repeat(64)}`,
    'attachment 461711928-image.png',
    'attachment 461711928-image.png',
    'attachment 461711929-drawing.svg',
    'attachment 1-lost.png',
  ]);
});

test('of each pull request the commits are here, or it is said how they are not', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  await importAll(world, 'acme/odd-parts');
  const { services } = world.app;
  const project = await services.db.selectFrom('projects').selectAll().executeTakeFirstOrThrow();
  const dir = repositoryDir(services.config(), project.id);
  const rows = await services.db.selectFrom('pull_requests').selectAll().orderBy('number').execute();
  const refs = new Map((await listRefs(dir)).map(({ name, sha }) => [name, sha]));
  const truth = world.sandbox.repository('acme/odd-parts').pullRequests;
  for (const { number, commits, source_commit: head } of rows) {
    const { source } = truth.find(({ id }) => id === number)!;
    if (commits === 'kept' || commits === 'fetched') {
      expect([number, head]).toEqual([number, source.commit]);
      expect(refs.get(`refs/pull-requests/${number}/from`)).toBe(source.commit);
    }
    const snapshot = snapshotFile(services.config(), project.id, number, 'diff');
    expect([number, existsSync(snapshot)]).toEqual([number, commits === 'snapshot']);
  }
  expect(new Set(rows.map(({ commits }) => commits))).toEqual(new Set(['kept', 'fetched', 'snapshot', 'lost']));
  const objects = await services.db.selectFrom('lfs_objects').selectAll().where('present', '=', 1).execute();
  for (const { oid } of objects) {
    const bytes = readFileSync(join(lfsDir(services.config(), project.id), oid.slice(0, 2), oid.slice(2, 4), oid));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(oid);
  }
  expect(objects.length).toBeGreaterThan(0);
});

test('approvals and changes are kept with who and when; a kind that nobody knows is left out', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  await importAll(world, 'acme/odd-parts');
  const events = await world.app.services.db
    .selectFrom('activity')
    .selectAll()
    .where('number', '=', 30)
    .orderBy('at')
    .orderBy('kind')
    .execute();
  const truth = world.sandbox.repository('acme/odd-parts').pullRequests.find(({ id }) => id === 30)!;
  const known = truth.activity
    .filter(({ kind }) => kind !== 'unknown')
    .map(({ kind, at }) => ({ kind, at: Date.parse(at) }))
    .sort((a, b) => a.at - b.at || (a.kind < b.kind ? -1 : 1));
  expect(events.map(({ kind, at }) => ({ kind, at }))).toEqual(known);
  expect(events.find(({ kind, author }) => kind === 'approval' && author === null)).toBeDefined();
});

test('a project is shown to nobody before its first import has everything (IR-036)', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample] } });
  const { id } = await ask(world, 'acme/anvil');
  const middle = holdCalls(/\/tasks/);
  startWorker(world, { http: middle.http });
  await middle.reached;
  const published = async () =>
    (await world.app.services.db.selectFrom('projects').select('published_at').executeTakeFirst())?.published_at;
  expect(await published()).toBeNull();
  middle.open();
  await waitFor(world, id);
  expect(await published()).not.toBeNull();
});

test('no token is in the log, in the journal, in a file or in the repository (IM-040, IM-005)', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  const { id } = await ask(world, 'acme/odd-parts');
  startWorker(world);
  await waitFor(world, id);
  const { services, log } = world.app;
  const lines = await readLines(services.db, id);
  const config = readFileSync(join(repositoryDir(services.config(), 1), 'config'), 'utf8');
  const written = [...log, ...lines.map(({ text }) => text), config].join('\n');
  for (const { value } of world.sandbox.handedOut) expect(written.includes(value)).toBe(false);
});
