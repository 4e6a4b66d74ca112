// The repository itself: what Bitbucket says of it, and a mirror of all its refs.
import { statfs } from 'node:fs/promises';
import { BitbucketFailure } from '../../bitbucket/failure.ts';
import type { RemoteRepository } from '../../bitbucket/remote-repository.ts';
import { GitFailure } from '../../git/failure.ts';
import { makeFolder } from '../../git/folders.ts';
import type { GitProgress } from '../../git/progress.ts';
import { mirror } from '../../git/mirror.ts';
import { listRefs, setHead } from '../../git/repository.ts';
import { updateProject } from '../../projects/records.ts';
import type { Job } from '../job.ts';
import { ImportFailed } from '../job.ts';
import { dirOf, GIT_TIMEOUT_MS, MOST_REFS, mostBytes, withRemote } from '../sources.ts';
import type { Progress, Stage } from '../stage.ts';
import { describeSource } from '../start.ts';

const SHOW_EVERY_MS = 2000;
/** It is here: a turn that ends with that is not for nothing, however long it took. */
const END = 'end';

export const repository: Stage = {
  name: 'repository',
  async run(job, progress) {
    if (progress.cursor === END) return;
    const remote = await readRepository(job);
    await requireSpace(job, remote.size ?? 0);
    await job.note(
      `Fetching ${remote.fullName}${remote.size === null ? '' : `, about ${megabytes(remote.size)} at Bitbucket`}.`,
    );
    await clone(job, progress);
    await followHead(job, remote);
    const refs = (await listRefs(dirOf(job))).filter(({ name }) => /^refs\/(heads|tags)\//.test(name)).length;
    // An answer without a word, such as a proxy may give, is an empty repository to git.
    if (refs === 0 && remote.mainBranch !== null) throw new GitFailure('failed', 'no branch came, though there is one');
    await job.note(`All ${refs} branches and tags are here.`);
    await progress.save({ done: refs, total: refs, cursor: END });
  },
};

/** The default branch is the one that Bitbucket names; it may name one that is not there. */
export async function followHead(job: Job, { mainBranch }: RemoteRepository): Promise<void> {
  if (mainBranch !== null) await setHead(dirOf(job), mainBranch).catch(() => undefined);
}

/** Writes down how it is described now. Names may have changed since the import was asked for; the uuid may not. */
export async function readRepository(job: Job): Promise<RemoteRepository> {
  const { client, project, services } = job;
  const found = await firstFound([project.source_uuid, project.source_full_name], (name) => client.getRepository(name));
  // Under the old name there may be another one by now.
  const remote = found?.uuid === project.source_uuid ? found : undefined;
  if (!remote) {
    await job.save((trx) => updateProject(trx, project.id, { source_gone_at: services.now() }));
    throw new ImportFailed('Bitbucket has this repository no more, or does not show it to you.');
  }
  const described = {
    ...describeSource({ provider: project.source_provider, repository: remote }),
    source_clone_url: remote.cloneUrl,
  };
  await job.save((trx) =>
    updateProject(trx, project.id, { ...described, source_gone_at: null, updated_at: services.now() }),
  );
  job.project = { ...project, ...described };
  return remote;
}

/** @returns what the first of the names leads to that leads anywhere */
async function firstFound<T>(names: string[], get: (name: string) => Promise<T>): Promise<T | undefined> {
  for (const name of names) {
    try {
      return await get(name);
    } catch (error) {
      if (!(error instanceof BitbucketFailure) || error.remoteStatus !== 404) throw error;
    }
  }
  return undefined;
}

/** Refused before anything is fetched; and watched while it is, since the size that Bitbucket names is only a hint. */
async function requireSpace(job: Job, bytes: number): Promise<void> {
  if (bytes > mostBytes(job)) {
    const allowed = megabytes(mostBytes(job));
    throw new ImportFailed(
      `The repository has ${megabytes(bytes)}; this server takes up to ${allowed} (import.max_repository_mb).`,
    );
  }
  const { data_dir: dataDir } = job.services.config();
  await makeFolder(dataDir);
  const { bavail, bsize } = await statfs(dataDir);
  if (bytes > bavail * bsize) throw Object.assign(new Error('not enough space'), { code: 'ENOSPC' });
}

async function clone(job: Job, progress: Progress): Promise<void> {
  let shownAt = 0;
  let isShowing = false;
  let shown: Promise<void> = Promise.resolve();
  const show = (now: GitProgress) => {
    // One after the other: one that waits for the database must not come after the end of the stage and take it back.
    if (isShowing || now.phase !== 'receiving' || performance.now() - shownAt < SHOW_EVERY_MS) return;
    shownAt = performance.now();
    isShowing = true;
    // Only to be looked at: if it cannot be written, or the turn is over, the end of the clone finds that out.
    const written = progress.save({ done: now.done, total: now.total }).catch(() => undefined);
    shown = written.finally(() => (isShowing = false));
  };
  const limits = { maxBytes: mostBytes(job), maxRefs: MOST_REFS, timeoutMs: GIT_TIMEOUT_MS };
  await withRemote(job, job.source, (remote) =>
    mirror({ remote, dir: dirOf(job), limits, signal: job.signal, onProgress: show }),
  ).finally(() => shown);
}

function megabytes(bytes: number): string {
  return `${Math.max(1, Math.round(bytes / 1024 / 1024))} MB`;
}
