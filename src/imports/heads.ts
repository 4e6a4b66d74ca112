// Looks for commits that no branch or tag leads to: in the fork they come from, and by their names at the source.
import { TokensLost } from '../accounts/provider-tokens.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { PullRequest } from '../db/project-tables.ts';
import { GitFailure } from '../git/failure.ts';
import { fetchBranch, fetchCommits } from '../git/heads.ts';
import { resolveCommit } from '../git/repository.ts';
import type { Job } from './job.ts';
import { dirOf, gitUrl, GIT_TIMEOUT_MS, mostBytes, withRemote } from './sources.ts';

/** So many commits that are there by the API, and none of them given by git: then git gives none by their names. */
const PROOF = 3;
/** Of so many names at once; a single one is asked for by itself. */
const NAMES_AT_ONCE = 40;
const FEW_NAMES = 4;

/** Where the head of a pull request is kept, so that it stays when its branch goes. */
export function refOf(number: number): string {
  return `refs/pull-requests/${number}/from`;
}

/**
 * Fetches heads of pull requests, as far as anybody gives them.
 * @param closed repositories whose git gives no commits by their names, as found out in this turn; added to
 */
export async function findHeads(job: Job, rows: PullRequest[], closed: Set<string>): Promise<Heads> {
  const found = new Map<number, string>();
  const names = new Map<string, string>();
  for (const row of rows) {
    const head = await inFork(job, row, closed);
    if (head !== undefined) found.set(row.number, head);
  }
  const left = () => rows.filter(({ number, source_commit: head }) => head !== null && !found.has(number));
  const forks = new Set(left().flatMap((row) => forkOf(job, row) ?? []));
  for (const place of [job.source, ...forks]) {
    if (closed.has(place)) continue;
    const here = place === job.source ? left() : left().filter((row) => forkOf(job, row) === place);
    for (const [number, full] of await byName(job, place, { rows: here, closed, names })) found.set(number, full);
  }
  return { found, names };
}

export interface Heads {
  /** Full names of those that are here now, by numbers. */
  found: Map<number, string>;
  /** Full names that Bitbucket has told, by their beginnings, whether git gave the commits or not. */
  names: Map<string, string>;
}

/** The branch in the fork. It may have moved on since: then the head is among its ancestors, or not any more. */
async function inFork(job: Job, row: PullRequest, closed: Set<string>): Promise<string | undefined> {
  const fork = forkOf(job, row);
  const { source_branch: branch, source_commit: head } = row;
  if (fork === undefined || branch === null || head === null || closed.has(fork)) return undefined;
  const isThere = await tolerant(
    () =>
      withRemote(job, fork, async (remote) => {
        await fetchBranch({ ...fetchOptions(job), remote }, branch, refOf(row.number));
        return true;
      }),
    () => closed.add(fork), // others from there need not ask again, each with a new token
  );
  return isThere ? resolveCommit(dirOf(job), head) : undefined;
}

/** By all 40 characters of their names, which the API tells; git may give them, or say that no ref leads there. */
async function byName(
  job: Job,
  place: string,
  { rows, closed, names }: { rows: PullRequest[]; closed: Set<string>; names: Map<string, string> },
): Promise<[number, string][]> {
  const heads = new Set(rows.flatMap(({ source_commit: head }) => head ?? []));
  for (const [head, full] of await fullNames(job, place, [...heads])) names.set(head, full);
  const wanted = rows.flatMap(({ number, source_commit: head }) => {
    const sha = names.get(head ?? '');
    return sha === undefined ? [] : [{ number, sha, name: refOf(number) }];
  });
  const missing = await tolerant(() =>
    withRemote(job, place, (remote) => fetchCommits({ ...fetchOptions(job), remote }, wanted)),
  );
  const absent = new Set((missing ?? wanted).map(({ name }) => name));
  if (wanted.length >= PROOF && absent.size === wanted.length) closed.add(place);
  return wanted.filter(({ name }) => !absent.has(name)).map(({ number, sha }) => [number, sha]);
}

/** One call for many. Where one of them is unknown Bitbucket tells of none, so the others are asked for without it. */
async function fullNames(job: Job, place: string, heads: string[]): Promise<Map<string, string>> {
  const names = new Map(heads.filter((head) => head.length === 40).map((head) => [head, head]));
  const shorts = heads.filter((head) => head.length < 40);
  for (let at = 0; at < shorts.length; at += NAMES_AT_ONCE) {
    const some = shorts.slice(at, at + NAMES_AT_ONCE);
    for (const [short, full] of await namesOf(job, place, some)) names.set(short, full);
  }
  return names;
}

async function namesOf(job: Job, place: string, shorts: string[]): Promise<Map<string, string>> {
  if (shorts.length <= FEW_NAMES) return oneByOne(job, place, shorts);
  const exclude = place === job.source ? job.project.default_branch : null;
  const names = await known(() => job.client.findCommitNames(place, shorts, exclude));
  if (names)
    return new Map([
      ...names,
      ...(await oneByOne(
        job,
        place,
        shorts.filter((short) => !names.has(short)),
      )),
    ]);
  const half = Math.ceil(shorts.length / 2);
  const first = await namesOf(job, place, shorts.slice(0, half));
  return new Map([...first, ...(await namesOf(job, place, shorts.slice(half)))]);
}

async function oneByOne(job: Job, place: string, shorts: string[]): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const short of shorts) {
    const full = await known(() => job.client.getCommitName(place, short));
    if (full !== undefined) names.set(short, full);
  }
  return names;
}

const NOT_TOLD = [400, 401, 403, 404, 410];

/** Undefined for what Bitbucket does not know, or not for us. */
async function known<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TokensLost) return undefined; // a token that opens the source may not open a fork
    if (error instanceof BitbucketFailure && NOT_TOLD.includes(error.remoteStatus ?? 0)) return undefined;
    throw error;
  }
}

function forkOf(job: Job, { source_repository: name }: PullRequest): string | undefined {
  return name === null || name === job.source || gitUrl(job, name) === undefined ? undefined : name;
}

function fetchOptions(job: Job) {
  return { dir: dirOf(job), limits: { maxBytes: mostBytes(job), timeoutMs: GIT_TIMEOUT_MS }, signal: job.signal };
}

const NOT_HERE = new Set<GitFailure['reason']>(['refused', 'not_found', 'fsck', 'failed']);

/** A fork may be gone, closed to us or broken: that is one place less to look at, and nothing worse. */
async function tolerant<T>(work: () => Promise<T>, noteClosed: () => void = () => undefined): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isClosed(error)) noteClosed();
    else if (!(error instanceof GitFailure && NOT_HERE.has(error.reason))) throw error;
    return undefined;
  }
}

function isClosed(error: unknown): boolean {
  if (error instanceof TokensLost) return true;
  if (error instanceof GitFailure) return error.reason === 'not_found';
  return error instanceof BitbucketFailure && error.endpoint === 'repository' && error.remoteStatus === 401;
}
