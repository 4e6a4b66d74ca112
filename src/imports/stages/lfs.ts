// Large files: what any commit points to, from the storage that Bitbucket names, each checked by its SHA-256.
import { TokensLost } from '../../accounts/provider-tokens.ts';
import { BitbucketFailure } from '../../bitbucket/failure.ts';
import { GitFailure } from '../../git/failure.ts';
import { makeFolder } from '../../git/folders.ts';
import type { LfsObject } from '../../git/lfs-pointers.ts';
import { listLfsPointers } from '../../git/lfs-pointers.ts';
import type { LfsResult } from '../../git/lfs.ts';
import { BITBUCKET_STORAGE_HOSTS, downloadLfs, lfsBatchUrl, MAX_LFS_BATCH } from '../../git/lfs.ts';
import { lfsDir } from '../../projects/places.ts';
import { saveLfsObjects } from '../../projects/records.ts';
import type { Job } from '../job.ts';
import { dirOf, withRemote } from '../sources.ts';
import type { Progress, Stage } from '../stage.ts';

/** It needs no cursor: what is here was verified and is not fetched again. */
export const lfs: Stage = {
  name: 'lfs',
  failure: 'lfs_object',
  async run(job, progress) {
    const pointers = await collect(job);
    await progress.save({ done: 0, skipped: 0, total: pointers.length });
    for (let at = 0; at < pointers.length; at += MAX_LFS_BATCH) {
      await bring(job, pointers.slice(at, at + MAX_LFS_BATCH), progress);
    }
  },
  async bringOne(job, key) {
    const row = await job.db
      .selectFrom('lfs_objects')
      .select(['oid', 'size'])
      .where('project_id', '=', job.project.id)
      .where('oid', '=', key)
      .executeTakeFirst();
    if (row) await bring(job, [row]);
  },
};

/** Names of 64 digits and sizes: a few megabytes for the largest repositories. */
async function collect(job: Job): Promise<LfsObject[]> {
  const pointers: LfsObject[] = [];
  for await (const pointer of listLfsPointers(dirOf(job), job.signal)) pointers.push(pointer);
  return pointers;
}

async function bring(job: Job, objects: LfsObject[], progress?: Progress): Promise<void> {
  const dir = lfsDir(job.services.config(), job.project.id);
  await makeFolder(dir);
  const results = await download(job, dir, objects);
  const here = results.filter(({ failure }) => failure === undefined).length;
  const rows = results.map(({ oid, size, failure }) => ({ oid, size, present: failure === undefined ? 1 : 0 }));
  if (progress) {
    const change = { done: progress.done + here, skipped: progress.skipped + results.length - here };
    await progress.save(change, (trx) => saveLfsObjects(trx, job.project.id, rows));
  } else {
    await job.save((trx) => saveLfsObjects(trx, job.project.id, rows));
  }
  for (const result of results) await note(job, result);
}

/** A server that gives no large files at all, or not to us, is no reason to lose everything else. */
async function download(job: Job, dir: string, objects: LfsObject[]): Promise<LfsResult[]> {
  try {
    return await withRemote(job, job.source, ({ url, credential, onLife }) =>
      downloadLfs({
        batchUrl: lfsBatchUrl(url),
        authorization: credential && basic(credential),
        objects,
        dir,
        allowedHosts: BITBUCKET_STORAGE_HOSTS,
        signal: job.signal,
        onLife,
      }),
    );
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return objects.map((object) => ({ ...object, failure: 'Bitbucket refused to give it', isRetryable: true }));
  }
}

/** Of the tokens themselves the next call of the API finds out. */
function isRefusal(error: unknown): boolean {
  if (error instanceof GitFailure) return error.reason === 'not_found' || error.reason === 'failed';
  return error instanceof TokensLost || (error instanceof BitbucketFailure && error.remoteStatus === 401);
}

async function note(job: Job, { oid, failure, isRetryable }: LfsResult): Promise<void> {
  const item = { kind: 'lfs_object', key: oid };
  if (failure === undefined) return job.forget(item);
  const reason = `The large file could not be fetched: ${failure}.`;
  await job.fail({ ...item, stage: 'lfs', sourceUrl: job.project.source_url || null, reason, retryable: isRetryable });
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
