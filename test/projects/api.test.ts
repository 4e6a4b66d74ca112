// Imported projects as data: who may read what, in which shape and in which pages; on both databases.
import request from 'supertest';
import {
  markGone,
  saveActivity,
  saveAttachments,
  saveComments,
  saveLfsObjects,
  savePeople,
  savePullRequestCommits,
  savePullRequestPeople,
  savePullRequests,
  saveTasks,
} from '../../src/projects/records.ts';
import type { Browser } from '../support/people.ts';
import {
  makeAccessToken,
  makeAccount,
  openBrowser,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';
import { AT, comment, idOf, makeProject, pullRequest, task } from './make.ts';

const PROJECTS = '/api/v4/projects';
const ALICE = { uuid: '{a11ce000-0000-4000-8000-000000000001}', account_id: '557058:a11ce', display_name: 'Alice' };
const BOB = { uuid: '{b0b00000-0000-4000-8000-000000000002}', account_id: '557058:b0b', display_name: 'Bob' };

async function startSignedIn(): Promise<{ app: TestApp; browser: Browser }> {
  const app = await startApp();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  return { app, browser };
}

/** Alice's pull request 1, merged by Bob, with all that can hang on it. */
async function makeConversation({ services: { db } }: TestApp, projectId: number): Promise<void> {
  const rest = { nickname: null, avatar_url: null, type: 'user' };
  await savePeople(db, 'bitbucket', [
    { ...ALICE, ...rest, nickname: 'al' },
    { ...BOB, ...rest },
  ]);
  await savePullRequests(db, projectId, [
    pullRequest(1, {
      state: 'merged',
      author: ALICE.uuid,
      closed_by: BOB.uuid,
      closed_at: AT + 5000,
      comment_count: 3,
      task_count: 1,
      source_commit: 'a'.repeat(40),
      destination_commit: 'b'.repeat(40),
      merge_commit: 'c'.repeat(40),
    }),
    pullRequest(2, { author: null, source_repository: null, draft: 1 }),
  ]);
  await savePullRequestCommits(db, projectId, 1, { commits: 'kept' });
  await savePullRequestPeople(
    db,
    projectId,
    [1],
    [
      { number: 1, uuid: BOB.uuid, role: 'reviewer', state: 'approved', at: AT + 2000 },
      { number: 1, uuid: ALICE.uuid, role: 'participant', state: null, at: null },
    ],
  );
  const inline = JSON.stringify({ path: 'src/a.ts', from: null, to: 7, start_from: null, start_to: 5, outdated: true });
  await saveComments(db, projectId, [
    comment(10, {
      author: BOB.uuid,
      body: 'Why?',
      inline,
      resolved: 1,
      resolved_by: ALICE.uuid,
      resolved_at: AT + 9000,
    }),
    comment(11, { author: ALICE.uuid, body: 'Because', parent_id: 10, updated_at: AT + 12_000 }),
    comment(12, { author: null, body: '', deleted: 1 }),
  ]);
  await saveTasks(db, projectId, [
    task(5, { author: BOB.uuid, comment_id: 10, state: 'resolved', resolved_by: ALICE.uuid, resolved_at: AT + 8000 }),
  ]);
  await saveActivity(db, projectId, [
    { number: 1, key: 'approval', kind: 'approval', author: BOB.uuid, at: AT + 2000, data: '{}' },
    { number: 1, key: 'update', kind: 'update', author: BOB.uuid, at: AT + 5000, data: '{"state":"merged"}' },
  ]);
}

test('a project is found by number and by path, with where it came from, how to clone it and what it holds', async () => {
  const { app, browser } = await startSignedIn();
  const { id } = await makeProject(app, { branches: 3, tags: 2, commits: 40, forked_from: 'upstream/demo' });
  await makeConversation(app, id);
  const { db } = app.services;
  await saveLfsObjects(db, id, [
    { oid: 'e'.repeat(64), size: 5, present: 1 },
    { oid: 'f'.repeat(64), size: 5, present: 0 },
  ]);
  await saveAttachments(db, id, [
    { source_url: 'https://x/1', file: '1', name: 'a.png', content_type: null, size: 1 },
    { source_url: 'https://x/2', file: null, name: 'b.png', content_type: null, size: null },
  ]);
  const uuid: unknown = expect.stringMatching(/^\{.+\}$/);
  const expected = {
    id,
    path_with_namespace: 'root/demo',
    name: 'The demo',
    description: 'A project to look at',
    private: true,
    default_branch: 'main',
    created_at: '2026-05-17T09:30:00.000Z',
    source: { url: 'https://bitbucket.org/acme/demo', uuid, full_name: 'acme/demo' },
    forked_from: 'upstream/demo',
    web_url: `${app.url}/projects/root/demo`,
    http_url_to_repo: `${app.url}/projects/root/demo.git`,
    counts: {
      branches: 3,
      tags: 2,
      commits: 40,
      pull_requests: 2,
      comments: 3,
      tasks: 1,
      lfs_objects: 1,
      attachments: 1,
    },
  };
  for (const which of [id, 'root%2Fdemo']) {
    expect((await browser.get(`${PROJECTS}/${which}`).expect(200)).body).toEqual(expected);
  }
  expect((await browser.get(PROJECTS).expect(200)).body).toEqual([expected]);
});

test('a pull request has its people, its commits and its end', async () => {
  const { app, browser } = await startSignedIn();
  const { id } = await makeProject(app);
  await makeConversation(app, id);
  const alice = { ...ALICE, nickname: 'al', user_id: null };
  const bob = { ...BOB, nickname: null, user_id: null };
  expect((await browser.get(`${PROJECTS}/${id}/pull_requests/1`).expect(200)).body).toEqual({
    number: 1,
    title: 'Change 1',
    description: '',
    state: 'merged',
    draft: false,
    author: alice,
    source: { branch: 'feature-1', commit: 'a'.repeat(40), repository: 'acme/demo' },
    destination: { branch: 'main', commit: 'b'.repeat(40) },
    merge_commit: 'c'.repeat(40),
    closed_by: bob,
    closed_at: '2026-05-17T09:30:05.000Z',
    reason: '',
    created_at: '2026-05-17T09:31:00.000Z',
    updated_at: '2026-05-17T09:31:00.000Z',
    reviewers: [bob],
    participants: [
      { person: bob, role: 'reviewer', state: 'approved', at: '2026-05-17T09:30:02.000Z' },
      { person: alice, role: 'participant', state: null, at: null },
    ],
    commits: 'kept',
    comment_count: 3,
    task_count: 1,
    source_url: 'https://bitbucket.org/acme/demo/pull-requests/1',
  });
  const second = await browser.get(`${PROJECTS}/${id}/pull_requests/2`).expect(200);
  expect(second.body).toMatchObject({ author: null, draft: true, source: { repository: null }, commits: null });
});

test('comments, tasks and activity of a pull request are told whole', async () => {
  const { app, browser } = await startSignedIn();
  const { id } = await makeProject(app);
  await makeConversation(app, id);
  const parts = `${PROJECTS}/${id}/pull_requests/1`;
  const bob: unknown = expect.objectContaining({ uuid: BOB.uuid });
  const alice: unknown = expect.objectContaining({ uuid: ALICE.uuid });
  const comments = await browser.get(`${parts}/comments`).expect(200);
  expect(comments.body).toEqual([
    {
      id: 10,
      parent_id: null,
      author: bob,
      body: 'Why?',
      created_at: '2026-05-17T09:30:10.000Z',
      updated_at: null,
      deleted: false,
      inline: { path: 'src/a.ts', from: null, to: 7, start_from: null, start_to: 5, outdated: true },
      resolved: { by: alice, at: '2026-05-17T09:30:09.000Z' },
    },
    expect.objectContaining({
      id: 11,
      parent_id: 10,
      updated_at: '2026-05-17T09:30:12.000Z',
      inline: { path: 'src/a.ts', from: null, to: 7, start_from: null, start_to: 5, outdated: true },
      resolved: null,
    }),
    expect.objectContaining({ id: 12, author: null, deleted: true }),
  ]);
  expect((await browser.get(`${parts}/tasks`).expect(200)).body).toEqual([
    {
      id: 5,
      body: 'Task 5',
      state: 'resolved',
      author: bob,
      created_at: '2026-05-17T09:30:05.000Z',
      resolved_at: '2026-05-17T09:30:08.000Z',
      resolved_by: alice,
      comment_id: 10,
    },
  ]);
  expect((await browser.get(`${parts}/activity`).expect(200)).body).toEqual([
    { kind: 'approval', person: bob, at: '2026-05-17T09:30:02.000Z', changes: {} },
    { kind: 'update', person: bob, at: '2026-05-17T09:30:05.000Z', changes: { state: 'merged' } },
  ]);
  for (const part of ['comments', 'tasks', 'activity']) {
    expect((await browser.get(`${PROJECTS}/${id}/pull_requests/2/${part}`).expect(200)).body).toEqual([]);
  }
});

test('pages are the same data for who asks for JSON or for a path that ends so', async () => {
  const { app, browser } = await startSignedIn();
  const { id } = await makeProject(app);
  await makeConversation(app, id);
  const pages: [page: string, data: string][] = [
    ['/projects', PROJECTS],
    ['/projects/root/demo', `${PROJECTS}/${id}`],
    ['/projects/root/demo/people', `${PROJECTS}/${id}/people`],
    ['/projects/root/demo/pull_requests', `${PROJECTS}/${id}/pull_requests`],
    ['/projects/root/demo/pull_requests/1', `${PROJECTS}/${id}/pull_requests/1`],
  ];
  for (const [page, data] of pages) {
    const expected = await browser.get(data).expect(200);
    const asked = await browser.get(page).set('Accept', 'application/json').expect(200);
    expect([asked.type, asked.body]).toEqual(['application/json', expected.body]);
    expect((await browser.get(`${page}.json`).expect(200)).body).toEqual(expected.body);
    expect((await browser.get(page).set('Accept', 'text/html')).type).toBe('text/html');
  }
  const second = await browser.get('/projects/root/demo/pull_requests.json?per_page=1&state=open').expect(200);
  expect(second.body).toMatchObject([{ number: 2 }]);
  expect(second.get('Link')).toContain('/projects/root/demo/pull_requests.json?');
  const missing = await browser.get('/projects/root/nothing.json').expect(404);
  expect(missing.body).toMatchObject({ code: 'not_found' });
  await request(app.url).get('/projects.json').expect(401);
});

test('an answer has the place of its thread, also on another page of the list; one to nothing that is here stands by itself', async () => {
  const { app, browser } = await startSignedIn();
  const { db } = app.services;
  const { id } = await makeProject(app);
  await savePullRequests(db, id, [pullRequest(1), pullRequest(2)]);
  const inline = JSON.stringify({ path: 'a.ts', from: null, to: 7 });
  await saveComments(db, id, [
    comment(10, { inline }),
    comment(11, { parent_id: 10 }),
    comment(12, { parent_id: 11 }),
    comment(13, { parent_id: 999 }),
    comment(14, { parent_id: 15 }),
    comment(15, { parent_id: 14 }),
    comment(20, { number: 2, parent_id: 10 }),
  ]);
  const place: unknown = expect.objectContaining({ path: 'a.ts', to: 7 });
  const second = await browser.get(`${PROJECTS}/${id}/pull_requests/1/comments?per_page=2&page=2`).expect(200);
  expect(second.body).toMatchObject([
    { id: 12, parent_id: 11, inline: place },
    { id: 13, parent_id: null, inline: null },
  ]);
  const third = await browser.get(`${PROJECTS}/${id}/pull_requests/1/comments?per_page=2&page=3`).expect(200);
  expect(third.body).toMatchObject([{ inline: null }, { inline: null }]);
  const other = await browser.get(`${PROJECTS}/${id}/pull_requests/2/comments`).expect(200);
  expect(other.body).toMatchObject([{ id: 20, parent_id: null, inline: null }]);
});

test('what was deleted at Bitbucket since is deleted and keeps its text', async () => {
  const { app, browser } = await startSignedIn();
  const { db } = app.services;
  const { id } = await makeProject(app);
  await savePullRequests(db, id, [pullRequest(1)]);
  await saveComments(db, id, [comment(10), comment(11)]);
  await markGone(db, id, 'comments', { ids: [10], at: AT });
  await saveComments(db, id, [comment(11, { body: '', deleted: 1 }), comment(12, { body: '', deleted: 1 })]);
  const deleted = await browser.get(`${PROJECTS}/${id}/pull_requests/1/comments`).expect(200);
  expect(deleted.body).toMatchObject([
    { body: 'Comment 10', deleted: true },
    { body: 'Comment 11', deleted: true },
    { body: '', deleted: true },
  ]);
});

test('what Bitbucket does not tell is null, and counted where it can be', async () => {
  const { app, browser } = await startSignedIn();
  const { db } = app.services;
  const { id } = await makeProject(app);
  const untold = { created_at: 0, updated_at: 0, comment_count: null, task_count: null };
  await savePullRequests(db, id, [pullRequest(1, untold), pullRequest(2, untold)]);
  await saveComments(db, id, [comment(1, { created_at: 0 }), comment(2, { body: '', deleted: 1 })]);
  await saveTasks(db, id, [task(1, { created_at: 0 }), task(2, { state: 'resolved' })]);
  await saveActivity(db, id, [{ number: 1, key: 'a', kind: 'approval', author: null, at: 0, data: '{}' }]);
  const one = `${PROJECTS}/${id}/pull_requests/1`;
  const counted = { number: 1, created_at: null, updated_at: null, comment_count: 1, task_count: 2 };
  expect((await browser.get(one).expect(200)).body).toMatchObject(counted);
  const list = await browser.get(`${PROJECTS}/${id}/pull_requests`).expect(200);
  expect(list.body).toMatchObject([{ number: 2, comment_count: 0, task_count: 0 }, counted]);
  expect((await browser.get(`${one}/comments`)).body).toMatchObject([{ created_at: null }, {}]);
  expect((await browser.get(`${one}/tasks`)).body).toMatchObject([{ created_at: null }, {}]);
  expect((await browser.get(`${one}/activity`)).body).toMatchObject([{ at: null }]);
  for (const page of ['', '/1', '/1/commits', '/1/diff']) {
    const { text } = await browser.get(`/projects/root/demo/pull_requests${page}`).expect(200);
    expect(text).not.toContain('1970');
  }
});

test('whoever was part of a project is listed once, by name, and known here once they have signed in', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  const { id } = await makeProject(app);
  await makeConversation(app, id);
  const { db } = app.services;
  const people = async () => (await browser.get(`${PROJECTS}/${id}/people`).expect(200)).body as { user_id: unknown }[];
  expect(await people()).toEqual([
    { ...ALICE, nickname: 'al', user_id: null },
    { ...BOB, nickname: null, user_id: null },
  ]);
  const other = openBrowser(app);
  await signInWithBitbucket(other, sandbox, 'alice');
  await db.updateTable('identities').set({ extern_uid: ALICE.uuid }).execute();
  const me = (await other.get('/api/v4/user')).body as { id: number };
  expect((await people()).map(({ user_id }) => user_id)).toEqual([me.id, null]);
});

