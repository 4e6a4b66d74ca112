// Comments, tasks and activity of the odd repository: every form that was recorded and some that only happen.
import {
  makeComment,
  makeInline,
  makePullRequest,
  makeTask,
  type Activity,
  type Comment,
  type PullRequest,
  type Task,
} from './pull-requests.ts';

type Commit = (key: string) => string;

const ODD = 'acme/odd-parts';
const MANY_COMMENTS = 130;
const at = (minute: number): string =>
  `2026-04-01T${String(8 + Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00.000001+00:00`;

/** Each form of comment once. */
export function oddComments(commit: Commit): Comment[] {
  const place = { path: 'list.txt', sourceCommit: commit('talk-1'), destinationCommit: commit('squash') };
  const say = (id: number, raw: string, given: Partial<Comment> = {}): Comment =>
    makeComment({ id, author: 'bob', raw, createdOn: at(id - 2000), ...given });
  return [
    say(2001, 'Of the whole pull request'),
    say(2002, 'Of a whole file', { inline: makeInline({ ...place }) }),
    say(2003, 'Of a line', { inline: makeInline({ ...place, to: 15 }) }),
    say(2004, 'An answer that says nothing of the line', { parent: 2003, author: 'alice' }),
    say(2005, 'An answer that repeats the line', { parent: 2003, inline: makeInline({ ...place, to: 15 }) }),
    say(2006, 'Of a line that is gone', { inline: makeInline({ ...place, from: 15 }) }),
    say(2007, 'Of several lines', { inline: makeInline({ ...place, to: 17, startTo: 12, startFrom: null }) }),
    say(2008, 'Outdated', { inline: makeInline({ ...place, to: 15, outdated: true }) }),
    say(2009, 'This was deleted', { deleted: true, inline: makeInline({ ...place, to: 20 }) }),
    say(2010, 'An answer to what was deleted', { parent: 2009 }),
    say(2011, 'Resolved, without a word of by whom', { resolution: {}, inline: makeInline({ ...place, to: 21 }) }),
    say(2012, 'Resolved', { resolution: { by: 'alice', at: at(30) }, inline: makeInline({ ...place, to: 22 }) }),
    say(2013, 'Resolved by a deleted account', { resolution: { by: null, at: at(31) } }),
    say(2014, 'A draft that was never sent', { author: 'alice', pending: true }),
    say(2015, 'Somebody else’s draft', { pending: true }),
    say(2016, 'By a deleted account', { author: null }),
    say(2017, 'By an app', { author: 'assistant', inline: makeInline({ ...place, to: 17 }) }),
    say(2018, 'An answer to a comment that is not there', { parent: 1999 }),
    say(2019, 'Windows\r\nline\r\nends'),
    say(2020, 'Four bytes 🦊, a NUL \u0000 here, half a character \ud83d there'),
    say(2021, '<img src=x onerror=alert(1)> **bold** `code` @{712020:3b9f0c7e-58a1-4d26-9e4b-c17a60d2f583}', {
      author: 'quote',
    }),
    say(2022, 'Long. '.repeat(20_000)),
    say(2023, '', { author: 'kanji' }),
    say(2024, 'In a file with an odd name', {
      inline: makeInline({ ...place, path: 'ünï cödé/"quoted" file.txt', to: 1 }),
    }),
    say(2025, 'An answer that is older than its parent', { parent: 2026, createdOn: at(1) }),
    say(2026, 'A parent that is younger than its answer', { updatedOn: '2026-09-01T00:00:00.000000+00:00' }),
  ];
}

