// Who is served when: fair between people, one import of a source at a time, cancelled within seconds.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { endAccess } from '../../src/accounts/membership.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { removeDeletedFiles } from '../../src/projects/deleted.ts';
import { deleteProject } from '../../src/projects/records.ts';
import { manyRepositories } from '../../src/sandbox/sample-repositories.ts';
import { askCancel, retryImport, startImport } from '../../src/imports/start.ts';
import { listDueImports } from '../../src/imports/leases.ts';
import { findImport } from '../../src/imports/store.ts';
import { clientWith, Accesses } from '../../src/imports/access.ts';
import { eventsOf } from '../support/people.ts';
import type { World } from './world.ts';
import { ask, EVERYTHING, giveConsent, makePerson, startWorker, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';
/** So that there is something to interrupt. */
const SLOW = { kind: 'delay', ms: 200 } as const;

test('a source is imported once at a time: a second asking is refused while the first runs (IR-020)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 5, fullName: MANY })] } });
  const both = await Promise.allSettled([ask(world, MANY), ask(world, MANY)]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await expect(ask(world, MANY)).rejects.toMatchObject({ code: 'import_running' });
  expect(await world.app.services.db.selectFrom('projects').selectAll().execute()).toHaveLength(1);
});

test.each(['queued', 'running'])(
  'an import that is %s is cancelled within seconds, and can go on later (IR-021)',
  async (when) => {
    const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 40, fullName: MANY })] } });
    const { services, dataDir } = world.app;
    world.sandbox.fault('tasks', SLOW);
    const { id } = await ask(world, MANY);
    if (when === 'running') {
      startWorker(world);
      await waitFor(world, id, ({ stage }) => stage === 'tasks');
    }
    const began = performance.now();
    await askCancel(services, { id });
    expect(await waitFor(world, id)).toMatchObject({ status: 'cancelled', reason: 'It was cancelled.' });
    expect(performance.now() - began).toBeLessThan(30_000);
    const repositories = join(dataDir, 'repositories');
    expect(existsSync(repositories) ? readdirSync(repositories).filter((name) => name.includes('work')) : []).toEqual(
      [],
    );
    await expect(askCancel(services, { id })).rejects.toMatchObject({ code: 'import_over' });
    expect(await eventsOf(world.app, 'import_ended')).toEqual([`import_ended ok cancelled ${MANY}`]);

    world.sandbox.clearFaults();
    await retryImport(services, (await findImport(services.db, id))!);
    if (when === 'queued') startWorker(world);
    expect(await waitFor(world, id)).toMatchObject({ status: 'done' });
  },
);

test('nobody waits behind the many imports of another person (IM-039, IR-030)', async () => {
  const world = await startWorld({
    yaml: 'import: { concurrency: 1 }',
    sandbox: { repositories: [manyRepositories(12, ['acme'])] },
  });
  const { app, sandbox } = world;
  const names = sandbox.repositories.map(({ workspace, slug }) => `${workspace}/${slug}`);
  const first = [];
  for (const name of names.slice(0, 6)) first.push(await ask(world, name));
  const account = await makePerson(app, 'eve');
  const other = { ...world, account, credentialId: await giveConsent({ app, sandbox, account }, 'alice', EVERYTHING) };
  const late = await ask(other, names[7]!);
  startWorker(world);
  for (const { id } of [...first, late]) expect(await waitFor(world, id)).toMatchObject({ status: 'done' });
  const rows = await app.services.db.selectFrom('imports').select('id').orderBy('finished_at').execute();
  expect(rows.findIndex(({ id }) => id === late.id)).toBeLessThanOrEqual(2);
});

test('nobody has more than 1,500 imports waiting: the next one is told to come later (IM-039)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyRepositories(2, ['acme'])] } });
  const { db } = world.app.services;
  const [one, two] = world.sandbox.repositories.map(({ slug }) => `acme/${slug}`);
  const { id, ...row } = await ask(world, one!);
  for (let count = 1; count < 1500; count += 100)
    await db
      .insertInto('imports')
      .values(Array.from({ length: Math.min(100, 1500 - count) }, () => row))
      .execute();
  await expect(ask(world, two!)).rejects.toMatchObject({
    code: 'rate_limited',
    status: 429,
    options: { retryAfterSeconds: 600 },
  });
  await db.updateTable('imports').set({ status: 'cancelled' }).where('id', '=', id).execute();
  await ask(world, two!);
});