test('lists come in pages with the headers of GitLab, and keep what narrows them down', async () => {
  const { app, browser } = await startSignedIn();
  const { id } = await makeProject(app);
  const rows = Array.from({ length: 7 }, (_, index) => pullRequest(index + 1, index > 4 ? { state: 'merged' } : {}));
  await savePullRequests(app.services.db, id, rows);
  const list = `${PROJECTS}/${id}/pull_requests`;
  const answer = await browser.get(`${list}?per_page=2&page=2&state=OPEN`).expect(200);
  expect((answer.body as { number: number }[]).map(({ number }) => number)).toEqual([3, 2]);
  expect(answer.headers).toMatchObject({
    'x-total': '5',
    'x-total-pages': '3',
    'x-page': '2',
    'x-per-page': '2',
    'x-next-page': '3',
    'x-prev-page': '1',
  });
  const next = `<${app.url}${list}?per_page=2&page=3&state=OPEN>; rel="next"`;
  expect(answer.headers['link']).toContain(next);
  const noNext: unknown = expect.not.stringContaining('rel="next"');
  const last = await browser.get(`${list}?per_page=2&page=3&state=open`).expect(200);
  expect([last.headers['x-next-page'], last.headers['link']]).toEqual(['', noNext]);
  expect((await browser.get(`${list}?per_page=1000`).expect(200)).headers['x-per-page']).toBe('100');
  for (const wrong of ['page=0', 'page=x', 'per_page=-1', 'state=closed']) {
    expect((await browser.get(`${list}?${wrong}`).expect(400)).body).toMatchObject({ code: 'bad_request' });
  }
});

