// Brings a whole repository here, or what is new in it: every ref, checked by git, complete or not at all.
import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { GitFailure } from './failure.ts';
import { makeFolder } from './folders.ts';
import { readProgress, type GitProgress } from './progress.ts';
import { watchQuota } from './quota.ts';
import { gitWith, lsRemote, type Remote } from './remote.ts';
import { listRefs, setHead } from './repository.ts';
import { git, type GitRun } from './run.ts';

export interface MirrorLimits {
  /** Of packs and list of refs on disk. */
  maxBytes: number;
  maxRefs: number;
  /** Of one attempt. */
  timeoutMs: number;
}

export interface MirrorOptions {
  remote: Remote;
  /** Absolute; `<dir>.work-…` beside it is used, too. Only one mirror at a time may work on it. */
  dir: string;
  limits: MirrorLimits;
  signal?: AbortSignal | undefined;
  onProgress?: (progress: GitProgress) => void;
  /** Before the second attempt, and four times as long before the third; default 2,000. */
  retryAfterMs?: number;
}

/** Refs of ours in a mirrored repository: heads of pull requests. The remote's refs of such names are left out. */
export const OWN_REFS = 'refs/pull-requests/';

const ATTEMPTS = 3;

/**
 * Makes `dir` a mirror of the remote. Where it is none yet, the clone happens beside it and gets its name when it is
 * whole; where it is one, what changed is fetched, and refs that are gone at the remote go, except those of ours.
 * A connection that fails is tried three times, each from a clean start.
 * @throws GitFailure
 */
export async function mirror(options: MirrorOptions): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ((await exists(options.dir)) ? update(options) : cloneAnew(options));
    } catch (error) {
      const isWorthIt = error instanceof GitFailure && error.reason === 'network' && attempt < ATTEMPTS;
      if (!isWorthIt) throw error;
      await wait((options.retryAfterMs ?? 2000) * 4 ** (attempt - 1), undefined, { signal: options.signal }).catch(
        () => {
          throw new GitFailure('cancelled');
        },
      );
    }
  }
}

/** Removes the mirror at `dir` and what an attempt that was killed left beside it. */
export async function removeMirror(dir: string): Promise<void> {
  await removeWork(dir);
  await rm(dir, { recursive: true, force: true });
}

async function cloneAnew(options: MirrorOptions): Promise<void> {
  const { dir, limits } = options;
  await makeFolder(dirname(dir));
  await removeWork(dir);
  // Made by mkdtemp, it is closed to other users, whatever is put into it.
  const work = await mkdtemp(`${dir}.work-`);
  try {
    await transfer(options, work, (url) => ['clone', '--mirror', '--template=', '--progress', '--', url, work]);
    // Where it came from is known elsewhere; nothing in the repository has to say it.
    await git(['config', '--remove-section', 'remote.origin'], { dir: work });
    await settleRefs(work, limits);
    await rename(work, dir).catch(() => {
      throw new GitFailure('failed', 'somebody else has put a repository in this place');
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function update(options: MirrorOptions): Promise<void> {
  const { remote, dir, limits, signal } = options;
  await removeLeftovers(dir);
  try {
    const { head } = await lsRemote(remote, { maxRefs: limits.maxRefs, timeoutMs: limits.timeoutMs, signal });
    const refspecs = ['+refs/*:refs/*', `^${OWN_REFS}*`];
    await transfer(options, dir, (url) => [
      'fetch',
      '--prune',
      '--no-tags',
      '--no-write-fetch-head',
      '--progress',
      '--',
      url,
      ...refspecs,
    ]);
    await tidy(dir, { signal, timeoutMs: limits.timeoutMs });
    if (head) await setHead(dir, head.replace('refs/heads/', ''));
  } finally {
    // What git refused lies around as tmp_pack_… and would add up.
    await removeLeftovers(dir);
  }
}

/**
 * Puts all refs, each of which has a file of its own when it is new, into one; and joins small packs, of which each fetch
 * adds one, so that there are few after years. Nothing is dropped by that.
 */
export async function tidy(dir: string, limits: Pick<GitRun, 'signal' | 'timeoutMs'>): Promise<void> {
  const run = { ...limits, dir };
  await removeLeftovers(dir);
  await git(['pack-refs', '--all'], run);
  await git(['-c', 'repack.updateServerInfo=false', 'repack', '--geometric=2', '-d', '--quiet'], run);
}

async function transfer(options: MirrorOptions, dir: string, args: (url: string) => string[]): Promise<void> {
  const { remote, limits, signal, onProgress } = options;
  const quota = watchQuota(dir, limits.maxBytes, signal);
  try {
    await gitWith(remote, args, {
      // `clone` makes its own repository; everything else works on the one that is there.
      ...(args('')[0] === 'clone' ? {} : { dir }),
      signal: quota.signal,
      timeoutMs: limits.timeoutMs,
      ...(onProgress ? { onStderr: readProgress(onProgress) } : {}),
    });
    await quota.check();
  } finally {
    quota.end();
  }
}

/** Counts what came, and drops what bears names of ours: those are for commits that we have looked at. */
async function settleRefs(dir: string, { maxRefs }: MirrorLimits): Promise<void> {
  const refs = await listRefs(dir);
  if (refs.length > maxRefs) throw new GitFailure('too_many_refs', `${refs.length} refs`);
  const foreign = refs.filter(({ name }) => name.startsWith(OWN_REFS));
  if (foreign.length === 0) return;
  await git(['update-ref', '--stdin', '-z'], { dir, input: foreign.map(({ name }) => `delete ${name}\0\0`).join('') });
}

async function removeWork(dir: string): Promise<void> {
  const prefix = `${basename(dir)}.work-`;
  const names = await readdir(dirname(dir)).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(prefix))) {
    await rm(join(dirname(dir), name), { recursive: true, force: true });
  }
}

/** Removes temporary files, and locks of a git that was killed: nobody but the caller works on this repository. */
export async function removeLeftovers(dir: string): Promise<void> {
  const packs = (await readdir(join(dir, 'objects', 'pack')).catch(() => [])).filter((name) => name.startsWith('tmp_'));
  const locks = (await readdir(dir)).filter((name) => name.endsWith('.lock'));
  const refs = (await readdir(join(dir, 'refs'), { recursive: true })).filter((name) => name.endsWith('.lock'));
  const paths = [
    ...packs.map((name) => join('objects', 'pack', name)),
    ...locks,
    ...refs.map((name) => join('refs', name)),
  ];
  for (const path of paths) await rm(join(dir, path), { force: true });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
