// Pull requests, comments, tasks and activity of the sandbox, with every oddity that importers have to bear.
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { SAMPLE_CONTRIBUTORS, SAMPLE_PROJECTS } from '../../src/sandbox/sample-people.ts';
import { getApi, startTestSandbox, type Json } from './start-test-sandbox.ts';

const sandbox = startTestSandbox({
  repositories: [makeSmallSample, makeOddSample],
  contributors: SAMPLE_CONTRIBUTORS,
  projects: SAMPLE_PROJECTS,
});
const ODD = '/repositories/acme/odd-parts/pullrequests';
const get = (path: string, as = 'alice') => getApi(sandbox(), path, sandbox().accessToken(as));
const valuesOf = (body: Json) => body['values'] as Json[];
const idsOf = (body: Json) => valuesOf(body).map(({ id }) => id);

async function readAll(path: string, as = 'alice'): Promise<Json[]> {
  const all: Json[] = [];
  let next: string | undefined = path;
  while (next !== undefined) {
    const { status, body }: { status: number; body: Json } = await get(next, as);
    if (status !== 200) throw new Error(`${next} answers ${status}`);
    all.push(...valuesOf(body));
    next = body['next'] as string | undefined;
  }
  return all;
}

it('lists open pull requests, and others to those who ask for their states', async () => {
  const list = '/repositories/acme/anvil/pullrequests';
  expect(idsOf((await get(list)).body)).toEqual([3]);
  expect(idsOf((await get(`${list}?state=MERGED&state=DECLINED`)).body)).toEqual([2, 1]);
  expect(idsOf((await get(`${list}?state=ALL&sort=created_on`)).body)).toEqual([1, 2, 3]);
  expect(idsOf((await get(`${list}?q=${encodeURIComponent('state = "MERGED"')}`)).body)).toEqual([1]);
  const since = encodeURIComponent('updated_on >= 2026-02-17T08:00:00+00:00');
  expect(idsOf((await get(`${list}?state=ALL&q=${since}&sort=updated_on`)).body)).toEqual([2, 3]);
});

it('takes no more than 50 pull requests to a page', async () => {
  expect((await get(`${ODD}?pagelen=50`)).status).toBe(200);
  const { status, body } = await get(`${ODD}?pagelen=51`);
  expect([status, body]).toEqual([400, { type: 'error', error: { message: 'Invalid pagelen' } }]);
  expect((await get(`${ODD}/activity?pagelen=51`)).status).toBe(400);
});

it('tells reviewers and participants in lists only to those who ask for them', async () => {
  const list = '/repositories/acme/anvil/pullrequests';
  const [plain] = valuesOf((await get(list)).body);
  expect(plain).not.toHaveProperty('reviewers');
  expect(plain).not.toHaveProperty('rendered');
  const [asked] = valuesOf((await get(`${list}?fields=%2Bvalues.reviewers,%2Bvalues.participants`)).body);
  expect(asked).toMatchObject({ title: 'Add a parachute', reviewers: [{ nickname: 'alice' }] });
  const [little] = valuesOf((await get(`${list}?fields=next,values.id,values.participants.user.uuid`)).body);
  expect(little).toEqual({ id: 3, participants: [{ user: { uuid: sandbox().person('alice').uuid } }] });
  expect((await get(`${list}/3`)).body).toMatchObject({ reviewers: [{ nickname: 'alice' }], rendered: {} });
});

it('tells hashes in twelve characters', async () => {
  const { body } = await get(`${ODD}/6`);
  const { source, mergeCommit } = sandbox()
    .repository('acme/odd-parts')
    .pullRequests.find(({ id }) => id === 6)!;
  expect(body).toMatchObject({
    source: { commit: { hash: source.commit!.slice(0, 12) } },
    merge_commit: { hash: mergeCommit!.slice(0, 12) },
  });
});

it('counts no deleted comment, no draft and no resolved task', async () => {
  const counts = async (id: number) => {
    const { comment_count, task_count } = (await get(`${ODD}/${id}`)).body;
    return [comment_count, task_count];
  };
  expect(await counts(20)).toEqual([0, 0]);
  expect(await readAll(`${ODD}/20/tasks`)).toHaveLength(2);
  expect(await counts(22)).toEqual([0, 0]);
  expect(await readAll(`${ODD}/22/comments`)).toMatchObject([{ deleted: true, content: { raw: '' } }]);
  expect(await counts(13)).toEqual([23, 2]);
});

it('leaves out people, forks and commits that are gone', async () => {
  expect((await get(`${ODD}/1`)).body).toMatchObject({
    author: null,
    closed_by: null,
    participants: [{ user: null, approved: true }],
  });
  expect((await get(`${ODD}/3`)).body).toMatchObject({ source: { repository: null, commit: null } });
  expect((await get(`${ODD}/4`)).body).toMatchObject({ source: { repository: null, commit: { type: 'commit' } } });
  expect((await get(`${ODD}/5`)).body).toMatchObject({ destination: { commit: null } });
  const app = (await get(`${ODD}/2`)).body['author'] as Json;
  expect(app).toMatchObject({ type: 'app_user', kind: 'repository_access_token' });
  expect(app).not.toHaveProperty('nickname');
});