test('a long import gives its place to somebody who waits, and goes on afterwards (IR-030)', async () => {
  const makers = [manyPullRequests({ count: 60, fullName: MANY }), manyRepositories(1, ['acme'])];
  const world = await startWorld({ yaml: 'import: { concurrency: 1 }', sandbox: { repositories: makers } });
  const { app, sandbox } = world;
  sandbox.fault('tasks', { kind: 'delay', ms: 500 }); // whatever the short one takes, this one is not over before it
  const long = await ask(world, MANY);
  startWorker(world, { turnMs: 2000 }); // longer than a clone takes, also on a busy machine
  await waitFor(world, long.id, ({ stage }) => stage !== null);
  const account = await makePerson(app, 'eve');
  const other = { ...world, account, credentialId: await giveConsent({ app, sandbox, account }, 'alice', EVERYTHING) };
  const short = await ask(other, 'acme/shop');
  await waitFor(other, short.id);
  expect(await waitFor(world, long.id, () => true)).toMatchObject({ finished_at: null });
  sandbox.clearFaults();
  expect(await waitFor(world, long.id)).toMatchObject({ status: 'done' });
});

test('an import of a blocked person ends with the reason (IR-009)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 40, fullName: MANY })] } });
  world.sandbox.fault('tasks', SLOW);
  const { id } = await ask(world, MANY);
  startWorker(world);
  await waitFor(world, id, ({ stage }) => stage === 'tasks');
  await block(world);
  expect(await waitFor(world, id)).toMatchObject({
    status: 'cancelled',
    reason: 'The account may not import any more.',
  });
});

test.each([
  ['blocked', 'The account may not import any more.'],
  ['no member any more', 'Its owner is in no admitted workspace'],
])('what waits in the queue of somebody who is %s ends before anything is asked for (IR-009)', async (how, reason) => {
  const world = await startWorld({
    provider: ', allowed_workspaces: [acme]',
    sandbox: { repositories: [manyPullRequests({ count: 1, fullName: MANY })] },
  });
  const { id } = await ask(world, MANY);
  await (how === 'blocked' ? block(world) : loseMembership(world));
  world.sandbox.requests.length = 0;
  startWorker(world);
  const ended = await waitFor(world, id);
  expect([ended.status, ended.reason]).toEqual(['cancelled', expect.stringContaining(reason)]);
  expect(world.sandbox.requests).toEqual([]);
});

test('an import of somebody who loses the last membership stops, and goes on when they are back (IR-009)', async () => {
  const world = await startWorld({
    provider: ', allowed_workspaces: [acme]',
    sandbox: { repositories: [manyPullRequests({ count: 40, fullName: MANY })] },
  });
  world.sandbox.fault('tasks', SLOW);
  const { id } = await ask(world, MANY);
  startWorker(world);
  await waitFor(world, id, ({ stage }) => stage === 'tasks');
  const comeBack = await loseMembership(world);
  const reason: unknown = expect.stringContaining('Its owner is in no admitted workspace at Bitbucket any more.');
  expect(await waitFor(world, id)).toMatchObject({ status: 'cancelled', reason });
  expect(await eventsOf(world.app, 'import_ended')).toEqual([`import_ended ok cancelled ${MANY}`]);
  world.sandbox.clearFaults();
  await comeBack();
  await retryImport(world.app.services, (await findImport(world.app.services.db, id))!);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done' });
});

async function block({ app, account }: World): Promise<void> {
  const { db } = app.services;
  await db.updateTable('accounts').set({ state: 'blocked' }).where('id', '=', account.id).execute();
}

