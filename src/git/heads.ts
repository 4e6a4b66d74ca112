// Commits that a clone does not bring, because no branch leads to them any more or they lie in a fork: each is fetched
// by itself into a ref of ours. Bitbucket publishes no refs for pull requests.
import { GitFailure } from './failure.ts';
import { OWN_REFS, removeLeftovers } from './mirror.ts';
import { watchQuota } from './quota.ts';
import { gitWith, type Ref, type Remote } from './remote.ts';
import { requireRev } from './repository.ts';

export interface FetchOptions {
  remote: Remote;
  /** A mirror that is here already. */
  dir: string;
  /** `maxBytes` counts the whole repository, `timeoutMs` each of the fetches. */
  limits: { maxBytes: number; timeoutMs: number };
  signal?: AbortSignal | undefined;
}

/**
 * Fetches commits by their full hashes, each into its ref below `refs/pull-requests/`. One that the server does not give
 * makes git give up the whole fetch, so what is asked for is halved until those stand alone.
 * @returns those that the server did not give
 * @throws GitFailure for everything but that
 */
export async function fetchCommits(options: FetchOptions, commits: readonly Ref[]): Promise<Ref[]> {
  if (commits.length === 0) return [];
  try {
    await fetchInto(
      options,
      commits.map(({ sha, name }) => `+${requireRev(sha)}:${ownRef(name)}`),
    );
    return [];
  } catch (error) {
    if (!(error instanceof GitFailure) || error.reason !== 'not_found') throw error;
    if (commits.length === 1) return [...commits];
    const half = Math.ceil(commits.length / 2);
    return [
      ...(await fetchCommits(options, commits.slice(0, half))),
      ...(await fetchCommits(options, commits.slice(half))),
    ];
  }
}

/**
 * Fetches a branch, of a fork for example, into a ref below `refs/pull-requests/`.
 * @throws GitFailure `not_found` where it is gone, or the whole fork
 */
export async function fetchBranch(options: FetchOptions, branch: string, ref: string): Promise<void> {
  await fetchInto(options, [`+${requireRev(`refs/heads/${branch}`)}:${ownRef(ref)}`]);
}

async function fetchInto({ remote, dir, limits, signal }: FetchOptions, refspecs: string[]): Promise<void> {
  const quota = watchQuota(dir, limits.maxBytes, signal);
  try {
    const args = ['fetch', '--no-tags', '--no-write-fetch-head', '--progress', '--stdin', '--'];
    const input = `${refspecs.join('\n')}\n`;
    await gitWith(remote, (url) => [...args, url], { dir, signal: quota.signal, timeoutMs: limits.timeoutMs, input });
    await quota.check();
  } finally {
    quota.end();
    await removeLeftovers(dir);
  }
}

function ownRef(ref: string): string {
  if (!ref.startsWith(OWN_REFS)) throw new GitFailure('failed', `the ref does not begin with ${OWN_REFS}`);
  return requireRev(ref);
}
