// The demo's small repository: a handful of commits and three pull requests, and beside it one without any commit.
import { join } from 'node:path';
import { makeGitRepository, type GitStory, type StoryPerson } from './git-story.ts';
import {
  makeComment,
  makeInline,
  makePullRequest,
  makeTask,
  type Activity,
  type PullRequest,
  type PullRequestEnd,
  type PullRequestState,
} from './pull-requests.ts';
import { makeRepository, type Repository } from './repositories.ts';

const ALICE: StoryPerson = { name: 'Alice Example', email: 'alice@example.test' };
const BOB: StoryPerson = { name: 'Bob Builder', email: 'bob@example.test' };
const ANVIL = 'acme/anvil';

const README = `# Anvil

Drops on request. Made by **Acme Tools**.

| weight | falls in |
|--------|----------|
| 10 kg  | 1.2 s    |
| 50 kg  | 1.2 s    |

\`\`\`sh
npm start -- --weight 50
\`\`\`
`;

const DROP = `export function drop(weight) {
  if (weight <= 0) throw new Error('An anvil has a weight');
  return { weight, seconds: 1.2 };
}
`;

const SOUND = "export const sound = () => 'clang';\n";
const STORY: GitStory = {
  commits: [
    {
      key: 'first',
      message: 'First anvil\n',
      author: ALICE,
      date: '2026-02-02T08:00:00Z',
      files: { 'README.md': README },
    },
    { key: 'drop', message: 'Drop it\n', author: BOB, date: '2026-02-03T10:20:00Z', files: { 'src/drop.js': DROP } },
    {
      key: 'sound',
      message: 'It makes a sound\n',
      author: BOB,
      date: '2026-02-09T09:00:00Z',
      files: { 'src/sound.js': SOUND },
    },
    {
      key: 'merge-sound',
      parents: ['drop', 'sound'],
      message: 'Merged in sound (pull request #1)\n',
      author: ALICE,
      date: '2026-02-10T11:30:00Z',
      files: { 'src/sound.js': SOUND },
    },
    {
      key: 'feathers',
      message: 'An anvil of feathers\n',
      author: BOB,
      date: '2026-02-16T15:00:00Z',
      files: { 'src/drop.js': DROP.replace('1.2', '120') },
    },
    {
      key: 'parachute',
      parents: ['merge-sound'],
      message: 'Add a parachute\n',
      author: BOB,
      date: '2026-02-20T15:00:00Z',
      files: { 'src/parachute.js': 'export const parachute = true;\n', 'src/drop.js': DROP.replace('1.2', '12') },
    },
  ],
  branches: { main: 'merge-sound', feathers: 'feathers', parachute: 'parachute' },
  tags: { 'v1.0': { commit: 'merge-sound', message: 'First release\n' } },
};

type Commit = (key: string) => string;

/** `acme/anvil` and `acme/empty-shelf`. */
export async function makeSmallSample(folder: string): Promise<Repository[]> {
  const dir = join(folder, 'anvil.git');
  const { commits } = await makeGitRepository(dir, STORY);
  const commit: Commit = (key) => commits.get(key) ?? '';
  const anvil = makeRepository({
    workspace: 'acme',
    slug: 'anvil',
    dir,
    name: 'Anvil',
    description: 'Drops on request',
    project: 'TOOLS',
    language: 'javascript',
    size: 48_213,
    createdOn: '2026-02-02T07:58:11.310442+00:00',
    updatedOn: '2026-02-21T16:03:40.120000+00:00',
    defaultReviewers: ['alice'],
    pullRequests: [mergedOne(commit), declinedOne(commit), openOne(commit)],
  });
  return [anvil, await makeEmpty(folder)];
}

function mergedOne(commit: Commit): PullRequest {
  const [openedOn, approvedOn, mergedOn] = [
    '2026-02-09T09:05:00.512000+00:00',
    '2026-02-10T11:29:00.100000+00:00',
    '2026-02-10T11:30:02.750000+00:00',
  ];
  return makePullRequest({
    id: 1,
    title: 'It makes a sound',
    description: 'Every anvil goes *clang*.',
    author: 'bob',
    state: 'MERGED',
    closedBy: 'alice',
    createdOn: openedOn,
    updatedOn: mergedOn,
    source: end('sound', commit('sound')),
    destination: end('main', commit('drop')),
    mergeCommit: commit('merge-sound'),
    reviewers: ['alice'],
    participants: [{ who: 'alice', role: 'REVIEWER', state: 'approved', participatedOn: approvedOn }],
    activity: [
      update(openedOn, 'bob', 'OPEN', commit('sound')),
      { kind: 'approval', at: approvedOn, by: 'alice' },
      update(mergedOn, 'alice', 'MERGED', commit('sound')),
    ],
  });
}

function declinedOne(commit: Commit): PullRequest {
  const [openedOn, declinedOn] = ['2026-02-16T15:02:00.000000+00:00', '2026-02-17T08:00:00.000000+00:00'];
  return makePullRequest({
    id: 2,
    title: 'An anvil of feathers',
    author: 'bob',
    state: 'DECLINED',
    closedBy: 'alice',
    reason: 'It does not hurt anybody',
    createdOn: openedOn,
    updatedOn: declinedOn,
    source: end('feathers', commit('feathers')),
    destination: end('main', commit('merge-sound')),
    activity: [
      update(openedOn, 'bob', 'OPEN', commit('feathers')),
      update(declinedOn, 'alice', 'DECLINED', commit('feathers')),
    ],
  });
}

function openOne(commit: Commit): PullRequest {
  const [openedOn, askedOn, answeredOn] = [
    '2026-02-20T15:10:00.000000+00:00',
    '2026-02-21T15:50:00.000000+00:00',
    '2026-02-21T16:03:40.120000+00:00',
  ];
  const commits = { sourceCommit: commit('parachute'), destinationCommit: commit('merge-sound') };
  return makePullRequest({
    id: 3,
    title: 'Add a parachute',
    description: 'Slower is safer.\n\n- [ ] try it with 50 kg\n- [x] try it with 10 kg\n',
    author: 'bob',
    createdOn: openedOn,
    updatedOn: answeredOn,
    source: end('parachute', commit('parachute')),
    destination: end('main', commit('merge-sound')),
    reviewers: ['alice'],
    participants: [{ who: 'alice', role: 'REVIEWER', state: null, participatedOn: askedOn }],
    comments: [
      makeComment({
        id: 501,
        author: 'alice',
        raw: 'Twelve seconds? Where does that number come from?',
        createdOn: askedOn,
        inline: makeInline({ path: 'src/drop.js', to: 3, ...commits }),
      }),
      makeComment({ id: 502, parent: 501, author: 'bob', raw: 'From the roof of the office.', createdOn: answeredOn }),
    ],
    tasks: [
      makeTask({ id: 71, raw: 'Write down how it was measured', creator: 'alice', comment: 501, createdOn: askedOn }),
    ],
    activity: [update(openedOn, 'bob', 'OPEN', commit('parachute'))],
  });
}

function end(branch: string, commit: string): PullRequestEnd {
  return { branch, commit, repository: ANVIL };
}

function update(at: string, by: string, state: PullRequestState, sourceCommit: string): Activity {
  return { kind: 'update', at, by, state, sourceCommit };
}

async function makeEmpty(folder: string): Promise<Repository> {
  const dir = join(folder, 'empty-shelf.git');
  await makeGitRepository(dir, { commits: [], branches: {} });
  const named = { workspace: 'acme', slug: 'empty-shelf', name: 'Empty shelf', project: 'TOOLS' };
  return makeRepository({ ...named, dir, mainBranch: null, size: 0 });
}
