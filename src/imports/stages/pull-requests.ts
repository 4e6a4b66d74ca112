// Pull requests of every state, fifty a call, with everybody who takes part in them, by themselves where the list does
// not tell; and which of their commits the clone has.
import type { Unreadable } from '../../bitbucket/api.ts';
import type { RemotePullRequest } from '../../bitbucket/remote-pull-request.ts';
import type { CommitsKept, PullRequest } from '../../db/project-tables.ts';
import type { Transaction } from '../../db/tables.ts';
import { tidy } from '../../git/mirror.ts';
import { pinCommits, resolveCommits } from '../../git/repository.ts';
import { savePeople, savePullRequestPeople, savePullRequests } from '../../projects/records.ts';
import type { Job } from '../job.ts';
import { countPullRequests, findPullRequests } from '../reading.ts';
import { peopleOfPullRequest, peopleRows, pullRequestPeopleRows, pullRequestRow } from '../rows.ts';
import { dirOf, GIT_TIMEOUT_MS } from '../sources.ts';
import type { Progress, Stage } from '../stage.ts';
import { unreadableInWords } from '../unreadable.ts';

/** The last page was read. */
const END = 'end';
/** A list that moves while it is read may pass over an entry: then it is read again, but not for ever. */
const MOST_PASSES = 3;
/** So many new refs are files of their own, and no more; putting them together takes a second. */
const TIDY_EVERY_PAGES = 20;

/**
 * Its cursor is the address of the first page that was not read. In front of it stand the numbers of those whose people
 * are still to be asked for, because the list did not tell of them: `7,9 /repositories/…`.
 */
export const pullRequests: Stage = {
  name: 'pull_requests',
  async run(job, progress) {
    for (let pass = 1; pass <= MOST_PASSES; pass++) {
      await readAll(job, progress);
      const missing =
        job.since === null ? (progress.total ?? 0) - (await countPullRequests(job.db, job.project.id)) : 0;
      if (missing <= 0 || pass === MOST_PASSES) return;
      await job.note(`${missing} pull requests are missing by Bitbucket's count: reading the list again.`);
      await progress.save({ cursor: null, done: 0, skipped: 0 }, (trx) => job.forgetIn(trx, UNREADABLE));
    }
  },
  async bringOne(job, key) {
    await bringPeople(job, Number(key));
  },
};

async function readAll(job: Job, progress: Progress): Promise<void> {
  const { client, source, since } = job;
  await askForPeople(job, progress);
  if (progress.cursor === END) return;
  let pages = 0;
  for await (const page of client.pagesOfPullRequests(source, { from: progress.cursor ?? undefined, since })) {
    if (page.unreadable.length > 0) await noteUnreadable(job, page.unreadable);
    const write = await preparePullRequests(job, page.items);
    const total = page.size === undefined ? {} : { total: page.size };
    const untold = page.items.filter(({ participants }) => participants === undefined).map(({ number }) => number);
    const change = { done: progress.done + page.items.length, cursor: cursorOf(untold, page.next ?? END), ...total };
    await progress.save({ ...change, skipped: progress.skipped + page.unreadable.length }, write);
    await askForPeople(job, progress);
    pages += 1;
    if (pages % TIDY_EVERY_PAGES === 0) await tidy(dirOf(job), { signal: job.signal, timeoutMs: GIT_TIMEOUT_MS });
  }
}

function cursorOf(untold: number[], page: string): string {
  return untold.length === 0 ? page : `${untold.join(',')} ${page}`;
}

/** One call for each pull request, and only for those of which the list said nothing. */
async function askForPeople(job: Job, progress: Progress): Promise<void> {
  const [numbers, page] = progress.cursor?.split(' ') ?? [];
  if (page === undefined || numbers === undefined) return;
  const untold = numbers.split(',').map(Number);
  for (const [index, number] of untold.entries()) {
    await bringPeople(job, number);
    await progress.save({ cursor: cursorOf(untold.slice(index + 1), page) });
  }
}

