// Importing again: only what changed is moved, and what is gone at Bitbucket is marked and stays.
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { makeComment } from '../../src/sandbox/pull-requests.ts';
import { queueDaily } from '../../src/imports/schedule.ts';
import { resync } from '../../src/imports/start.ts';
import { until } from '../support/until.ts';
import type { World } from './world.ts';
import { ask, importAll, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';
const HOUR = 3600_000;

const start = () => startWorld({ sandbox: { repositories: [manyPullRequests({ count: 40, fullName: MANY })] } });

async function importAgain(world: World) {
  world.sandbox.counts.clear();
  const { id } = await ask(world, MANY);
  const state = await waitFor(world, id);
  const calls = [...world.sandbox.counts].filter(([route]) => !['git', 'lfs', 'token'].includes(route));
  return { state, calls: Object.fromEntries(calls) };
}

const touched = () => new Date(Date.now() + HOUR).toISOString();

test('when nothing changed, a handful of calls finds that out (IR-019)', async () => {
  const world = await start();
  expect(await importAll(world, MANY)).toMatchObject({ status: 'done', failures: [] });
  const before = await rowsOf(world);
  const { state, calls } = await importAgain(world);
  expect(state).toMatchObject({ status: 'done', failures: [] });
  expect(calls).toMatchObject({ activity: 1 });
  expect(calls).not.toHaveProperty('comments');
  expect(calls).not.toHaveProperty('tasks');
  expect(await rowsOf(world)).toEqual(before);
});

test('what changed since comes, and nothing else is asked for (IR-018, IR-019)', async () => {
  const world = await start();
  expect(await importAll(world, MANY)).toMatchObject({ status: 'done', failures: [] });
  const pullRequest = world.sandbox.repository(MANY).pullRequests.find(({ comments }) => comments.length > 1)!;
  const [first, second] = pullRequest.comments;
  pullRequest.title = 'A better title';
  pullRequest.updatedOn = touched();
  first!.raw = 'Edited';
  const added = makeComment({ id: 999_999, author: 'alice', raw: 'One more', createdOn: touched() });
  pullRequest.comments = [first!, ...pullRequest.comments.filter((one) => one !== first && one !== second), added];

  const { state, calls } = await importAgain(world);
  expect(state).toMatchObject({ status: 'done', failures: [] });
  // One call each, and what a busy machine made fail and be asked again: far from one for each pull request.
  expect(calls['comments']).toBeLessThan(4);
  expect(calls['tasks']).toBeLessThan(4);
  const { db } = world.app.services;
  const comments = await db.selectFrom('comments').selectAll().where('number', '=', pullRequest.id).execute();
  const gone = comments.filter(({ source_gone_at: at }) => at !== null).map(({ id }) => id);
  expect(gone).toEqual([second!.id]);
  expect(comments.find(({ id }) => id === first!.id)).toMatchObject({ body: 'Edited' });
  expect(comments.find(({ id }) => id === 999_999)).toMatchObject({ body: 'One more' });
  const row = await db
    .selectFrom('pull_requests')
    .selectAll()
    .where('number', '=', pullRequest.id)
    .executeTakeFirstOrThrow();
  expect(row).toMatchObject({ title: 'A better title' });
});

test('a repository that is gone is marked, and what was imported stays', async () => {
  const world = await start();
  expect(await importAll(world, MANY)).toMatchObject({ status: 'done', failures: [] });
  const before = await rowsOf(world);
  const [repository] = world.sandbox.repositories.splice(0);
  const { db } = world.app.services;
  const project = await db.selectFrom('projects').selectAll().executeTakeFirstOrThrow();
  const { id } = await resync(world.app.services, {
    project,
    account: world.account,
    credentialId: world.credentialId,
  });
  const state = await waitFor(world, id);
  expect(state).toMatchObject({ status: 'failed', reason: expect.stringContaining('no more') as string });
  expect((await db.selectFrom('projects').selectAll().executeTakeFirstOrThrow()).source_gone_at).not.toBeNull();
  expect(await rowsOf(world)).toEqual(before);
  world.sandbox.repositories.push(repository!);
  expect((await importAgain(world)).state.status).toBe('done');
  expect((await db.selectFrom('projects').selectAll().executeTakeFirstOrThrow()).source_gone_at).toBeNull();
});

test('with resync: daily, what was imported a day ago is brought up to date by itself, once', async () => {
  let leapt = 0;
  const now = () => Date.now() + leapt;
  const makers = [manyPullRequests({ count: 5, fullName: MANY })];
  const world = await startWorld({ now, yaml: 'import: { resync: daily }', sandbox: { repositories: makers, now } });
  expect(await importAll(world, MANY)).toMatchObject({ status: 'done', failures: [] });
  const { services } = world.app;
  expect(await queueDaily(services)).toBe(0);
  leapt = 25 * HOUR;
  const { id } = await findNext(world);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done' });
  expect(await queueDaily(services)).toBe(0);
  expect(await services.db.selectFrom('imports').select('resync').orderBy('id').execute()).toEqual([
    { resync: 0 },
    { resync: 1 },
  ]);
});

async function findNext({ app: { services } }: World): Promise<{ id: number }> {
  const newest = () => services.db.selectFrom('imports').select('id').where('id', '>', 1).executeTakeFirst();
  await until(async () => (await newest()) !== undefined);
  return (await newest())!;
}

async function rowsOf({ app: { services } }: World) {
  const tables = ['pull_requests', 'pull_request_people', 'comments', 'tasks', 'activity'] as const;
  const all = await Promise.all(tables.map((table) => services.db.selectFrom(table).selectAll().execute()));
  return all.map((rows) => rows.map((row) => JSON.stringify(row)).sort());
}
