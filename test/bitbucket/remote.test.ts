// What Bitbucket says of repositories, pull requests and conversations, in one form; recorded answers where there are any.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { activityReply, commentReply, taskReply } from '../../src/bitbucket/remote-conversation.ts';
import { personReply, timeReply } from '../../src/bitbucket/remote-person.ts';
import { pullRequestReply } from '../../src/bitbucket/remote-pull-request.ts';
import { repositoryReply } from '../../src/bitbucket/remote-repository.ts';

const uuid = '{7f5a3a6c-2b1d-4c8e-9f00-0123456789ab}';
const person = { type: 'user', uuid, account_id: '557058:0f0e', display_name: 'Ada', nickname: 'ada' };

test('a deleted account is null in the place of a person, and so is somebody without a uuid', () => {
  expect([null, {}, { uuid: 'x' }, 'ada'].map((value) => personReply.parse(value))).toEqual([null, null, null, null]);
});

test('a robot has no nickname and no page, and is a person all the same', () => {
  expect(personReply.parse({ type: 'app_user', uuid, display_name: 'Rovo', account_id: '' })).toEqual({
    uuid,
    accountId: null,
    displayName: 'Rovo',
    nickname: null,
    avatarUrl: null,
    type: 'app_user',
  });
});

test('what is no date, or none of a calendar, is no time (IR-037)', () => {
  expect(
    ['2026-01-02T03:04:05.678901+00:00', '', 'yesterday', null, 12, '+275760-09-13T00:00:00Z', '1960-01-01'].map(
      (value) => timeReply.parse(value),
    ),
  ).toEqual([Date.UTC(2026, 0, 2, 3, 4, 5, 678), ...Array<null>(6).fill(null)]);
});

test('a pull request of a deleted fork by a deleted author is read (IR-015)', () => {
  const reply = { id: 7, title: 'x', state: 'DECLINED', author: null, closed_by: null, merge_commit: null };
  const source = { branch: { name: 'fix' }, commit: null, repository: null };
  expect(
    pullRequestReply.parse({ ...reply, source, destination: { branch: { name: 'main' }, commit: null } }),
  ).toMatchObject({
    number: 7,
    state: 'declined',
    author: null,
    closedBy: null,
    source: { branch: 'fix', commit: null, repository: null },
    destination: { branch: 'main', commit: null, repository: null },
    mergeCommit: null,
    participants: undefined,
  });
});

test.each([
  [{ reviewers: [], participants: [] }, []],
  [{ reviewers: [] }, undefined],
  [{ participants: [] }, undefined],
  [{ reviewers: null, participants: [] }, undefined],
])('of %j the participants are %j: what is not told is something else than nobody', (told, participants) => {
  expect(pullRequestReply.parse({ id: 1, ...told }).participants).toEqual(participants);
});

test.each([
  ['OPEN', false, 'open', false],
  ['OPEN', true, 'open', true],
  ['DRAFT', false, 'open', true],
  ['MERGED', false, 'merged', false],
  ['SUPERSEDED', false, 'superseded', false],
  ['QUEUED', false, 'open', false],
  ['SOMETHING_NEW', false, 'open', false],
])('state %s with draft %s is %s (IR-037)', (state, draft, expected, isDraft) => {
  expect(pullRequestReply.parse({ id: 1, state, draft })).toMatchObject({ state: expected, draft: isDraft });
});

test('reviewers are participants once, with what they think; deleted ones keep their vote', () => {
  const approved = { user: person, role: 'REVIEWER', approved: true, state: 'approved', participated_on: null };
  const former = { user: null, role: 'PARTICIPANT', approved: false, state: 'changes_requested' };
  const silent = { ...person, uuid: uuid.replace('7f', '8f') };
  const { participants } = pullRequestReply.parse({
    id: 1,
    reviewers: [person, silent, null],
    participants: [approved, former, 5],
  });
  expect(participants!.map(({ person: who, role, state }) => [who?.uuid ?? null, role, state])).toEqual([
    [uuid, 'reviewer', 'approved'],
    [null, 'participant', 'changes_requested'],
    [silent.uuid, 'reviewer', null],
  ]);
});

test('an empty resolution is one; none is none', () => {
  const comment = { id: 1, content: { raw: 'x' } };
  expect(commentReply.parse({ ...comment, resolution: {} }).resolution).toEqual({ by: null, at: null });
  expect(
    commentReply.parse({ ...comment, resolution: { user: person, created_on: '2026-01-01T00:00:00Z' } }).resolution,
  ).toMatchObject({
    by: { uuid },
    at: Date.UTC(2026, 0, 1),
  });
  expect(
    [commentReply.parse(comment), commentReply.parse({ ...comment, resolution: null })].map((one) => one.resolution),
  ).toEqual([null, null]);
});

