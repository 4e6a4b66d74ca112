// A repository with as many pull requests as one likes, in the mixture that grown repositories have: for measuring, and
// for the demo's rich repository. The same options give the same repository.
import { join } from 'node:path';
import { numbersFrom } from './faults.ts';
import { makeGitRepository, type GitStory, type StoryCommit, type StoryFile, type StoryPerson } from './git-story.ts';
import type { RepositoryMaker } from './options.ts';
import {
  makeComment,
  makeInline,
  makePullRequest,
  makeTask,
  type Activity,
  type Comment,
  type Participant,
  type PullRequest,
  type PullRequestState,
  type Task,
} from './pull-requests.ts';
import { fullNameOf, makeRepository, type Repository } from './repositories.ts';

export interface ManyPullRequests {
  count: number;
  /** `workspace/slug`; defaults to `acme/many`. */
  fullName?: string;
  /** Share of pull requests with comments, from 0 to 1. Defaults to 0.4. */
  commented?: number;
  /** How many comments one of these has at most; it has at least one. Defaults to 9. */
  mostComments?: number;
  seed?: number;
  /** Keys of people, who open, answer and approve in turn. */
  people?: readonly string[];
  /** What lies in the first commit besides the parts that pull requests change. */
  files?: Record<string, StoryFile>;
  /** Every how many pull requests there is a tag. */
  tagEvery?: number;
}

/** What becomes of pull requests, in turns of twenty. A squashed or declined one leaves commits that no ref reaches. */
const FATES: readonly Fate[] = [
  ...Array<Fate>(11).fill('merged'),
  ...Array<Fate>(4).fill('squashed'),
  ...Array<Fate>(2).fill('declined'),
  'superseded',
  ...Array<Fate>(2).fill('open'),
];
type Fate = 'merged' | 'squashed' | 'declined' | 'superseded' | 'open';

const STATES: Record<Fate, PullRequestState> = {
  merged: 'MERGED',
  squashed: 'MERGED',
  declined: 'DECLINED',
  superseded: 'SUPERSEDED',
  open: 'OPEN',
};

const FILES = 40;
const FIRST_AT = Date.parse('2022-01-03T08:00:00Z');
const HOURS_BETWEEN = 3;
const WORDS =
  'This could be simpler if the loop ended early. Why not ask once and keep the answer? Good find, thank you!'.split(
    ' ',
  );

interface Plan {
  id: number;
  fate: Fate;
  file: string;
  author: string;
  reviewer: string;
  /** Milliseconds since 1970. */
  openedAt: number;
  closedAt: number;
  branch: string;
}

/** Makes one such repository. Its branches are those of pull requests that are open or superseded, and `main`. */
export function manyPullRequests(options: ManyPullRequests): RepositoryMaker {
  const [workspace = '', slug = ''] = (options.fullName ?? 'acme/many').split('/');
  return async (folder) => {
    const plans = Array.from({ length: options.count }, (_, index) => planFor(index + 1, options));
    const story = tellHistory(plans, options);
    const dir = join(folder, `${slug}.git`);
    const made = await makeGitRepository(dir, story);
    const repository = makeRepository({ workspace, slug, dir, lfs: made.lfs, createdOn: timeOf(FIRST_AT) });
    const random = numbersFrom(options.seed ?? 1);
    const parents = new Map(story.commits.map(({ key, parents }) => [key, parents?.[0]]));
    repository.pullRequests = plans.map((plan) => {
      const hashOf = (key: string): string => made.commits.get(key) ?? '';
      const base = hashOf(parents.get(`topic-${plan.id}`) ?? '');
      return pullRequestFor(plan, { options, random, repository, base, hashOf });
    });
    repository.updatedOn = repository.pullRequests.at(-1)?.updatedOn ?? repository.createdOn;
    return [repository];
  };
}

function planFor(id: number, { people = ['alice', 'bob', 'frieda', 'kanji'] }: ManyPullRequests): Plan {
  const openedAt = FIRST_AT + id * HOURS_BETWEEN * 3_600_000;
  const file = String(id % FILES).padStart(2, '0');
  return {
    id,
    fate: FATES[(id * 7) % FATES.length]!,
    file: `src/part-${file}.txt`,
    author: people[id % people.length]!,
    reviewer: people[(id + 1) % people.length]!,
    openedAt,
    closedAt: openedAt + 5 * 3_600_000,
    branch: `topic/${id}-part-${file}`,
  };
}

/** The first commit, which forks begin with as well. */
export function firstCommit(files: Record<string, StoryFile> = {}): StoryCommit {
  const parts = Object.fromEntries(Array.from({ length: FILES }, (_, index) => [fileNamed(index), contentOf(0)]));
  const all = { 'README.md': '# Many\n', ...parts, ...files };
  return { key: 'root', parents: [], message: 'Start\n', date: timeOf(FIRST_AT), files: all };
}

function tellHistory(plans: Plan[], { files, tagEvery = Infinity }: ManyPullRequests): GitStory {
  const commits: StoryCommit[] = [firstCommit(files)];
  const branches: Record<string, string> = {};
  const tags: NonNullable<GitStory['tags']> = {};
  let main = 'root';
  for (const plan of plans) {
    const topic = `topic-${plan.id}`;
    const change = { author: personFor(plan.author), files: { [plan.file]: contentOf(plan.id) } };
    commits.push({
      key: topic,
      parents: [main],
      message: titleOf(plan) + '\n',
      date: timeOf(plan.openedAt),
      ...change,
    });
    if (plan.fate === 'merged' || plan.fate === 'squashed') {
      const parents = plan.fate === 'merged' ? [main, topic] : [main];
      const message = `Merged in ${plan.branch} (pull request #${plan.id})\n`;
      main = `main-${plan.id}`;
      commits.push({ key: main, parents, message, date: timeOf(plan.closedAt), ...change });
    }
    if (plan.fate === 'open' || plan.fate === 'superseded') branches[plan.branch] = topic;
    if (plan.id % tagEvery === 0)
      tags[`v${plan.id / tagEvery}.0`] = { commit: main, message: `Release ${plan.id / tagEvery}\n` };
  }
  return { commits, branches: { main, ...branches }, tags };
}

