// Rows of imported projects: written by their natural keys, cleaned at the border, on both databases.
import type { NewRow } from '../../src/projects/records.ts';
import {
  deleteProject,
  markGone,
  publishProject,
  saveActivity,
  saveComments,
  savePeople,
  savePullRequestCommits,
  savePullRequestPeople,
  savePullRequests,
  updateProject,
} from '../../src/projects/records.ts';
import { startApp } from '../support/start-app.ts';
import { comment, makeProject, pullRequest } from './make.ts';

test('what is written twice is there once, with what was written last (IR-002)', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  await savePullRequests(db, project.id, [pullRequest(1), pullRequest(2)]);
  await savePullRequests(db, project.id, [pullRequest(2, { title: 'Renamed' }), pullRequest(3)]);
  const rows = await db.selectFrom('pull_requests').select(['number', 'title']).orderBy('number').execute();
  expect(rows).toEqual([
    { number: 1, title: 'Change 1' },
    { number: 2, title: 'Renamed' },
    { number: 3, title: 'Change 3' },
  ]);
});

test('the same thing twice in one batch is taken once, the last one (IR-017)', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  await saveComments(db, project.id, [comment(7, { body: 'first' }), comment(8), comment(7, { body: 'second' })]);
  const rows = await db.selectFrom('comments').select(['id', 'body']).orderBy('id').execute();
  expect(rows).toEqual([
    { id: 7, body: 'second' },
    { id: 8, body: 'Comment 8' },
  ]);
});

test('a row leaves alone what it does not name', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  await savePullRequests(db, project.id, [pullRequest(1)]);
  await savePullRequestCommits(db, project.id, 1, { commits: 'fetched', source_commit: 'a'.repeat(40) });
  const short: Partial<NewRow<'pull_requests'>> = pullRequest(1, { title: 'New title' });
  delete short.source_commit;
  await savePullRequests(db, project.id, [short as NewRow<'pull_requests'>, pullRequest(2)]);
  const row = await db.selectFrom('pull_requests').selectAll().where('number', '=', 1).executeTakeFirstOrThrow();
  expect(row).toMatchObject({ title: 'New title', commits: 'fetched', source_commit: 'a'.repeat(40) });
});

test('a batch of thousands is written in pieces that every database takes', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  const many = Array.from({ length: 2345 }, (_, index) => comment(index + 1));
  await saveComments(db, project.id, many);
  const { count } = db.fn;
  const row = await db.selectFrom('comments').select(count<number>('id').as('all')).executeTakeFirstOrThrow();
  expect(Number(row.all)).toBe(2345);
});

test('NUL and halves of surrogate pairs become signs that every database keeps, all else stays (IR-037)', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  const body = 'a\0b \uD83D c \uDE00 😀 \r\n e\u0301';
  await saveComments(db, project.id, [comment(1, { body })]);
  const row = await db.selectFrom('comments').select('body').executeTakeFirstOrThrow();
  expect(row.body).toBe('a\uFFFDb \uFFFD c \uFFFD 😀 \r\n e\u0301');
});

test('a text of a megabyte is kept whole (IR-037)', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  const body = 'long 😀 '.repeat(130_000);
  await saveComments(db, project.id, [comment(1, { body })]);
  expect((await db.selectFrom('comments').select('body').executeTakeFirstOrThrow()).body).toBe(body);
});

test('the same comment id in two projects is two comments', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  const other = await makeProject(app, { name: 'other' });
  await saveComments(db, project.id, [comment(1, { body: 'here' })]);
  await saveComments(db, other.id, [comment(1, { body: 'there' })]);
  const rows = await db.selectFrom('comments').select('body').orderBy('project_id').execute();
  expect(rows.map(({ body }) => body)).toEqual(['here', 'there']);
});