test.each([
  [
    { path: 'a.ts', from: null, to: 3 },
    { path: 'a.ts', from: null, to: 3, startFrom: null, startTo: null, outdated: false },
  ],
  [
    { path: 'a.ts', from: 4, to: 9, start_from: 2, start_to: 7, outdated: true },
    { path: 'a.ts', from: 4, to: 9, startFrom: 2, startTo: 7, outdated: true },
  ],
  [{ path: 'a.ts' }, { path: 'a.ts', from: null, to: null, startFrom: null, startTo: null, outdated: false }],
  [{}, null],
  [null, null],
])('an inline comment at %j', (inline, expected) => {
  expect(commentReply.parse({ id: 1, inline }).inline).toEqual(expected);
});

test('an event of a kind that nobody knows, or of none, is none; one that is not as documented is refused', () => {
  for (const event of [{}, { pull_request: { id: 1 } }, { pull_request: { id: 1 }, rewind: {} }, { update: null }])
    expect(activityReply.parse(event)).toBeNull();
  for (const event of [
    null,
    5,
    { update: {} },
    { pull_request: { id: 1 }, update: 'x' },
    { pull_request: {}, approval: {} },
  ])
    expect(activityReply.safeParse(event).success).toBe(false);
});

test('a task hangs on a comment or on the pull request', () => {
  const task = { id: 4, content: { raw: 'do' }, state: 'RESOLVED', creator: null, resolved_by: person };
  expect(taskReply.parse({ ...task, comment: { id: 9 } })).toMatchObject({
    resolved: true,
    commentId: 9,
    author: null,
  });
  expect(taskReply.parse({ ...task, state: 'UNRESOLVED' })).toMatchObject({ resolved: false, commentId: null });
});

const folder = process.env['BITBUCKET_FIXTURES'] ?? '';

(existsSync(folder) ? describe : describe.skip)('recorded answers', () => {
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown;
  /** Some recordings hold a page, some what a tool wrote down around each entry. */
  const valuesOf = (value: unknown): unknown[] => {
    if (Array.isArray(value)) return value.flatMap(valuesOf);
    const known = value as { values?: unknown[]; element?: unknown; request?: unknown; response?: { body: unknown } };
    if (known.request !== undefined) return valuesOf(bodyOf(known.response?.body));
    return known.element === undefined ? (known.values ?? [value]) : [known.element];
  };
  const bodyOf = (body: unknown): unknown => (typeof body === 'string' ? JSON.parse(body) : body);

  test.each([
    ['pullrequests/atlascode2026_pr1100_merged.json', pullRequestReply],
    ['pullrequests/gildas_prs.json', pullRequestReply],
    ['pullrequests/codecov_prs.json', pullRequestReply],
    ['pullrequests/devlake_prs_even.json', pullRequestReply],
    ['pullrequests/jenkins_pr1.json', pullRequestReply],
    ['pr-comments/atlascode2026_inline_app_user.json', commentReply],
    ['pr-comments/devlake_pr_comments_even.json', commentReply],
    ['pr-comments/goscm_inline_comment.json', commentReply],
    ['pr-comments/labscript_pr12_comments_page.json', commentReply],
    ['pr-tasks/tasks_page.json', taskReply],
    ['pr-activity/gildas_activity-approval.json', activityReply],
    ['pr-activity/gildas_activity-comment.json', activityReply],
    ['pr-activity/gildas_activity-update.json', activityReply],
    ['repository/gitea2026_repo.json', repositoryReply],
    ['repository/gildas_repo.json', repositoryReply],
    ['repository/jenkins_repo.json', repositoryReply],
    ['repository/woodpecker_repo.json', repositoryReply],
    ['repositories-list/codecov_list_repos.json', repositoryReply],
  ])('%s is read whole', (name, reply) => {
    const refused = valuesOf(read(name))
      .map((value) => reply.safeParse(value).error?.issues[0])
      .filter(Boolean);
    expect(refused).toEqual([]);
  });

  test('a merged pull request of 2026 says who closed it, by what commit, and who reviewed it', () => {
    const read1100 = pullRequestReply.parse(read('pullrequests/atlascode2026_pr1100_merged.json'));
    expect(read1100).toMatchObject({ number: 1100, state: 'merged', mergeCommit: '6b9766a08b27', commentCount: 1 });
    expect(read1100.closedBy?.displayName).toBe('Stan Dzhumaev');
    expect(read1100.source).toEqual({
      branch: 'atlascode-spike-instrumentation',
      commit: '6b9766a08b27',
      repository: 'atlassianlabs/atlascode',
    });
  });
});
