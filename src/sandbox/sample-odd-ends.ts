// Pull requests of the odd repository whose people, ends or commits are odd or gone.
import {
  makePullRequest,
  type Activity,
  type PullRequest,
  type PullRequestEnd,
  type PullRequestState,
} from './pull-requests.ts';
import type { Who } from './repositories.ts';
import { ODD } from './sample-odd-texts.ts';

const FORK = 'open-garden/odd-parts';
const HIDDEN_FORK = 'elm-books/odd-parts';
/** As repositories have them that came from Mercurial. */
const HASH_OF_NO_COMMIT = 'deadbeefdeadbeefdeadbeefdeadbeefdeadbeef';

type Commit = (key: string) => string;

export function oddPullRequests(commit: Commit): PullRequest[] {
  return [...ofGonePeople(commit), ...ofGonePlaces(commit), ...ofUnreachedCommits(commit), ...openOnes(commit)];
}

function ofGonePeople(commit: Commit): PullRequest[] {
  return [
    makePullRequest({
      id: 1,
      title: 'Merged; author and merger have deleted their accounts',
      author: null,
      state: 'MERGED',
      source: end('merged', commit('merged')),
      destination: end('trunk', commit('first')),
      mergeCommit: commit('merge-1'),
      createdOn: '2024-01-16T08:00:00.000001+00:00',
      updatedOn: '2026-09-07T15:54:14.843487+00:00',
      participants: [
        { who: null, role: 'REVIEWER', state: 'approved', participatedOn: '2024-01-16T09:00:00.000000+00:00' },
      ],
      activity: [
        update('2024-01-16T08:00:00.000001+00:00', null, 'OPEN', commit('merged')),
        { kind: 'approval', at: '2024-01-16T09:00:00.000000+00:00', by: null },
        update('2024-01-17T08:00:00.000000+00:00', null, 'MERGED', commit('merged')),
      ],
    }),
    makePullRequest({
      id: 2,
      title: 'Opened by an app; fast-forward: the merge commit is the source commit',
      author: 'deploy-token',
      state: 'MERGED',
      closedBy: 'alice',
      source: end('forwarded', commit('forwarded')),
      destination: end('trunk', commit('merge-1')),
      mergeCommit: commit('forwarded'),
      activity: [update('2026-03-03T09:00:00.000000+00:00', 'alice', 'MERGED', commit('forwarded'))],
    }),
  ];
}

function ofGonePlaces(commit: Commit): PullRequest[] {
  const destination = end('trunk', commit('first'));
  return [
    makePullRequest({
      id: 3,
      title: 'The fork is deleted, and Bitbucket names no commit',
      author: 'frieda',
      state: 'DECLINED',
      source: end('gone', null, null),
      destination,
    }),
    makePullRequest({
      id: 4,
      title: 'The fork is deleted; the commit is still known',
      author: 'frieda',
      state: 'DECLINED',
      closedBy: 'frieda',
      reason: 'Superseded by\r\n“something else”',
      source: end('of-gone-fork', commit('of-gone-fork'), null),
      destination,
    }),
    makePullRequest({
      id: 5,
      title: 'The destination branch is deleted',
      author: 'bob',
      state: 'DECLINED',
      source: end('merged', commit('merged')),
      destination: end('gone-too', null),
    }),
  ];
}

function ofUnreachedCommits(commit: Commit): PullRequest[] {
  const at = (hour: number): string => `2026-03-02T${String(hour).padStart(2, '0')}:00:00.250000+00:00`;
  return [
    makePullRequest({
      id: 6,
      title: 'Squashed; the branch is deleted and no ref reaches its commits',
      author: 'alice',
      state: 'MERGED',
      closedBy: 'bob',
      source: end('squashed', commit('squashed-b')),
      destination: end('trunk', commit('forwarded')),
      mergeCommit: commit('squash'),
      activity: [
        update(at(9), 'alice', 'OPEN', commit('squashed-a')),
        update(at(10), 'alice', 'OPEN', commit('squashed-b')),
        update(at(11), 'bob', 'MERGED', commit('squashed-b')),
      ],
    }),
    makePullRequest({
      id: 7,
      title: 'Declined after a force push; the branch is deleted',
      author: 'eve',
      state: 'DECLINED',
      closedBy: 'alice',
      reason: 'No',
      source: end('forced', commit('force-2')),
      destination: end('trunk', commit('squash')),
      activity: [
        update(at(9), 'eve', 'OPEN', commit('force-1')),
        update(at(10), 'eve', 'OPEN', commit('force-2')),
        { kind: 'update', at: at(12), by: 'alice', state: 'DECLINED', sourceCommit: commit('force-2'), reason: 'No' },
      ],
    }),
    makePullRequest({
      id: 12,
      title: 'Its commits are nowhere any more',
      author: 'frieda',
      state: 'DECLINED',
      source: end('from-mercurial', HASH_OF_NO_COMMIT),
      destination: end('trunk', commit('first')),
    }),
  ];
}

function openOnes(commit: Commit): PullRequest[] {
  const destination = end('trunk', commit('squash'));
  return [
    makePullRequest({
      id: 8,
      title: 'Superseded',
      author: 'quote',
      state: 'SUPERSEDED',
      source: end('superseded', commit('superseded')),
      destination,
    }),
    makePullRequest({
      id: 9,
      title: 'A draft',
      author: 'kanji',
      draft: true,
      source: end('draft', commit('draft')),
      destination,
    }),
    makePullRequest({
      id: 10,
      title: 'From a fork that everybody sees',
      author: 'kanji',
      source: end('from-fork', commit('forked'), FORK),
      destination,
    }),
    makePullRequest({
      id: 11,
      title: 'From a fork that you may not see',
      author: 'dan',
      source: end('from-hidden', commit('hidden'), HIDDEN_FORK),
      destination,
    }),
  ];
}

function end(branch: string, commit: string | null, repository: string | null = ODD): PullRequestEnd {
  return { branch, commit, repository };
}

function update(at: string, by: Who, state: PullRequestState, sourceCommit: string): Activity {
  return { kind: 'update', at, by, state, sourceCommit };
}