test('people who are not named any more are no reviewers any more, of the pull requests in question only', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  const reviewer = { role: 'reviewer', state: null, at: null } as const;
  await savePullRequestPeople(
    db,
    project.id,
    [1, 2],
    [
      { ...reviewer, number: 1, uuid: '{a}' },
      { ...reviewer, number: 1, uuid: '{b}' },
      { ...reviewer, number: 2, uuid: '{a}' },
    ],
  );
  await savePullRequestPeople(db, project.id, [1], [{ ...reviewer, state: 'approved', number: 1, uuid: '{b}' }]);
  const rows = await db
    .selectFrom('pull_request_people')
    .select(['number', 'uuid', 'state'])
    .orderBy('number')
    .execute();
  expect(rows).toEqual([
    { number: 1, uuid: '{b}', state: 'approved' },
    { number: 2, uuid: '{a}', state: null },
  ]);
});

test('the same event of a second reading is the same row', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  const event = { number: 1, key: 'approval 1 {a}', kind: 'approval', author: '{a}', at: 1, data: '{}' } as const;
  await saveActivity(db, project.id, [event]);
  await saveActivity(db, project.id, [event, event]);
  expect(await db.selectFrom('activity').select('key').execute()).toEqual([{ key: 'approval 1 {a}' }]);
});

test('what is gone at the source is marked once, and found again it is not gone any more', async () => {
  const { app, project } = await startWithProject();
  const { db } = app.services;
  await saveComments(db, project.id, [comment(1), comment(2)]);
  await markGone(db, project.id, 'comments', { ids: [1], at: 1000 });
  await markGone(db, project.id, 'comments', { ids: [1], at: 2000 });
  const gone = () => db.selectFrom('comments').select(['id', 'source_gone_at']).orderBy('id').execute();
  expect(await gone()).toEqual([
    { id: 1, source_gone_at: 1000 },
    { id: 2, source_gone_at: null },
  ]);
  await saveComments(db, project.id, [comment(1)]);
  expect((await gone())[0]).toEqual({ id: 1, source_gone_at: null });
});

test('a person is known per provider and keeps no old name', async () => {
  const { app } = await startWithProject();
  const { db } = app.services;
  const alice = {
    uuid: '{a}',
    account_id: '5b',
    display_name: 'Alice',
    nickname: 'al',
    avatar_url: null,
    type: 'user',
  };
  await savePeople(db, 'bitbucket', [alice]);
  await savePeople(db, 'bitbucket', [{ ...alice, display_name: 'Alice B.' }]);
  await savePeople(db, 'other', [alice]);
  const rows = await db.selectFrom('people').select(['provider', 'display_name']).orderBy('provider').execute();
  expect(rows).toEqual([
    { provider: 'bitbucket', display_name: 'Alice B.' },
    { provider: 'other', display_name: 'Alice' },
  ]);
});

test('a project is published once; its rows go with it, other projects stay', async () => {
  const { app, project } = await startWithProject({ published: false });
  const { db } = app.services;
  await publishProject(db, project.id, 5);
  await publishProject(db, project.id, 6);
  await updateProject(db, project.id, { description: 'with\0NUL', branches: 3 });
  const row = await db.selectFrom('projects').selectAll().executeTakeFirstOrThrow();
  expect(row).toMatchObject({ published_at: 5, description: 'with\uFFFDNUL', branches: 3 });

  const other = await makeProject(app, { name: 'other' });
  await saveComments(db, project.id, [comment(1)]);
  await saveComments(db, other.id, [comment(1)]);
  const remove = () => db.transaction().execute((trx) => deleteProject(trx, project.id, 7));
  expect([await remove(), await remove()]).toEqual([true, false]);
  expect(await db.selectFrom('deleted_projects').selectAll().execute()).toEqual([{ id: project.id, deleted_at: 7 }]);
  expect(await db.selectFrom('comments').select('project_id').execute()).toEqual([{ project_id: other.id }]);
});

test('the same source twice for the same person, and the same path twice, are refused (IR-020)', async () => {
  const { app, project } = await startWithProject();
  const { dialect } = app.services.database;
  for (const again of [{ name: 'elsewhere', source_uuid: project.source_uuid }, { source_uuid: '{other}' }]) {
    const error: unknown = await makeProject(app, { name: project.name, ...again }).catch((e: unknown) => e);
    expect(dialect.isUniqueViolation(error)).toBe(true);
  }
});

async function startWithProject(options: { published?: boolean } = {}) {
  const app = await startApp();
  return { app, project: await makeProject(app, {}, options) };
}
