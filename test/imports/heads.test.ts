// What pull requests change, where Bitbucket does not tell what they were to be merged into; and the names of commits.
import { findChanges } from '../../src/projects/changes.ts';
import { getPullRequest } from '../../src/projects/pull-requests.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { retryImport } from '../../src/imports/start.ts';
import { findImport } from '../../src/imports/store.ts';
import type { World } from './world.ts';
import { ask, importAll, startWorld, waitFor } from './world.ts';

const SOURCE = 'acme/anvil';
const MANY = 'acme/many';

/** With the destination of #3, which is open, gone; and with #2 such that the default branch holds all of it. */
async function start(): Promise<World & { parachute: string }> {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample] } });
  const [first, second, third] = [...world.sandbox.repository(SOURCE).pullRequests].sort((a, b) => a.id - b.id);
  third!.destination = { branch: 'release..gone', commit: null, repository: SOURCE };
  second!.destination = { branch: 'gone', commit: null, repository: SOURCE };
  second!.source = first!.source;
  return { ...world, parachute: third!.source.commit! };
}

async function changesOf({ app: { services } }: World, number: number) {
  const project = await services.db.selectFrom('projects').selectAll().executeTakeFirstOrThrow();
  return findChanges(services.config(), project, await getPullRequest(services.db, project.id, number));
}

const DIFF = 'diff --git a/s.txt b/s.txt\n--- a/s.txt\n+++ b/s.txt\n@@ -1 +1 @@\n-was\n+is\n';

test('without a destination the changes are those since the default branch, or what Bitbucket shows (IR-015)', async () => {
  const world = await start();
  world.sandbox.fault('diff', { kind: 'answer', text: DIFF });
  expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
  const open = await changesOf(world, 3);
  expect(open).toMatchObject({ by: 'git', range: { to: world.parachute } });
  expect(open!.files.map(({ newPath }) => newPath).sort()).toEqual(['src/drop.js', 'src/parachute.js']);
  expect(await changesOf(world, 2)).toMatchObject({ by: 'snapshot', files: [{ newPath: 's.txt' }] });
  expect(world.sandbox.counts.get('diff')).toBe(1);
});

test('what comes instead of a diff is asked for again, and never kept as one (IR-012)', async () => {
  const world = await start();
  world.sandbox.fault('diff', { kind: 'answer', text: '{"values": [{"id": 1, ', times: 1 });
  world.sandbox.fault('diff', { kind: 'answer', text: '<html>Sign in to the proxy</html>', times: 1 });
  world.sandbox.fault('diff', { kind: 'answer', text: DIFF });
  expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
  expect(await changesOf(world, 2)).toMatchObject({ by: 'snapshot', files: [{ newPath: 's.txt' }] });
});

test('what nobody shows is in the report, and comes when it is tried again (IR-014)', async () => {
  const world = await start();
  const { id, status, failures } = await importAll(world, SOURCE);
  expect([status, failures.map(({ kind, key, retryable }) => [kind, key, retryable])]).toEqual([
    'partial',
    [['diff', '2', true]],
  ]);
  expect(failures[0]!.reason).toContain('destination branch is gone');
  expect(await changesOf(world, 2)).toBeUndefined();

  world.sandbox.fault('diff', { kind: 'answer', text: DIFF });
  const row = await findImport(world.app.services.db, id);
  await retryImport(world.app.services, row!);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  expect(await changesOf(world, 2)).toMatchObject({ by: 'snapshot' });
});

test('a name that Bitbucket has told in full stays so, also when git does not give the commit (IR-015)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 40, fullName: MANY })] } });
  world.sandbox.repository(MANY).fetchBySha = 'tips';
  await importAll(world, MANY);
  const { db } = world.app.services;
  const heads = () => db.selectFrom('pull_requests').select(['number', 'source_commit', 'commits']).execute();
  const before = await heads();
  const truth = new Map(world.sandbox.repository(MANY).pullRequests.map(({ id, source }) => [id, source.commit]));
  const snapshots = before.filter(({ commits }) => commits === 'snapshot');
  expect(snapshots).not.toEqual([]);
  for (const { number, source_commit: head } of snapshots) expect([number, head]).toEqual([number, truth.get(number)]);

  for (const each of world.sandbox.repository(MANY).pullRequests)
    each.updatedOn = new Date(Date.now() + 3600_000).toISOString();
  const { id } = await ask(world, MANY);
  await waitFor(world, id);
  expect(await heads()).toEqual(expect.arrayContaining(before));
});