/** Open and resolved ones. */
export function oddTasks(): Task[] {
  const done = { state: 'RESOLVED' as const, resolvedOn: at(50), resolvedBy: 'alice' };
  return [
    makeTask({ id: 301, raw: 'Of the pull request', creator: 'bob', createdOn: at(40) }),
    makeTask({ id: 302, raw: 'Of a comment', creator: 'bob', createdOn: at(41), comment: 2003, ...done }),
    makeTask({ id: 303, raw: 'Of a deleted comment', creator: 'alice', createdOn: at(42), comment: 2009 }),
    makeTask({
      id: 304,
      raw: 'By nobody <b>any more</b>',
      creator: null,
      createdOn: at(43),
      ...done,
      resolvedBy: null,
    }),
  ];
}

/** Pull requests whose conversation is odd. Their numbers leave gaps, as deleted ones do. */
export const ODD_CONVERSATION: readonly ((commit: Commit) => PullRequest)[] = [
  (commit) =>
    makePullRequest({
      ...talk(20, 'All its tasks are resolved, so that Bitbucket counts none', commit),
      tasks: oddTasks().flatMap((task) =>
        task.state === 'RESOLVED' ? [{ ...task, id: task.id + 100, comment: null }] : [],
      ),
    }),
  (commit) =>
    makePullRequest({
      ...talk(21, 'More comments than a page holds', commit),
      comments: Array.from({ length: MANY_COMMENTS }, (_, index) =>
        makeComment({
          id: 3000 + index,
          parent: index % 5 === 4 ? 3000 + index - 1 : null,
          author: index % 2 === 0 ? 'alice' : 'bob',
          raw: `Comment ${index + 1} of ${MANY_COMMENTS}`,
          createdOn: at(index),
        }),
      ),
    }),
  (commit) =>
    makePullRequest({
      ...talk(22, 'All its comments are deleted, so that Bitbucket counts none', commit),
      comments: [makeComment({ id: 4001, author: 'alice', raw: 'Gone', createdOn: at(1), deleted: true })],
    }),
  (commit) => makePullRequest({ ...talk(30, 'Activity of every kind, and of none', commit), ...oddActivity(commit) }),
];

function talk(id: number, title: string, commit: Commit) {
  const source = { branch: 'talk', commit: commit('talk-2'), repository: ODD };
  const destination = { branch: 'trunk', commit: commit('squash'), repository: ODD };
  return { id, title, author: 'alice', source, destination, createdOn: '2026-04-01T07:00:00.000000+00:00' };
}

function oddActivity(commit: Commit): Partial<PullRequest> {
  const update = { kind: 'update' as const, state: 'OPEN' as const, by: 'alice' };
  const reviewed = { status: 'reviewers', reviewers: { added: [], removed: [] } };
  const activity: Activity[] = [
    { ...update, at: at(0), sourceCommit: commit('talk-1') },
    { ...update, at: at(5), sourceCommit: commit('talk-2') },
    {
      ...update,
      at: at(6),
      sourceCommit: commit('talk-2'),
      changes: { title: { old: 'Old title', new: 'New title' } },
    },
    { ...update, at: at(7), sourceCommit: commit('talk-2'), changes: reviewed },
    { kind: 'approval', at: at(10), by: 'bob' },
    { kind: 'changes_requested', at: at(10), by: 'quote' },
    { kind: 'approval', at: at(12), by: null },
    { kind: 'unknown', at: at(13), value: {} },
    { kind: 'unknown', at: at(14), value: { celebrated: { date: at(14), user: null, confetti: true } } },
  ];
  return {
    activity,
    reviewers: ['bob', 'quote'],
    participants: [
      { who: 'bob', role: 'REVIEWER', state: 'approved', participatedOn: at(10) },
      { who: 'quote', role: 'REVIEWER', state: 'changes_requested', participatedOn: at(10) },
      { who: null, role: 'PARTICIPANT', state: 'approved', participatedOn: at(12) },
      { who: 'assistant', role: 'PARTICIPANT', state: null, participatedOn: at(13) },
      { who: 'frieda', role: 'REVIEWER', state: null, participatedOn: null },
    ],
    comments: [makeComment({ id: 5001, author: 'bob', raw: 'Between two approvals', createdOn: at(11) })],
  };
}
