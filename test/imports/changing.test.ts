// Bitbucket goes on while it is read: what an import ends with is a state that was there, the last one.
import { createHash } from 'node:crypto';
import { runGit } from '../../src/sandbox/git-process.ts';
import { lfsPointer } from '../../src/sandbox/git-story.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { makeComment, makePullRequest, makeTask } from '../../src/sandbox/pull-requests.ts';
import { readLines } from '../../src/imports/journal.ts';
import { readHead } from '../../src/git/repository.ts';
import { repositoryDir } from '../../src/projects/places.ts';
import { until } from '../support/until.ts';
import { expectAll } from './brought.ts';
import type { World } from './world.ts';
import { ask, holdCalls, startWorker, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';

/** Imports, and lets something happen at Bitbucket when pull requests and comments were read and tasks were not. */
async function importWhile(change: (world: World) => Promise<void> | void) {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 20, fullName: MANY })] } });
  const { id } = await ask(world, MANY);
  const middle = holdCalls(/\/tasks/);
  startWorker(world, { http: middle.http });
  await middle.reached;
  await change(world);
  middle.open();
  return { world, state: await waitFor(world, id) };
}

const now = () => new Date().toISOString();

test('a pull request that is merged and talked about meanwhile, and one that is opened, come as they are at the end (IR-018)', async () => {
  const { world, state } = await importWhile(({ sandbox }) => {
    const repository = sandbox.repository(MANY);
    const open = repository.pullRequests.find((one) => one.state === 'OPEN')!;
    const comments = [...open.comments, makeComment({ id: 900_001, author: 'bob', raw: 'Merging', createdOn: now() })];
    const tasks = [...open.tasks, makeTask({ id: 900_002, raw: 'Tell them', creator: 'bob', createdOn: now() })];
    Object.assign(open, { state: 'MERGED', closedBy: 'bob', updatedOn: now(), comments, tasks });
    open.activity.push({ kind: 'update', at: now(), by: 'bob', state: 'MERGED', sourceCommit: open.source.commit });
    const { source, destination } = repository.pullRequests[0]!;
    const opened = { id: 21, title: 'Opened meanwhile', author: 'alice', source, destination, createdOn: now() };
    repository.pullRequests.push(makePullRequest(opened));
  });
  expect(state).toMatchObject({ status: 'done', failures: [], verification: { missing: [] } });
  await expectAll(world, MANY);
  const { db } = world.app.services;
  const closed = await db.selectFrom('pull_requests').selectAll().where('closed_at', 'is not', null).execute();
  expect(closed.find(({ closed_at: at }) => at! > Date.now() - 60_000)).toMatchObject({ state: 'merged' });
  // Each of those that changed is read once more, and none of the others.
  const changed = world.sandbox.requestsTo('activity').map(({ path }) => path.split('/pullrequests/')[1]);
  expect(changed.filter((path) => path !== 'activity').length).toBe(2);
});

test('what a stopped worker had not read again yet of such a pull request, the next one reads (IR-001)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 20, fullName: MANY })] } });
  const { sandbox } = world;
  const { id } = await ask(world, MANY);
  const middle = holdCalls(/\/tasks/);
  const first = startWorker(world, { http: middle.http });
  await middle.reached;
  const changed = sandbox.repository(MANY).pullRequests.slice(0, 3);
  for (const one of changed) {
    one.comments.push(makeComment({ id: 910_000 + one.id, author: 'bob', raw: 'Late', createdOn: now() }));
    one.updatedOn = now();
  }
  const before = sandbox.requestsTo('comments').length;
  sandbox.fault('comments', { kind: 'stall', at: 'accept', times: 1, after: 1 });
  middle.open();
  await until(() => sandbox.requestsTo('comments').length === before + 2);
  await first.stop();
  startWorker(world);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, MANY);
});

test('a large file that is pushed meanwhile is here, too (IR-018)', async () => {
  const content = Buffer.from('pushed late');
  const oid = createHash('sha256').update(content).digest('hex');
  const { world, state } = await importWhile(async ({ sandbox }) => {
    const { dir, lfs } = sandbox.repository(MANY);
    lfs.set(oid, content);
    const who = ['-c', 'user.name=S', '-c', 'user.email=s@example.test'];
    const run = async (args: string[], input?: string) =>
      String(await runGit(['-C', dir, ...who, ...args], input)).trim();
    const blob = await run(['hash-object', '-w', '--stdin'], lfsPointer(oid, content.length));
    const tree = await run(['mktree'], `100644 blob ${blob}\tlate.bin\n`);
    await run(['update-ref', 'refs/heads/late', await run(['commit-tree', tree, '-m', 'Late'])]);
  });
  expect(state).toMatchObject({ status: 'done', failures: [] });
  const objects = await world.app.services.db.selectFrom('lfs_objects').select(['oid', 'present']).execute();
  expect(objects).toEqual([{ oid, present: 1 }]);
});

test('where nothing changes meanwhile, one call finds that out', async () => {
  const { world, state } = await importWhile(() => undefined);
  expect(state).toMatchObject({ status: 'done', failures: [] });
  const asked = world.sandbox.requestsTo('pullrequests').flatMap(({ query }) => query.get('q') ?? []);
  expect([...new Set(asked)]).toEqual([expect.stringMatching(/^updated_on >= /)]);
});

test('where Bitbucket does not tell what changed, what is here stays, and a difference shows by the count', async () => {
  const { world, state } = await importWhile(({ sandbox }) => {
    const { pullRequests } = sandbox.repository(MANY);
    Object.assign(
      pullRequests.find((one) => one.state === 'OPEN')!,
      { state: 'DECLINED', updatedOn: now() },
    );
    const refused = { type: 'error', error: { message: 'Invalid query' } };
    sandbox.fault('pullrequests', { kind: 'answer', status: 400, json: refused, times: 2 });
  });
  expect(state).toMatchObject({ status: 'done', failures: [] });
  const lines = await readLines(world.app.services.db, state.id);
  expect(lines.map(({ text }) => text).join()).toContain('does not tell which pull requests changed');
});

test('the default branch, the visibility and the description are those that the source had last (IR-033)', async () => {
  const { world, state } = await importWhile(async ({ sandbox }) => {
    const repository = sandbox.repository(MANY);
    await runGit(['-C', repository.dir, 'update-ref', 'refs/heads/trunk', 'refs/heads/main']);
    await runGit(['-C', repository.dir, 'symbolic-ref', 'HEAD', 'refs/heads/trunk']);
    const isPrivate = !repository.isPrivate;
    Object.assign(repository, { mainBranch: 'trunk', isPrivate, description: 'Moved on' });
  });
  expect(state).toMatchObject({ status: 'done', failures: [] });
  const { services } = world.app;
  const project = await services.db.selectFrom('projects').selectAll().executeTakeFirstOrThrow();
  const isPrivate = world.sandbox.repository(MANY).isPrivate ? 1 : 0;
  expect(project).toMatchObject({ default_branch: 'trunk', private: isPrivate, description: 'Moved on' });
  expect(await readHead(repositoryDir(services.config(), project.id))).toBe('refs/heads/trunk');
});