/** Reviewers and approvals, from what Bitbucket tells of one pull request. Where it does not, the report says so. */
export async function bringPeople(job: Job, number: number): Promise<void> {
  const { client, source, project } = job;
  const row = (await findPullRequests(job.db, project.id, [number])).get(number);
  const item = { stage: 'pull_requests', kind: 'reviewers', key: String(number) } as const;
  const failure = { ...item, sourceUrl: row?.source_url ?? null };
  await job.attempt(failure, async () => {
    const whole = await client.getPullRequest(source, number);
    await job.save((trx) => writePeople(trx, project, [whole]));
    if (whole.participants !== undefined) return true;
    await job.fail({ ...failure, reason: UNTOLD, retryable: true });
    return false;
  });
}

const UNTOLD = 'Bitbucket does not tell who reviews it and who has approved it.';

/** Without a number that can be read there is nothing to ask for again. */
const UNREADABLE = { stage: 'pull_requests', kind: 'pull_request', key: 'unreadable' } as const;

async function noteUnreadable(job: Job, entries: Unreadable[]): Promise<void> {
  const reason = unreadableInWords('pull requests', entries);
  await job.fail({ ...UNREADABLE, sourceUrl: job.project.source_url || null, reason, retryable: false });
}

/** @returns how to write them */
export async function preparePullRequests(
  job: Job,
  items: RemotePullRequest[],
): Promise<(trx: Transaction) => Promise<void>> {
  const { project } = job;
  const numbers = items.map(({ number }) => number);
  const known = await findPullRequests(job.db, project.id, numbers);
  const names = await findCommits(job, items);
  const rows = items.map((remote) => {
    const before = known.get(remote.number);
    const row = { ...pullRequestRow(remote), ...fullNames(remote, names, before) };
    return { ...row, commits: commitsOf(row.source_commit, names.has(remote.source.commit ?? ''), before) };
  });
  return async (trx) => {
    await savePullRequests(trx, project.id, rows);
    await writePeople(trx, project, items);
  };
}

/** Of whom nothing is told, what is here stays. */
async function writePeople(trx: Transaction, project: Job['project'], items: RemotePullRequest[]): Promise<void> {
  await savePeople(trx, project.source_provider, peopleRows(items.flatMap(peopleOfPullRequest)));
  const told = items.filter(({ participants }) => participants !== undefined);
  const numbers = told.map(({ number }) => number);
  await savePullRequestPeople(trx, project.id, numbers, told.flatMap(pullRequestPeopleRows));
}

/** Bitbucket gives 12 characters of a commit's name; git knows the others, and keeps from now on what it has. */
async function findCommits(job: Job, items: RemotePullRequest[]): Promise<Map<string, string>> {
  const dir = dirOf(job);
  const short = items.flatMap((item) => [item.source.commit, item.destination.commit, item.mergeCommit]);
  const names = await resolveCommits(dir, [...new Set(short.filter((name) => name !== null))]);
  const pins = items.flatMap(({ number, source, destination }) => [
    { name: `refs/pull-requests/${number}/from`, sha: names.get(source.commit ?? '') },
    { name: `refs/pull-requests/${number}/to`, sha: names.get(destination.commit ?? '') },
  ]);
  const found = pins.flatMap(({ name, sha }) => (sha === undefined ? [] : { name, sha }));
  if (found.length > 0) await pinCommits(dir, found);
  return names;
}

/** From git, or as an earlier import has learned them. */
function fullNames(
  { source, destination, mergeCommit }: RemotePullRequest,
  names: Map<string, string>,
  before: PullRequest | undefined,
) {
  const full = (name: string | null, known: string | null | undefined) =>
    name === null ? null : (names.get(name) ?? (known?.startsWith(name) ? known : name));
  return {
    source_commit: full(source.commit, before?.source_commit),
    destination_commit: full(destination.commit, before?.destination_commit),
    merge_commit: full(mergeCommit, before?.merge_commit),
  };
}

/** What an earlier import has said of the same head stays: it may be here because it was fetched by itself. */
function commitsOf(
  head: string | null | undefined,
  isHere: boolean,
  known: PullRequest | undefined,
): CommitsKept | null {
  if (known?.commits != null && isSame(known.source_commit, head ?? null)) return known.commits;
  return isHere ? 'kept' : null;
}

function isSame(one: string | null, other: string | null): boolean {
  if (one === null || other === null) return one === other;
  return one.startsWith(other) || other.startsWith(one);
}
