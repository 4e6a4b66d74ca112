// Brings the large files of a repository here: asks the batch API where they lie, fetches them, and keeps only what is
// what its name, the SHA-256, promises.
import { stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { GitFailure } from './failure.ts';
import { fetchObject } from './lfs-download.ts';
import { lfsPath } from './lfs-files.ts';
import { createLfsHttp, type LfsHttp } from './lfs-http.ts';
import type { LfsObject } from './lfs-pointers.ts';
import type { Lookup } from './addresses.ts';

export interface LfsOptions {
  /** `https://bitbucket.org/acme/anvil.git/info/lfs/objects/batch`. */
  batchUrl: string;
  /** For the batch call alone; the storage gets only what the batch call says. */
  authorization?: string | undefined;
  /** At most 100, as many as the API takes at once. */
  objects: readonly LfsObject[];
  /** Where the files lie, as `<aa>/<bb>/<oid>`; of one project, so that nothing of another's shows. */
  dir: string;
  /** Of one object; default 5 GB. */
  maxObjectBytes?: number;
  /** Hosts that files may be fetched from, besides the one of the batch URL: `example.com`, `*.example.com`. */
  allowedHosts?: readonly string[];
  signal?: AbortSignal | undefined;
  lookup?: Lookup | undefined;
  /** Called with every piece that comes. */
  onLife?: (() => void) | undefined;
  /** Before the second attempt at an object; twice as long before the third; default 1,000. */
  retryAfterMs?: number;
}

export interface LfsResult extends LfsObject {
  /** Why it is not here, in words of ours; undefined when it is. */
  failure: string | undefined;
  /** Whether asking again may help. */
  isRetryable: boolean;
}

/** Where Bitbucket keeps large files is not documented; these are Atlassian's own and those it is known to use for others. */
export const BITBUCKET_STORAGE_HOSTS = [
  'bitbucket.org',
  '*.bitbucket.org',
  '*.atlassian.com',
  '*.atl-paas.net',
  '*.amazonaws.com',
  '*.cloudfront.net',
] as const;

/** Where the batch API of a repository is. @see https://github.com/git-lfs/git-lfs/blob/main/docs/api/server-discovery.md */
export function lfsBatchUrl(repositoryUrl: string): string {
  const url = repositoryUrl.replace(/\/+$/, '');
  return `${url.endsWith('.git') ? url : `${url}.git`}/info/lfs/objects/batch`;
}

export const MAX_LFS_BATCH = 100;
const MAX_OBJECT_BYTES = 5e9;
const ATTEMPTS = 3;
const RETRY_AFTER_MS = 1000;
const AT_ONCE = 4;
const LFS_JSON = 'application/vnd.git-lfs+json';

const REPLY = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      actions: z
        .object({
          download: z.object({ href: z.string(), header: z.record(z.string(), z.string()).nullish() }).nullish(),
        })
        .nullish(),
      error: z.object({ code: z.int().nullish() }).nullish(),
    }),
  ),
});

type Place = z.infer<typeof REPLY>['objects'][number];

/**
 * Downloads those of the objects that are not here yet. What is wrong with one object is in its result.
 * @throws GitFailure when the batch call fails, when the disk takes nothing and when it is cancelled
 * @see https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
 */
export async function downloadLfs(options: LfsOptions): Promise<LfsResult[]> {
  const results: LfsResult[] = [];
  const missing: LfsObject[] = [];
  for (const object of options.objects) {
    if (await hasLfsObject(options.dir, object)) results.push({ ...object, failure: undefined, isRetryable: false });
    else missing.push(object);
  }
  if (missing.length === 0) return results;
  const http = createLfsHttp(options);
  try {
    const places = await askForPlaces(http, options, missing);
    const queue = [...missing];
    const work = async (): Promise<void> => {
      for (let object = queue.shift(); object; object = queue.shift()) {
        results.push(await bring(http, options, object, places.get(object.oid)));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return results;
  } finally {
    await http.close();
  }
}

/** Whether the file of an object is here; it was verified before it got its name. */
export async function hasLfsObject(dir: string, { oid, size }: LfsObject): Promise<boolean> {
  return stat(lfsPath(dir, oid)).then(
    (file) => file.size === size,
    () => false,
  );
}

async function askForPlaces(http: LfsHttp, options: LfsOptions, objects: LfsObject[]): Promise<Map<string, Place>> {
  const body = JSON.stringify({
    operation: 'download',
    transfers: ['basic'],
    objects: objects.map(({ oid, size }) => ({ oid, size })),
    hash_algo: 'sha256',
  });
  const headers = {
    accept: LFS_JSON,
    'content-type': LFS_JSON,
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
  };
  const text = await http.post(options.batchUrl, headers, body);
  const reply = REPLY.safeParse(parseJson(text));
  if (!reply.success) throw new GitFailure('failed', 'the LFS server answered with something else than the batch API');
  return new Map(reply.data.objects.map((place) => [place.oid, place]));
}

async function bring(
  http: LfsHttp,
  options: LfsOptions,
  object: LfsObject,
  place: Place | undefined,
): Promise<LfsResult> {
  const { retryAfterMs = RETRY_AFTER_MS, signal, dir, onLife } = options;
  if (object.size > (options.maxObjectBytes ?? MAX_OBJECT_BYTES))
    return { ...object, failure: 'larger than is allowed', isRetryable: false };
  const download = downloadOf(place);
  if (!download) {
    return { ...object, failure: `the server does not have it${wordsOf(place)}`, isRetryable: !place?.error };
  }
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await fetchObject({ http, object, dir, signal, onLife, ...download });
    if (!outcome.isRetryable || attempt === ATTEMPTS) return { ...object, ...outcome };
    await wait(retryAfterMs * attempt, undefined, { signal }).catch(() => {
      throw new GitFailure('cancelled');
    });
  }
}

function downloadOf(place: Place | undefined) {
  const download = place?.actions?.download;
  return download && { href: download.href, headers: download.header ?? {} };
}

/** The number alone: what a server says besides is text from outside, and this ends on a page. */
function wordsOf(place: Place | undefined): string {
  const code = place?.error?.code;
  return code ? ` (status ${code})` : '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
