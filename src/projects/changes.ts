// What a pull request changes: its commits and its diff, from git where its commits are here, else from what Bitbucket
// showed of it when it was imported.
import { open } from 'node:fs/promises';
import type { Config } from '../config/schema.ts';
import type { Project, PullRequest } from '../db/project-tables.ts';
import { diff } from '../git/diff.ts';
import type { Commit } from '../git/history.ts';
import { listCommits } from '../git/history.ts';
import { branchRef, mergeBase, resolveCommits } from '../git/repository.ts';
import type { DiffFile } from './diff-text.ts';
import { parseDiff } from './diff-text.ts';
import { repositoryDir, snapshotFile } from './places.ts';

type Where = Pick<Config, 'data_dir'>;

/** Two commits; `from` is the point where the change left its destination. */
export interface Range {
  from: string;
  to: string;
}

export interface Changes {
  /** `merge`: its own commits are lost, and shown is what its merge brought. */
  by: 'git' | 'snapshot' | 'merge';
  range: Range | null;
  files: DiffFile[];
  /** There was more of it than is read. */
  isCut: boolean;
}

/** As much of a diff as people look at; who needs more has git. */
const MAX_DIFF_BYTES = 2 * 1024 * 1024;
export const MAX_COMMITS = 250;

/** @returns undefined when nothing of it is left: neither here nor at Bitbucket */
export async function findChanges(where: Where, project: Project, row: PullRequest): Promise<Changes | undefined> {
  const dir = repositoryDir(where, project.id);
  const ends = await findEnds(dir, row);
  const range = await rangeOfHead(dir, ends);
  if (range) return { by: 'git', range, ...(await readDiff(dir, range)) };
  const snapshot = await readSnapshot(snapshotFile(where, project.id, row.number, 'diff'));
  if (snapshot) return { by: 'snapshot', range: null, ...snapshot };
  const merge = rangeOfMerge(ends);
  return merge && { by: 'merge', range: merge, ...(await readDiff(dir, merge)) };
}

/** Whether there is something to show of it besides a snapshot. */
export async function hasRange(where: Where, project: Pick<Project, 'id'>, row: PullRequest): Promise<boolean> {
  const dir = repositoryDir(where, project.id);
  const ends = await findEnds(dir, row);
  return ((await rangeOfHead(dir, ends)) ?? rangeOfMerge(ends)) !== undefined;
}

/** Newest first, at most `MAX_COMMITS`; undefined when they are not here. */
export async function findCommits(where: Where, project: Project, row: PullRequest): Promise<Commit[] | undefined> {
  const dir = repositoryDir(where, project.id);
  const ends = await findEnds(dir, row);
  const range = (await rangeOfHead(dir, ends)) ?? rangeOfMerge(ends);
  return range && listCommits(dir, { to: range.to, without: range.from }, { limit: MAX_COMMITS });
}

interface Ends {
  source: string | undefined;
  destination: string | undefined;
  merge: string | undefined;
  /** First parent of the merge: the destination as it was just before. */
  before: string | undefined;
  /** Names the destination as it is today; undefined = no branch can have that name. */
  branch: string | undefined;
}

async function findEnds(dir: string, row: PullRequest): Promise<Ends> {
  const asked = [row.source_commit, row.destination_commit, row.merge_commit].filter((hash) => hash !== null);
  const full = await resolveCommits(dir, asked);
  const [source, destination, merge] = [row.source_commit, row.destination_commit, row.merge_commit].map((hash) =>
    hash === null ? undefined : full.get(hash),
  );
  const [last] = merge === undefined ? [] : await listCommits(dir, { to: merge }, { limit: 1 });
  const branch = row.destination_branch === null ? undefined : branchRef(row.destination_branch);
  return { source, destination, merge, before: last?.parents[0], branch };
}

/** Of a destination that is gone Bitbucket tells no commit; then the source left the default branch, as far as is known. */
async function rangeOfHead(dir: string, { source, destination, before, branch }: Ends): Promise<Range | undefined> {
  if (source === undefined) return undefined;
  for (const other of [destination, before, branch, 'HEAD']) {
    const from: string | undefined = other && (await mergeBase(dir, other, source));
    // A destination that holds the source already says nothing of what it was before.
    if (from !== undefined && from !== source) return { from, to: source };
  }
  return undefined;
}

/** A squashed change is all in its merge. */
function rangeOfMerge({ merge, before }: Ends): Range | undefined {
  return merge === undefined || before === undefined ? undefined : { from: before, to: merge };
}

async function readDiff(dir: string, { from, to }: Range): Promise<Pick<Changes, 'files' | 'isCut'>> {
  const { text, isCut } = await diff(dir, from, to, { maxBytes: MAX_DIFF_BYTES });
  return { files: parseDiff(text), isCut };
}

async function readSnapshot(path: string): Promise<Pick<Changes, 'files' | 'isCut'> | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return undefined;
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, MAX_DIFF_BYTES));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { files: parseDiff(buffer.subarray(0, bytesRead).toString()), isCut: size > MAX_DIFF_BYTES };
  } finally {
    await file.close();
  }
}
