// Commits of pull requests that the clone has not brought: their branch is gone or lies in a fork. Bitbucket publishes
// no refs for pull requests, so they are looked for (heads.ts), and what nobody gives any more is kept as a diff. So is
// what commits alone do not tell, because nothing here says where they left a destination that is gone.
import { access } from 'node:fs/promises';
import { BitbucketFailure } from '../../bitbucket/failure.ts';
import type { PullRequest } from '../../db/project-tables.ts';
import { tidy } from '../../git/mirror.ts';
import { pinCommits } from '../../git/repository.ts';
import { hasRange } from '../../projects/changes.ts';
import { snapshotFile } from '../../projects/places.ts';
import { savePullRequestCommits } from '../../projects/records.ts';
import type { Failure } from '../failures.ts';
import { findHeads, refOf } from '../heads.ts';
import type { Job } from '../job.ts';
import { keepFile } from '../keep-file.ts';
import { countWanted, findPullRequests, listWanted } from '../reading.ts';
import { dirOf, GIT_TIMEOUT_MS } from '../sources.ts';
import type { Progress, Stage } from '../stage.ts';
import { saveCounted } from '../stage.ts';
import { reasonOf } from '../words.ts';

/** It needs no cursor: what was not looked for, or could not be, has no word in `commits`. */
export const pullRequestHeads: Stage = {
  name: 'pull_request_heads',
  failure: 'commits',
  async run(job, progress) {
    const skipped = await count(job, 'lost commits');
    await progress.remember({ total: progress.done + skipped + (await count(job, 'no commits')), skipped });
    const closed = new Set<string>();
    for await (const numbers of numbersOf(job, 'no commits')) await bring(job, { numbers, closed, progress });
    await tidy(dirOf(job), { signal: job.signal, timeoutMs: GIT_TIMEOUT_MS });
    for await (const numbers of numbersOf(job, 'no destination')) await bringDiffs(job, numbers);
  },
  async bringOne(job, key) {
    const numbers = [Number(key)];
    if (!(await hasCommits(job, Number(key)))) await bring(job, { numbers, closed: new Set() });
    if (!(await hasCommits(job, Number(key)))) return job.forget({ kind: 'diff', key }); // of commits that it had before
    await job.forget({ kind: 'commits', key });
    await bringDiffs(job, numbers);
  },
};

function count({ db, project }: Job, having: 'no commits' | 'lost commits'): Promise<number> {
  return countWanted(db, project.id, { since: null, having, after: 0 });
}

async function hasCommits({ db, project }: Job, number: number): Promise<boolean> {
  const commits = (await findPullRequests(db, project.id, [number])).get(number)?.commits;
  return commits === 'kept' || commits === 'fetched';
}

async function* numbersOf(job: Job, having: 'no commits' | 'no destination'): AsyncGenerator<number[]> {
  for (let after = 0; ;) {
    const next = await listWanted(job.db, job.project.id, { since: null, having, after });
    const last = next.at(-1);
    if (last === undefined) return;
    yield next.map(({ number }) => number);
    after = last.number;
  }
}

interface Wanted {
  numbers: number[];
  /** Repositories that give no commits by their names. */
  closed: Set<string>;
  progress?: Progress;
}

async function bring(job: Job, { numbers, closed, progress }: Wanted): Promise<void> {
  const rows = [...(await findPullRequests(job.db, job.project.id, numbers)).values()];
  const { found, names } = await findHeads(job, rows, closed);
  if (found.size > 0) {
    await pinCommits(
      dirOf(job),
      [...found].map(([number, sha]) => ({ name: refOf(number), sha })),
    );
    await saveCounted(job, progress, { done: found.size }, async (trx) => {
      for (const [number, full] of found) {
        await savePullRequestCommits(trx, job.project.id, number, { commits: 'fetched', source_commit: full });
        await job.forgetIn(trx, { kind: 'commits', key: String(number) });
      }
    });
  }
  for (const row of rows) {
    if (found.has(row.number)) continue;
    const item = { stage: 'pull_request_heads', kind: 'commits', key: String(row.number) } as const;
    const failure = { ...item, sourceUrl: row.source_url };
    await job.attempt(failure, () =>
      snapshot(job, row, { full: names.get(row.source_commit ?? ''), failure, progress }),
    );
  }
}

interface Looked {
  /** The name of its head, where Bitbucket has told all of it. */
  full: string | undefined;
  failure: Omit<Failure, 'reason' | 'retryable'>;
  progress: Progress | undefined;
}

/**
 * What Bitbucket still shows of it. If it shows nothing, the commits are lost, and the report says so: it is written
 * first, because whoever stops in between comes back only to what has no word in `commits`.
 * @returns whether anything is here now
 */
async function snapshot(job: Job, row: PullRequest, { full, failure, progress }: Looked): Promise<boolean> {
  const named = full === undefined ? {} : { source_commit: full };
  const save = (commits: 'snapshot' | 'lost') =>
    saveCounted(job, progress, commits === 'lost' ? { skipped: 1 } : { done: 1 }, async (trx) => {
      await savePullRequestCommits(trx, job.project.id, row.number, { commits, ...named });
      if (commits !== 'lost') await job.forgetIn(trx, failure);
    });
  try {
    await saveText(job, row, 'diff');
  } catch (error) {
    if (!isGone(error)) throw error;
    await job.fail({ ...failure, reason: reasonOf(error), retryable: true });
    await save('lost');
    return false;
  }
  await saveText(job, row, 'patch').catch((error: unknown) => {
    // The diff is what a review needs; the patch adds the messages of the commits.
    if (!isGone(error)) throw error;
  });
  await save('snapshot');
  return true;
}

/** For commits that are here without anything that tells what they change. */
async function bringDiffs(job: Job, numbers: number[]): Promise<void> {
  const rows = await findPullRequests(job.db, job.project.id, numbers);
  for (const row of rows.values()) {
    const item = { stage: 'pull_request_heads', kind: 'diff', key: String(row.number) } as const;
    const failure = { ...item, sourceUrl: row.source_url };
    await job.attempt(failure, async () => {
      if ((await hasRange(job.services.config(), job.project, row)) || (await hasSnapshot(job, row))) return true;
      try {
        await saveText(job, row, 'diff');
      } catch (error) {
        if (!isGone(error)) throw error;
        await job.fail({ ...failure, reason: NO_DIFF, retryable: true });
        return false;
      }
      return true;
    });
  }
}

const NO_DIFF =
  'Its commits are here, but not what they change: its destination branch is gone, and Bitbucket shows no diff of it any more.';

function hasSnapshot(job: Job, { number }: PullRequest): Promise<boolean> {
  return access(snapshotFile(job.services.config(), job.project.id, number, 'diff')).then(
    () => true,
    () => false,
  );
}

function isGone(error: unknown): error is BitbucketFailure {
  return error instanceof BitbucketFailure && error.remoteStatus === 404;
}

async function saveText(job: Job, { number }: PullRequest, form: 'diff' | 'patch'): Promise<void> {
  const text = await job.client.getDiff(job.source, number, form);
  await keepFile(snapshotFile(job.services.config(), job.project.id, number, form), text);
}