test('pull requests are found by title, branch, author and number; wildcards are letters', async () => {
  const { app, browser } = await startSignedIn();
  const { id } = await makeProject(app);
  await makeConversation(app, id);
  await savePullRequests(app.services.db, id, [
    pullRequest(3, { title: 'Fix 100% of ÄRGER', source_branch: 'fix_it' }),
  ]);
  const found = async (search: string) => {
    const query = new URLSearchParams({ search }).toString();
    const answer = await browser.get(`${PROJECTS}/${id}/pull_requests?${query}`).expect(200);
    return (answer.body as { number: number }[]).map(({ number }) => number);
  };
  expect(await found('change')).toEqual([2, 1]);
  expect(await found('ALICE')).toEqual([1]);
  expect(await found('FEATURE-2')).toEqual([2]);
  expect(await found('0% of ÄR')).toEqual([3]);
  expect(await found('%')).toEqual([3]);
  expect(await found('x_i')).toEqual([3]);
  expect(await found('#2')).toEqual([2]);
  expect(await found("' or 1=1 --")).toEqual([]);
});

test('what was imported is its owner’s: for everybody else there is nothing at its address (IM-036)', async () => {
  const { app, browser } = await startSignedIn();
  await makeAccount(app, { username: 'eve', name: 'Eve', state: 'active', admin: 0 });
  await makeAccount(app, { username: 'mia', name: 'Mia', state: 'active', admin: 0 });
  const { db } = app.services;
  const project = await makeProject(app, { owner_id: await idOf(db, 'mia'), namespace: 'mia', private: 0 });
  await makeConversation(app, project.id);
  const root = await idOf(db, 'root');
  const as = (username: string) => tokenOf(app, username, ['read_projects']);
  const [mia, eve] = [await as('mia'), await as('eve')];
  const paths = [
    '',
    '/people',
    '/pull_requests',
    '/pull_requests/1',
    '/pull_requests/1/comments',
    '/pull_requests/1/tasks',
  ];
  for (const path of paths) {
    const get = (token: string) => request(app.url).get(`${PROJECTS}/${project.id}${path}`).set('PRIVATE-TOKEN', token);
    await get(mia).expect(200);
    expect((await get(eve).expect(404)).body).toMatchObject({ code: 'not_found' });
    await request(app.url).get(`${PROJECTS}/${project.id}${path}`).expect(401);
  }
  const listed = async (token: string) =>
    (await request(app.url).get(PROJECTS).set('PRIVATE-TOKEN', token).expect(200)).body as unknown[];
  expect([(await listed(mia)).length, (await listed(eve)).length]).toEqual([1, 0]);
  expect(root).not.toBe(project.owner_id);
  expect((await browser.get(`${PROJECTS}/${project.id}`).expect(200)).body).toMatchObject({ id: project.id });
});

