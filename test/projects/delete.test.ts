// Deleting a project, or the account that owns some: rows and files, also when the process dies in between.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { insertImport } from '../../src/imports/store.ts';
import { removeDeletedFiles } from '../../src/projects/deleted.ts';
import { projectDir, repositoryDir } from '../../src/projects/places.ts';
import { deleteProject } from '../../src/projects/records.ts';
import { send } from '../admin/panel.ts';
import type { Browser } from '../support/people.ts';
import { csrfOf, eventsOf, idOf, openAs, openAsRoot, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { makeProject } from './make.ts';
import { makeWorld, put } from './world.ts';

const PATH = '/projects/root/demo';
const DAY_MS = 24 * 3600_000;

/** Presses "Delete" below what was typed. */
async function remove(browser: Browser, typed: string, { path = PATH, accept = 'text/html' } = {}) {
  const _csrf = csrfOf(await browser.get('/imports').expect(200));
  return browser.post(`${path}/delete`).set('Accept', accept).type('form').send({ _csrf, path: typed });
}

/** What lies on the disk of a project, also of a clone that was cut off. */
function filesOf({ services }: TestApp, id: number): string[] {
  const config = services.config();
  const repositories = join(config.data_dir, 'repositories');
  const clones = existsSync(repositories) ? readdirSync(repositories) : [];
  const others = existsSync(projectDir(config, id)) ? readdirSync(projectDir(config, id)) : [];
  return [...clones.filter((name) => name.startsWith(`${id}.git`)), ...others];
}

async function countRows({ services: { db } }: TestApp, projectId: number): Promise<number> {
  let count = 0;
  for (const table of ['pull_requests', 'comments', 'tasks', 'activity', 'lfs_objects', 'attachments'] as const)
    count += (await db.selectFrom(table).selectAll().where('project_id', '=', projectId).execute()).length;
  return count;
}

test('a project is deleted from its page by who types its path: rows, repository and files; the log says who and why', async () => {
  const { app } = await startBoth();
  const { project } = await makeWorld(app);
  const other = await makeProject(app, { name: 'other' });
  put(join(repositoryDir(app.services.config(), other.id), 'HEAD'), 'ref: refs/heads/main\n');
  mkdirSync(`${repositoryDir(app.services.config(), project.id)}.work-x1`);
  const root = await openAsRoot(app);
  expect((await root.get(PATH).expect(200)).text).toContain('Type <code>root/demo</code> to confirm');
  for (const wrong of ['demo', '', 'root/other']) {
    expect((await remove(root, wrong)).headers['location']).toBe(PATH);
    expect((await root.get(PATH).expect(200)).text).toContain('not the path of this project');
    expect((await remove(root, wrong, { accept: 'application/json' })).status).toBe(400);
  }
  expect(filesOf(app, project.id).sort()).toEqual(
    ['attachments', `${project.id}.git`, `${project.id}.git.work-x1`, 'lfs', 'snapshots'].sort(),
  );
  expect((await remove(root, ' root/demo ')).headers['location']).toBe('/projects');
  expect((await root.get('/projects').expect(200)).text).toContain('root/demo was deleted');
  await root.get(PATH).expect(404);
  expect([await countRows(app, project.id), filesOf(app, project.id)]).toEqual([0, []]);
  expect(filesOf(app, other.id)).toEqual([`${other.id}.git`]);
  expect(await eventsOf(app, 'project_deleted')).toEqual(['project_deleted ok owner root/demo']);
  expect((await remove(root, 'root/demo')).status).toBe(404);
});

test('an administrator may delete somebody’s project, nobody else may, and its import ends with it', async () => {
  const { app, sandbox } = await startBoth();
  const [alice, bob, root] = [await openAs(app, sandbox), await openAs(app, sandbox, 'bob'), await openAsRoot(app)];
  const { db, now } = app.services;
  const owner_id = await idOf(app, 'alice');
  const project = await makeProject(app, { owner_id, namespace: 'alice', name: 'mine' });
  const row = { projectId: project.id, accountId: owner_id, credentialId: null as never, since: null, now: now() };
  await db.transaction().execute((trx) => insertImport(trx, row));
  const path = '/projects/alice/mine';
  expect((await remove(bob, 'alice/mine', { path })).status).toBe(404);
  await alice.post(`${path}/delete`).type('form').send({ path: 'alice/mine' }).expect(403); // no form token
  await alice.get(`${path}/delete`).expect(405);
  expect((await root.get(path).expect(200)).text).toContain('those of @alice');
  expect((await remove(root, 'alice/mine', { path, accept: 'application/json' })).status).toBe(204);
  expect(await db.selectFrom('imports').selectAll().execute()).toEqual([]);
  expect(await eventsOf(app, 'project_deleted')).toEqual(['project_deleted ok administrator alice/mine']);
  const events = await alice.get('/-/user_settings/authentication_log.json').expect(200);
  expect((events.body as { events: object[] }).events[0]).toMatchObject({ action: 'project_deleted' });
});

test('with an account go its projects and their files, as its page says', async () => {
  const { app, sandbox } = await startBoth();
  const alice = await openAs(app, sandbox);
  const owner_id = await idOf(app, 'alice');
  const root = await openAsRoot(app);
  const page = `/admin/users/${owner_id}`;
  expect((await root.get(page).expect(200)).text).toContain('It has imported no projects, so none are lost.');
  const ids: number[] = [];
  for (const published of [true, false]) {
    const project = { owner_id, namespace: 'alice', name: `p${published}` };
    const { id } = await makeProject(app, project, { published });
    put(join(repositoryDir(app.services.config(), id), 'HEAD'), 'ref: refs/heads/main\n');
    put(join(projectDir(app.services.config(), id), 'attachments', '1'), 'x');
    ids.push(id);
  }
  expect((await root.get(page).expect(200)).text).toContain('the 2 projects that it has imported, files included');
  await send(root, `${page}/delete`, { username: 'alice' });
  expect((await root.get('/admin').expect(200)).text).toContain('Projects that went with it: 2.');
  expect(ids.flatMap((id) => filesOf(app, id))).toEqual([]);
  expect(await app.services.db.selectFrom('projects').selectAll().execute()).toEqual([]);
  const event = app.services.db.selectFrom('audit_events').select('details').where('action', '=', 'account_deleted');
  expect(await event.execute()).toEqual([{ details: '{"projects":2}' }]);
  await alice.get('/').expect(303);
});

test('files that a deletion left behind go later, also what a worker wrote meanwhile; nothing that was never deleted goes', async () => {
  let now = Date.now();
  const { app } = await startBoth({ now: () => now });
  const { services } = app;
  const { project } = await makeWorld(app);
  const foreign = repositoryDir(services.config(), project.id + 1000); // of another database with the same data_dir
  put(join(foreign, 'HEAD'), 'ref: refs/heads/main\n');
  // The process died after the transaction.
  expect(await services.db.transaction().execute((trx) => deleteProject(trx, project.id, now))).toBe(true);
  expect(filesOf(app, project.id)).not.toEqual([]);
  await removeDeletedFiles(services);
  expect(filesOf(app, project.id)).toEqual([]);
  now += DAY_MS - 1000;
  put(join(repositoryDir(services.config(), project.id), 'HEAD'), 'ref: refs/heads/main\n');
  await removeDeletedFiles(services);
  expect(filesOf(app, project.id)).toEqual([]);
  now += 2000;
  await removeDeletedFiles(services);
  expect(await services.db.selectFrom('deleted_projects').selectAll().execute()).toEqual([]);
  expect(existsSync(foreign)).toBe(true);
});
