// Commits of pull requests that the clone has not brought: their branch is gone or lies in a fork. Bitbucket publishes
// no refs for pull requests, so they are looked for (heads.ts), and what nobody gives any more is kept as a diff. So is
// what commits alone do not tell, because nothing here says where they left a destination that is gone.
import { access, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BitbucketFailure } from '../../bitbucket/failure.ts';
import type { PullRequest } from '../../db/project-tables.ts';
import { makeFolder } from '../../git/folders.ts';
import { tidy } from '../../git/mirror.ts';
import { pinCommits } from '../../git/repository.ts';
import { hasRange } from '../../projects/changes.ts';
import { snapshotFile } from '../../projects/places.ts';
import { savePullRequestCommits } from '../../projects/records.ts';
import type { Failure } from '../failures.ts';
import { findHeads, refOf } from '../heads.ts';
import type { Job } from '../job.ts';
import { countWanted, findPullRequests, listWanted } from '../reading.ts';
import { dirOf, GIT_TIMEOUT_MS } from '../sources.ts';
import type { Progress, Stage } from '../stage.ts';
import { reasonOf } from '../words.ts';

/** It needs no cursor: what was not looked for has no word in `commits`. */
export const pullRequestHeads: Stage = {
  name: 'pull_request_heads',
  async run(job, progress) {
    const left = await countWanted(job.db, job.project.id, { since: null, having: 'no commits', after: 0 });
    await progress.save({ total: progress.done + progress.skipped + left });
    const closed = new Set<string>();
    for await (const numbers of numbersOf(job, 'no commits')) await bring(job, { numbers, closed, progress });
    await tidy(dirOf(job), { signal: job.signal, timeoutMs: GIT_TIMEOUT_MS });
    for await (const numbers of numbersOf(job, 'no destination')) await bringDiffs(job, numbers);
  },
  async bringOne(job, key) {
    const numbers = [Number(key)];
    const row = (await findPullRequests(job.db, job.project.id, numbers)).get(Number(key));
    if (row?.commits !== 'kept' && row?.commits !== 'fetched') return bring(job, { numbers, closed: new Set() });
    await job.forget({ kind: 'commits', key });
    await bringDiffs(job, numbers);
  },
};

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
    await job.save(async (trx) => {
      for (const [number, full] of found) {
        await savePullRequestCommits(trx, job.project.id, number, { commits: 'fetched', source_commit: full });
      }
    });
    for (const number of found.keys()) await job.forget({ kind: 'commits', key: String(number) });
    if (progress) await progress.save({ done: progress.done + found.size });
  }
  for (const row of rows) {
    if (found.has(row.number)) continue;
    const item = { stage: 'pull_request_heads', kind: 'commits', key: String(row.number) } as const;
    const failure = { ...item, sourceUrl: row.source_url };
    const here = await job.attempt(failure, () => snapshot(job, row, { names, failure }));
    await progress?.save(here ? { done: progress.done + 1 } : { skipped: progress.skipped + 1 });
  }
}

/**
 * What Bitbucket still shows of it. If it shows nothing, the commits are lost, and the report says so: it is written
 * first, because whoever stops in between comes back only to what has no word in `commits`.
 * @param names full names that Bitbucket has told, by their beginnings
 * @returns whether anything is here now
 */
async function snapshot(
  job: Job,
  row: PullRequest,
  { names, failure }: { names: ReadonlyMap<string, string>; failure: Omit<Failure, 'reason' | 'retryable'> },
): Promise<boolean> {
  const full = names.get(row.source_commit ?? '');
  const save = (commits: 'snapshot' | 'lost') =>
    job.save((trx) =>
      savePullRequestCommits(trx, job.project.id, row.number, {
        commits,
        ...(full === undefined ? {} : { source_commit: full }),
      }),
    );
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
  const file = snapshotFile(job.services.config(), job.project.id, number, form);
  await makeFolder(dirname(file));
  await writeFile(file, text, { mode: 0o600 });
}