it('tells all there is about comments', async () => {
  const comments = await readAll(`${ODD}/13/comments?pagelen=10&fields=%2Bvalues.inline.*`);
  const find = (id: number) => comments.find((comment) => comment['id'] === id);
  expect(find(2002)).toMatchObject({ inline: { path: 'list.txt', from: null, to: null } });
  expect(find(2004)).toMatchObject({ parent: { id: 2003 } });
  expect(find(2004)).not.toHaveProperty('inline');
  expect(find(2007)).toMatchObject({ inline: { to: 17, start_to: 12 } });
  expect(find(2008)).toMatchObject({
    inline: { outdated: true, src_rev: expect.stringMatching(/^[0-9a-f]{12}$/) as string },
  });
  expect(find(2009)).toMatchObject({ deleted: true, content: { raw: '' } });
  expect(find(2011)).toMatchObject({ resolution: {} });
  expect(find(2012)).toMatchObject({ resolution: { user: { nickname: 'alice' } } });
  expect(find(2003)).not.toHaveProperty('resolution');
  expect(find(2019)).toMatchObject({ content: { raw: 'Windows\r\nline\r\nends' } });
  expect(find(2020)).toMatchObject({
    content: { raw: 'Four bytes 🦊, a NUL \u0000 here, half a character \ud83d there' },
  });
  const plain = await readAll(`${ODD}/13/comments`);
  expect(plain.find(({ id }) => id === 2008)!['inline']).not.toHaveProperty('outdated');
});

it('shows drafts only to whoever wrote them', async () => {
  const pending = async (as: string) =>
    (await readAll(`${ODD}/13/comments`, as)).filter(({ pending }) => pending).map(({ id }) => id);
  expect(await pending('alice')).toEqual([2014]);
  expect(await pending('bob')).toEqual([2015]);
});

it('names a comment that is not there by its id alone', async () => {
  expect((await get(`${ODD}/13/comments/2001`)).body).toMatchObject({ id: 2001 });
  const { status, body } = await get(`${ODD}/13/comments/7`);
  expect([status, body]).toEqual([404, { type: 'error', error: { message: '7' } }]);
});

it('tells activity newest first by a cursor, for one pull request and for all of them', async () => {
  const one = await readAll(`${ODD}/30/activity?pagelen=3`);
  const { activity, comments } = sandbox()
    .repository('acme/odd-parts')
    .pullRequests.find(({ id }) => id === 30)!;
  expect(one).toHaveLength(activity.length + comments.length);
  expect(Object.keys(one[0]!)).toEqual(['pull_request', 'celebrated']);
  expect(Object.keys(one[1]!)).toEqual(['pull_request']);
  expect(one[2]).toMatchObject({ approval: { user: null } });
  expect(one.at(-1)).toMatchObject({ update: { state: 'OPEN', source: { branch: { name: 'talk' } } } });
  const all = await readAll(`${ODD}/activity?pagelen=50`);
  const of = (id: number) => all.filter(({ pull_request }) => (pull_request as Json)['id'] === id);
  expect(of(30)).toEqual(one);
  expect(of(21)).toHaveLength(130);
  const { body } = await get(`${ODD}/activity`);
  expect(body).not.toHaveProperty('size');
  expect(body).not.toHaveProperty('page');
  expect((await get(`${ODD}/activity?ctx=made-up`)).status).toBe(400);
});

it('leaves what was deleted, drafts and resolutions out of activity', async () => {
  const told = (await readAll(`${ODD}/13/activity?pagelen=50`)).map(({ comment }) => comment as Json);
  const ids = told.map(({ id }) => id);
  expect(ids).toContain(2012);
  for (const id of [2009, 2014, 2015]) expect(ids).not.toContain(id);
  expect(told.every((comment) => !('resolution' in comment))).toBe(true);
});

it('tells tasks with what they hang on', async () => {
  const tasks = await readAll(`${ODD}/13/tasks`);
  expect(tasks).toMatchObject([
    { id: 304, creator: null, state: 'RESOLVED', resolved_by: null },
    { id: 303, comment: { id: 2009 }, state: 'UNRESOLVED', resolved_on: null },
    { id: 302, comment: { id: 2003 }, resolved_by: { nickname: 'alice' } },
    { id: 301 },
  ]);
  expect(tasks[3]).not.toHaveProperty('comment');
});

it('answers in plain text where no pull request has that number', async () => {
  const token = sandbox().accessToken('alice');
  const response = await fetch(`${sandbox().apiUrl}${ODD}/4711`, { headers: { authorization: `Bearer ${token}` } });
  expect([response.status, await response.text()]).toEqual([404, 'Not Found']);
  expect(response.headers.get('content-type')).toContain('text/plain');
});

it('wants the scope for pull requests', async () => {
  const { status, body } = await getApi(sandbox(), ODD, sandbox().accessToken('alice', ['repository']));
  expect(status).toBe(403);
  expect(body).toMatchObject({ error: { detail: { required: ['pullrequest'], granted: ['repository'] } } });
});