test('half an import is in no list, and nobody but its owner finds it (IR-036)', async () => {
  const { app, browser } = await startSignedIn();
  await makeAccount(app, { username: 'mia', name: 'Mia', state: 'active', admin: 0 });
  const owner_id = await idOf(app.services.db, 'mia');
  const { id } = await makeProject(app, { owner_id, namespace: 'mia' }, { published: false });
  await browser.get(`${PROJECTS}/${id}`).expect(404);
  const mia = await tokenOf(app, 'mia', ['read_projects']);
  await request(app.url).get(`${PROJECTS}/${id}`).set('PRIVATE-TOKEN', mia).expect(200);
  expect((await request(app.url).get(PROJECTS).set('PRIVATE-TOKEN', mia).expect(200)).body).toEqual([]);
});

test('a token needs the scope for projects; other methods and odd ids find nothing', async () => {
  const { app, browser } = await startSignedIn();
  const { id } = await makeProject(app);
  const token = await makeAccessToken(browser, ['read_user']);
  const refused = await request(app.url).get(`${PROJECTS}/${id}`).set('PRIVATE-TOKEN', token).expect(403);
  expect(refused.body).toMatchObject({ code: 'insufficient_scope' });
  const strange = [
    '0',
    '-1',
    '1e3',
    'root',
    'root%2Fother',
    'root%2Fdemo%2Fx',
    '%2Fdemo',
    '9'.repeat(20),
    'root%2Fde%00mo',
  ];
  for (const which of strange) {
    expect([which, (await browser.get(`${PROJECTS}/${which}`)).status]).toEqual([which, 404]);
  }
  for (const number of ['0', '3', 'x', '1.0'])
    await browser.get(`${PROJECTS}/${id}/pull_requests/${number}`).expect(404);
});

/** A token of somebody, who gets the password of root for it. */
async function tokenOf(app: TestApp, username: string, scopes: string[]): Promise<string> {
  const browser = openBrowser(app);
  const { db } = app.services;
  const root = await db
    .selectFrom('accounts')
    .select('password_hash')
    .where('username', '=', 'root')
    .executeTakeFirstOrThrow();
  await db
    .updateTable('accounts')
    .set({ password_hash: root.password_hash })
    .where('username', '=', username)
    .execute();
  await signInWithPassword(browser, username);
  return makeAccessToken(browser, scopes);
}