/** As the check of memberships does it. @returns what brings the membership back */
async function loseMembership({ app: { services }, account, sandbox }: World): Promise<() => Promise<void>> {
  const { db, now } = services;
  const names = { provider: 'bitbucket', extern_uid: sandbox.person('alice').uuid, display_name: 'Alice' };
  const times = { created_at: now(), last_used_at: now(), confirmed_at: now() };
  const row = { account_id: account.id, ...names, ...times };
  const identity = await db.insertInto('identities').values(row).returningAll().executeTakeFirstOrThrow();
  await endAccess(services, { account, identity, because: 'not_member' });
  return async () => {
    const confirmed = db.updateTable('identities').set({ confirmed_at: now() });
    await confirmed.where('id', '=', identity.id).execute();
  };
}

test('a project that is deleted while its import runs is gone, and the worker stops without a word (IR-021)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 40, fullName: MANY })] } });
  const { app, sandbox } = world;
  const { services } = app;
  sandbox.fault('tasks', SLOW);
  const { id, project_id: projectId } = await ask(world, MANY);
  startWorker(world);
  await waitFor(world, id, ({ stage }) => stage === 'tasks');
  const { db } = services;
  await db.transaction().execute((trx) => deleteProject(trx, projectId, services.now()));
  const asked = () => sandbox.requestsTo('tasks').length;
  const before = asked();
  await removeDeletedFiles(services);
  for (let last = -1; last !== asked();) {
    last = asked();
    await new Promise((resolve) => setTimeout(resolve, 1000)); // five calls, if it went on
  }
  expect(asked()).toBeLessThanOrEqual(before + 1); // one may have been on its way
  await removeDeletedFiles(services);
  for (const table of ['projects', 'imports', 'pull_requests', 'tasks'] as const)
    expect(await db.selectFrom(table).selectAll().execute()).toEqual([]);
  expect([readdirSync(join(app.dataDir, 'repositories')), app.log.join()]).toEqual([
    [],
    expect.not.stringContaining('by a bug'),
  ]);
});

test('what another person has given is not used (IM-036)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 2, fullName: MANY })] } });
  const { services } = world.app;
  const access = await new Accesses(services).open(world.credentialId);
  const { signal } = new AbortController();
  const repository = await clientWith(access, { http: services.http, signal }).getRepository(MANY);
  const account = await makePerson(world.app, 'eve');
  const source = { provider: 'bitbucket', repository };
  const { id } = await startImport(services, { account, source, credentialId: world.credentialId });
  world.sandbox.requests.length = 0;
  startWorker(world);
  expect(await waitFor(world, id, ({ status }) => status === 'waiting')).toMatchObject({ waiting_until: null });
  expect(world.sandbox.requests).toEqual([]);
});

test.each([
  [{ name: '..' }, 'bad_target'],
  [{ name: '.git' }, 'bad_target'],
  [{ name: 'x.git' }, 'bad_target'],
  [{ name: '-rf' }, 'bad_target'],
  [{ namespace: 'a/b' }, 'bad_target'],
  [{ name: 'settings.json' }, 'bad_target'],
  [{ namespace: 'root' }, 'path_taken'],
])('a project is not put at %j', async (where, code) => {
  const world = await startWorld({ sandbox: { repositories: [manyRepositories(1, ['acme'])] } });
  await expect(ask(world, 'acme/shop', where)).rejects.toMatchObject({ code });
});

test('a name that is taken gets a number, unless it was chosen', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyRepositories(3, ['acme'])] } });
  const { db } = world.app.services;
  const [one, two, three] = world.sandbox.repositories.map(({ slug }) => slug);
  await ask(world, `acme/${one}`, { namespace: 'tools', name: two!.toUpperCase() });
  const chosen = ask(world, `acme/${three}`, { namespace: 'tools', name: two! });
  await expect(chosen).rejects.toMatchObject({ code: 'path_taken' });
  await ask(world, `acme/${two}`, { namespace: 'tools' });
  const paths = await db.selectFrom('projects').select(['namespace', 'name']).orderBy('id').execute();
  expect(paths).toEqual([
    { namespace: 'tools', name: two },
    { namespace: 'tools', name: `${two}-2` },
  ]);
  expect(await listDueImports(db, world.app.services.now())).toHaveLength(1);
});
