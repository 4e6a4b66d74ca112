// Finds what a repository says about its large files: pointers of Git LFS among its small blobs.
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import { GitFailure } from './failure.ts';
import { startGit } from './run.ts';

export interface LfsObject {
  /** SHA-256, 64 lower-case hex digits. */
  oid: string;
  /** Bytes. */
  size: number;
}

/** Larger pointers do not exist without extensions, which hold what only their author can read. */
const MAX_POINTER = 200;
const MIN_POINTER = 120;
const TIMEOUT_MS = 60 * 60_000;

/**
 * A pointer to the letter. Anything else is a file like others: a path as oid, upper case, another hash, more lines.
 * @see https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
 */
const POINTER =
  /^version https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\/v1\noid sha256:([0-9a-f]{64})\nsize (0|[1-9]\d{0,14})\n$/;

/** Gives the object a blob points to, if it is a pointer. */
export function parseLfsPointer(blob: string): LfsObject | undefined {
  const [, oid, size] = POINTER.exec(blob) ?? [];
  return oid === undefined ? undefined : { oid, size: Number(size) };
}

/** Lists the objects that anything in the repository points to, on whatever ref, each once, in no order. @throws GitFailure */
export async function* listLfsPointers(dir: string, signal?: AbortSignal): AsyncGenerator<LfsObject> {
  const options = { dir, signal, timeoutMs: TIMEOUT_MS };
  const format = '--batch-check=%(objecttype) %(objectsize) %(objectname)';
  const list = startGit(['cat-file', '--batch-all-objects', '--unordered', '--buffer', format], options);
  const read = startGit(['cat-file', '--batch', '--buffer'], options);
  list.stdin.end();
  const feeding = feed(list.stdout, read.stdin);
  feeding.catch(() => undefined);
  const seen = new Set<string>();
  try {
    for await (const blob of readBlobs(read.stdout)) {
      const object = parseLfsPointer(blob);
      if (!object || seen.has(object.oid)) continue;
      seen.add(object.oid);
      yield object;
    }
    await Promise.all([list.done, feeding, read.done]);
  } finally {
    // The caller may have stopped in the middle.
    list.stop(new GitFailure('cancelled'));
    read.stop(new GitFailure('cancelled'));
  }
}

/** Hands the names of blobs of the right size from one git to the other. */
async function feed(listing: Readable, names: Writable): Promise<void> {
  for await (const line of createInterface({ input: listing })) {
    const [type, size, name] = line.split(' ');
    if (type !== 'blob' || Number(size) < MIN_POINTER || Number(size) > MAX_POINTER) continue;
    if (!names.write(`${name}\n`)) await once(names, 'drain');
  }
  names.end();
}

/** Takes the output of `cat-file --batch` apart: a line with name, type and size, then that many bytes and a line feed. */
async function* readBlobs(output: Readable): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of output as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const lineEnd = rest.indexOf('\n');
      const size = Number(rest.subarray(0, Math.max(lineEnd, 0)).toString().split(' ')[2]);
      if (lineEnd < 0 || rest.length < lineEnd + 1 + size + 1) break;
      yield rest.toString('latin1', lineEnd + 1, lineEnd + 1 + size);
      rest = rest.subarray(lineEnd + 1 + size + 1);
    }
  }
}
