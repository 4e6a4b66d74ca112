// Fetches one large object: into a file of another name first, which gets its own when size and SHA-256 are right.
import { createHash, randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GitFailure, type GitFailureReason } from './failure.ts';
import { makeFolder } from './folders.ts';
import { lfsPath } from './lfs-files.ts';
import { networkFailure, type LfsHttp } from './lfs-http.ts';
import type { LfsObject } from './lfs-pointers.ts';

export interface Download {
  /** In words of ours; undefined when the object is here. */
  failure: string | undefined;
  isRetryable: boolean;
}

export interface ObjectRequest {
  http: LfsHttp;
  object: LfsObject;
  dir: string;
  href: string;
  headers: Record<string, string>;
  signal?: AbortSignal | undefined;
  onLife?: (() => void) | undefined;
}

/** A minute, and longer for what is large: 10 kB a second is the least to go on with. */
const LEAST_BYTES_PER_MS = 10;

/** Not about this object: so it is with all of them. */
const OF_ALL = new Set<GitFailureReason>(['disk_full', 'read_only', 'cancelled']);

/** @throws GitFailure `disk_full`, `read_only` or `cancelled` */
export async function fetchObject(request: ObjectRequest): Promise<Download> {
  const { http, object, dir, href, headers, signal, onLife } = request;
  const path = lfsPath(dir, object.oid);
  const partial = `${path}.${randomUUID()}.part`;
  const hash = createHash('sha256');
  let bytes = 0;
  const verify = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      onLife?.();
      bytes += chunk.length;
      if (bytes > object.size) throw new GitFailure('network', 'it is longer than its pointer says');
      hash.update(chunk);
      yield chunk;
    }
    if (bytes < object.size) throw new GitFailure('network', 'it is shorter than its pointer says');
    if (hash.digest('hex') !== object.oid) throw new GitFailure('network', 'its content is not what its name promises');
  };
  try {
    await makeFolder(dirname(path));
    await removePartial(path);
    const file = await open(partial, 'wx', 0o600);
    try {
      const body = await http.open(href, headers, 60_000 + Math.ceil(object.size / LEAST_BYTES_PER_MS));
      // On the disk before it gets its name: from then on nobody looks at the content again.
      await pipeline(body, verify, file.createWriteStream({ flush: true }));
    } finally {
      await file.close();
    }
    await rename(partial, path);
    return { failure: undefined, isRetryable: false };
  } catch (error) {
    await rm(partial, { force: true });
    const failure = networkFailure(error, signal);
    if (OF_ALL.has(failure.reason)) throw failure;
    return { failure: failure.detail || failure.message, isRetryable: failure.reason === 'network' };
  }
}

/** What a process that was killed has left of this object. Another one that is still at it will fail to give it its name. */
async function removePartial(path: string): Promise<void> {
  const names = await readdir(dirname(path));
  const partial = names.filter((name) => name.startsWith(`${basename(path)}.`));
  for (const name of partial) await rm(join(dirname(path), name), { force: true });
}
