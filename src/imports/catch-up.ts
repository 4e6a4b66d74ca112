// What changed at Bitbucket while it was read comes along at the end, so that the import ends in a state that was there.
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { RemotePullRequest } from '../bitbucket/remote-pull-request.ts';
import type { PullRequest } from '../db/project-tables.ts';
import type { Job } from './job.ts';
import { listStages } from './progress.ts';
import { findPullRequests } from './reading.ts';
import { pullRequestRow } from './rows.ts';
import type { Stage } from './stage.ts';
import { bringFailed, Progress, recount } from './stage.ts';
import { activity } from './stages/activity.ts';
import { attachments } from './stages/attachments.ts';
import { comments } from './stages/comments.ts';
import { lfs } from './stages/lfs.ts';
import { pullRequestHeads } from './stages/pull-request-heads.ts';
import { bringPeople, preparePullRequests } from './stages/pull-requests.ts';
import { tasks } from './stages/tasks.ts';

/** Their clock and ours may differ by so much. */
const CLOCKS_DIFFER_MS = 10 * 60_000;

/** In the cursor, where no pull request has this number: large files that new commits lead to may be missing. */
const FILES = 0;

/** Of each pull request that changed. */
const PARTS: readonly Stage[] = [activity, comments, tasks];

/**
 * Pull requests that are not here as Bitbucket lists them now, with all their parts. The cursor holds the numbers of those
 * that are still to be looked at: their rows are written first, and would not tell any more. What an earlier turn has
 * left of them comes first, however that turn ended.
 */
export async function catchUpPullRequests(job: Job, progress: Progress): Promise<void> {
  await bringParts(job, progress, parse(progress.cursor));
  await bringParts(job, progress, await writeChanged(job, progress));
}

async function bringParts(job: Job, progress: Progress, numbers: number[]): Promise<void> {
  if (numbers.length === 0) return;
  await runAgain(job, pullRequestHeads);
  for (const [index, number] of numbers.entries()) {
    for (const part of PARTS) await part.bringOne?.(job, String(number));
    // The last one stays until files are here, too.
    await progress.save({ cursor: JSON.stringify(numbers.slice(Math.min(index + 1, numbers.length - 1))) });
  }
  for (const part of PARTS) await bringFailed(job, part);
  // Large files and images that new commits and texts lead to.
  await runAgain(job, lfs);
  await runAgain(job, attachments);
  await progress.save({ cursor: JSON.stringify([]) });
}

/**
 * What was pushed meanwhile, with the large files that it leads to. That these may be missing is written down before git
 * has it: afterwards nothing else would tell whoever comes after a stop.
 */
export async function catchUpRefs(job: Job, progress: Progress, fetch: () => Promise<void>): Promise<void> {
  const numbers = parse(progress.cursor).filter((number) => number !== FILES);
  await progress.remember({ cursor: JSON.stringify([FILES, ...numbers]) });
  await fetch();
  await runAgain(job, lfs);
  await progress.remember({ cursor: JSON.stringify(numbers) });
}

/** Whether a turn before this one was stopped in the middle of that. */
export function isCatchingUpRefs({ cursor }: Progress): boolean {
  return parse(cursor).includes(FILES);
}

/** A stage that finds by itself what is not here yet. */
async function runAgain(job: Job, stage: Stage): Promise<void> {
  const row = (await listStages(job.db, job.row.id)).find(({ name }) => name === stage.name);
  if (row) await stage.run(job, new Progress(job, row));
  await bringFailed(job, stage);
  await job.save((trx) => recount(trx, job, stage));
}

function parse(cursor: string | null): number[] {
  return cursor === null ? [] : (JSON.parse(cursor) as number[]);
}

/** @returns their numbers */
async function writeChanged(job: Job, progress: Progress): Promise<number[]> {
  const changed = await readChanged(job);
  const numbers = changed.map(({ number }) => number);
  if (numbers.length > 0) await job.note(`Changed at Bitbucket while it was read, and read again: ${listed(numbers)}.`);
  // Before their rows, which would not tell any more that they are to be looked at.
  for (const { number, participants } of changed) if (participants === undefined) await bringPeople(job, number);
  await progress.save({ cursor: JSON.stringify(numbers) }, await preparePullRequests(job, changed));
  return numbers;
}

async function readChanged(job: Job): Promise<RemotePullRequest[]> {
  const since = (job.row.started_at ?? job.row.created_at) - CLOCKS_DIFFER_MS;
  const changed: RemotePullRequest[] = [];
  try {
    for await (const { items } of job.client.pagesOfPullRequests(job.source, { since })) {
      const numbers = items.map(({ number }) => number);
      const known = await findPullRequests(job.db, job.project.id, numbers);
      changed.push(...items.filter((remote) => isOther(remote, known.get(remote.number))));
    }
  } catch (error) {
    // Everything else is here: that is no reason to give it up. What did change shows when it is counted.
    if (!(error instanceof BitbucketFailure) || error.remoteStatus !== 400) throw error;
    await job.note('Bitbucket does not tell which pull requests changed while it was read.');
  }
  return changed;
}

function isOther(remote: RemotePullRequest, known: PullRequest | undefined): boolean {
  const row = pullRequestRow(remote);
  const told = ['updated_at', 'state', 'comment_count', 'task_count'] as const;
  return known === undefined || told.some((column) => row[column] !== null && row[column] !== known[column]);
}

const MOST_LISTED = 20;

function listed(numbers: number[]): string {
  const named = numbers.slice(0, MOST_LISTED).map((number) => `#${number}`);
  return [...named, ...(numbers.length > MOST_LISTED ? [`${numbers.length - MOST_LISTED} more`] : [])].join(', ');
}