interface Making {
  options: ManyPullRequests;
  random: () => number;
  repository: Repository;
  /** Hash that the topic started from. */
  base: string;
  hashOf: (key: string) => string;
}

function pullRequestFor(plan: Plan, making: Making): PullRequest {
  const { repository, base, hashOf } = making;
  const sourceCommit = hashOf(`topic-${plan.id}`);
  const comments = making.random() < (making.options.commented ?? 0.4) ? commentsFor(plan, making) : [];
  return makePullRequest({
    id: plan.id,
    title: titleOf(plan),
    description: `Changes \`${plan.file}\`.\n\n${sentence(plan.id)}`,
    author: plan.author,
    createdOn: timeOf(plan.openedAt),
    source: { branch: plan.branch, commit: sourceCommit, repository: fullNameOf(repository) },
    destination: { branch: 'main', commit: base, repository: fullNameOf(repository) },
    ...endingOf(plan, hashOf, comments),
    reviewers: [plan.reviewer],
    participants: [participantOf(plan)],
    comments,
    tasks: plan.id % 4 === 0 ? comments.slice(0, 1).map((comment) => taskFor(plan, comment)) : [],
    activity: activityFor(plan, sourceCommit),
  });
}

function endingOf(plan: Plan, hashOf: (key: string) => string, comments: Comment[]): Partial<PullRequest> {
  const state = STATES[plan.fate];
  if (state === 'OPEN') {
    const updatedOn = comments.at(-1)?.createdOn ?? timeOf(plan.openedAt);
    return { state, draft: plan.id % 5 === 0, updatedOn };
  }
  return {
    state,
    closedBy: plan.reviewer,
    reason: state === 'DECLINED' ? 'Not needed any more' : '',
    updatedOn: timeOf(plan.closedAt),
    mergeCommit: state === 'MERGED' ? hashOf(`main-${plan.id}`) : null,
  };
}

function isApproved({ id, fate }: Plan): boolean {
  return STATES[fate] === 'MERGED' || id % 3 === 0;
}

function participantOf(plan: Plan): Participant {
  const approval = { state: 'approved' as const, participatedOn: timeOf(plan.openedAt + 3_600_000) };
  const silence = { state: null, participatedOn: null };
  return { who: plan.reviewer, role: 'REVIEWER', ...(isApproved(plan) ? approval : silence) };
}

/** Most of them in threads on a line of the diff. */
function commentsFor(plan: Plan, { options: { mostComments = 9 }, random, base, hashOf }: Making): Comment[] {
  const count = 1 + Math.floor(random() * mostComments);
  const firstId = 100_000 + plan.id * (mostComments + 1);
  return Array.from({ length: count }, (_, index) => {
    const isAnswer = index % 3 !== 0;
    const inline = makeInline({
      path: plan.file,
      to: 1 + (index % 3),
      sourceCommit: hashOf(`topic-${plan.id}`),
      destinationCommit: base,
    });
    return makeComment({
      id: firstId + index,
      parent: isAnswer ? firstId + index - (index % 3) : null,
      author: index % 2 === 0 ? plan.reviewer : plan.author,
      raw: sentence(plan.id + index),
      createdOn: timeOf(plan.openedAt + (index + 1) * 600_000),
      inline: isAnswer || index === 6 ? null : inline,
    });
  });
}

function taskFor(plan: Plan, { id: comment }: Comment): Task {
  const isDone = plan.fate !== 'open';
  return makeTask({
    id: 500_000 + plan.id,
    raw: 'Say why in the commit message',
    creator: plan.reviewer,
    createdOn: timeOf(plan.openedAt + 700_000),
    comment,
    state: isDone ? 'RESOLVED' : 'UNRESOLVED',
    resolvedOn: isDone ? timeOf(plan.openedAt + 900_000) : null,
    resolvedBy: isDone ? plan.author : null,
  });
}

function activityFor(plan: Plan, sourceCommit: string): Activity[] {
  const update = { kind: 'update' as const, sourceCommit };
  const state = STATES[plan.fate];
  return [
    { ...update, at: timeOf(plan.openedAt), by: plan.author, state: 'OPEN' },
    ...(isApproved(plan)
      ? [{ kind: 'approval' as const, at: timeOf(plan.openedAt + 3_600_000), by: plan.reviewer }]
      : []),
    ...(state === 'OPEN' ? [] : [{ ...update, at: timeOf(plan.closedAt), by: plan.reviewer, state }]),
  ];
}

function titleOf(plan: Plan): string {
  return `Change ${plan.id} of part ${plan.file.slice(-6, -4)}`;
}

function sentence(start: number): string {
  return Array.from({ length: 8 }, (_, index) => WORDS[(start * 5 + index) % WORDS.length]).join(' ');
}

function contentOf(id: number): string {
  return `first line\nas of change ${id}\nlast line\n`;
}

function fileNamed(index: number): string {
  return `src/part-${String(index).padStart(2, '0')}.txt`;
}

function personFor(key: string): StoryPerson {
  return { name: key.charAt(0).toUpperCase() + key.slice(1), email: `${key}@example.test` };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000+00:00');
}
