// A new version comes while an import is half done. Migrations are tested elsewhere; here is what an older Gatehouse, with
// other stages and other cursors, leaves behind.
import { listStages, updateStage } from '../../src/imports/progress.ts';
import { STAGE_NAMES } from '../../src/imports/stage-names.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { expectAll } from './brought.ts';
import { ask, holdCalls, importAll, startWorker, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';

test('an import that another version has half done goes on with the stages of this one; what was under way begins anew (IR-035)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 40, fullName: MANY })] } });
  const { db } = world.app.services;
  const { id } = await ask(world, MANY);
  const half = holdCalls(/pullrequests\/(2\d|3\d)\/comments/);
  const before = startWorker(world, { http: half.http });
  await half.reached;
  await before.stop();
  const commented = world.sandbox.repository(MANY).pullRequests.filter(({ comments }) => comments.length > 0).length;

  await updateStage(db, id, 'comments', { cursor: 'comment 100170', done: 4711, total: 4711 });
  await db.deleteFrom('import_stages').where('import_id', '=', id).where('name', 'in', ['tasks', 'people']).execute();
  const gone = { import_id: id, position: 1, name: 'wiki', status: 'running' as const, cursor: 'Home' };
  await db.insertInto('import_stages').values(gone).execute();
  await db.updateTable('imports').set({ stage: 'wiki' }).where('id', '=', id).execute();

  startWorker(world);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [], verification: { missing: [] } });
  await expectAll(world, MANY);
  const stages = await listStages(db, id);
  expect(stages.map(({ name }) => name)).toEqual(STAGE_NAMES);
  expect(stages.find(({ name }) => name === 'comments')).toMatchObject({ done: commented, total: commented });
});

test.each(['pull_requests', 'activity', 'comments', 'settings'] as const)(
  'a cursor of %s that is not of this version is none (IR-035)',
  async (name) => {
    const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 5, fullName: MANY })] } });
    const { id } = await ask(world, MANY);
    const cursor = { pull_requests: '17', activity: 'https://evil.test/', comments: '0 3', settings: 'end' }[name];
    await updateStage(world.app.services.db, id, name, { status: 'running', cursor, done: 3, skipped: 2 });
    startWorker(world);
    expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
    await expectAll(world, MANY);
    const clean = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 5, fullName: MANY })] } });
    const { stages } = await importAll(clean, MANY);
    expect((await waitFor(world, id)).stages).toEqual(stages);
  },
);
