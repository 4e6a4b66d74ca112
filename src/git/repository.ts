// Reads a mirrored repository: refs, commits, trees and files. Nothing here checks anything out, and nothing that comes
// from outside can be taken for an option of git.
import { GitFailure } from './failure.ts';
import type { Ref } from './remote.ts';
import { git } from './run.ts';

export interface TreeEntry {
  name: string;
  type: 'file' | 'executable' | 'link' | 'directory' | 'submodule';
  sha: string;
  /** Of files and links. */
  size: number | undefined;
}

const HASH = /^[0-9a-f]{40}$/;
const SHORT_HASH = /^[0-9a-f]{4,40}$/;
const MAX_REF = 1000;

/** All refs, by name. */
export async function listRefs(dir: string): Promise<Ref[]> {
  const format = '--format=%(objectname) %(refname)';
  const { stdout } = await git(['for-each-ref', format], { dir, maxOutputBytes: 512 * 1024 * 1024 });
  const lines = stdout.toString().split('\n').filter(Boolean);
  return lines.map((line) => ({ sha: line.slice(0, 40), name: line.slice(41) }));
}

/** Full name of the branch that HEAD names, whether it exists or not; undefined where HEAD names a commit. */
export async function readHead(dir: string): Promise<string | undefined> {
  return (await ask(dir, ['symbolic-ref', '--quiet', 'HEAD']))?.trim();
}

/** The full name of a branch; undefined for what no branch can be called. */
export function branchRef(branch: string): string | undefined {
  const ref = `refs/heads/${branch}`;
  return isRev(ref) ? ref : undefined;
}

/** Lets HEAD name a branch. @throws GitFailure for a name that no branch can have */
export async function setHead(dir: string, branch: string): Promise<void> {
  const ref = `refs/heads/${branch}`;
  requireRev(ref);
  await git(['symbolic-ref', 'HEAD', ref], { dir });
}

/** Lets refs of ours name commits that are there already, so that these stay when their branch goes. */
export async function pinCommits(dir: string, pins: readonly Ref[]): Promise<void> {
  for (const { name, sha } of pins) if (!HASH.test(sha)) throw new GitFailure('failed', `${requireRev(name)}: no hash`);
  const input = pins.map(({ name, sha }) => `update ${requireRev(name)}\0${sha}\0\0`).join('');
  await git(['update-ref', '--stdin', '-z'], { dir, input });
}

/** Finds commits by their hashes, of 4 to 40 digits: from what was asked for to the full hash. What is missing is missing. */
export async function resolveCommits(dir: string, hashes: readonly string[]): Promise<Map<string, string>> {
  const asked = hashes.filter((hash) => SHORT_HASH.test(hash));
  if (asked.length === 0) return new Map();
  const { stdout } = await git(['cat-file', '--batch-check', '--buffer'], { dir, input: `${asked.join('\n')}\n` });
  const found = new Map<string, string>();
  const shadowed: string[] = [];
  stdout
    .toString()
    .trimEnd()
    .split('\n')
    .forEach((line, index) => {
      const hash = asked[index] ?? '';
      const [full = '', type] = line.split(' ');
      if (type === 'commit' && full.startsWith(hash)) found.set(hash, full);
      // A branch or tag of that name comes first for git; and it may have told apart what is ambiguous.
      else if (type !== 'missing') shadowed.push(hash);
    });
  for (const hash of shadowed) {
    const full = await resolveShadowed(dir, hash);
    if (full) found.set(hash, full);
  }
  return found;
}

/** Finds one commit by its full or short hash. */
export async function resolveCommit(dir: string, hash: string): Promise<string | undefined> {
  return (await resolveCommits(dir, [hash])).get(hash);
}

async function resolveShadowed(dir: string, hash: string): Promise<string | undefined> {
  const { stdout } = await git(['rev-parse', `--disambiguate=${hash}`], { dir });
  const candidates = stdout
    .toString()
    .split('\n')
    .filter((line) => HASH.test(line));
  const { stdout: types } = await git(['cat-file', '--batch-check'], { dir, input: `${candidates.join('\n')}\n` });
  const commits = types
    .toString()
    .split('\n')
    .filter((line) => line.split(' ')[1] === 'commit');
  return commits.length === 1 ? commits[0]?.slice(0, 40) : undefined;
}

/** Commits that branches and tags reach. */
export async function countCommits(dir: string): Promise<number> {
  const { stdout } = await git(['rev-list', '--count', '--branches', '--tags'], { dir, timeoutMs: 10 * 60_000 });
  return Number(stdout.toString());
}

/** The best common ancestor of two commits. */
export async function mergeBase(dir: string, one: string, other: string): Promise<string | undefined> {
  return (await ask(dir, ['merge-base', requireRev(one), requireRev(other)]))?.trim();
}

/**
 * Gives the content of a file, or the target of a symbolic link as its text, which is never followed. Undefined where
 * there is no such file. `content` is undefined when it is larger than `maxBytes`.
 * @param rev a full hash, or a ref by its full name
 */
export async function readBlob(
  dir: string,
  rev: string,
  path: string,
  maxBytes: number,
): Promise<{ size: number; content: Buffer | undefined } | undefined> {
  const name = `${requireRev(rev)}:${path}`;
  if (path === '' || path.includes('\0') || (await ask(dir, ['cat-file', '-t', name])) !== 'blob\n') return undefined;
  const size = Number(await ask(dir, ['cat-file', '-s', name]));
  if (size > maxBytes) return { size, content: undefined };
  const { stdout } = await git(['cat-file', 'blob', name], { dir, maxOutputBytes: maxBytes });
  return { size, content: stdout };
}

const TYPES: ReadonlyMap<string, TreeEntry['type']> = new Map([
  ['100755', 'executable'],
  ['120000', 'link'],
  ['040000', 'directory'],
  ['160000', 'submodule'],
]);

/** Lists a folder; `''` is the top one. Undefined where there is no such folder. Of very many entries only the first. */
export async function listTree(dir: string, rev: string, path: string): Promise<TreeEntry[] | undefined> {
  const name = `${requireRev(rev)}:${path}`;
  if (path.includes('\0') || (await ask(dir, ['cat-file', '-t', name])) !== 'tree\n') return undefined;
  const { stdout, isCut } = await git(['ls-tree', '-z', '-l', name], { dir, cut: true });
  const lines = stdout.toString().split('\0').filter(Boolean);
  return (isCut ? lines.slice(0, -1) : lines).map((line) => {
    const [mode = '', , sha = '', size = ''] = line.slice(0, line.indexOf('\t')).split(/ +/);
    const type = TYPES.get(mode) ?? 'file';
    return { name: line.slice(line.indexOf('\t') + 1), type, sha, size: size === '-' ? undefined : Number(size) };
  });
}

/**
 * Lets pass only what names one commit and nothing else: a full hash, or a ref by its full name.
 * @throws GitFailure for options, ranges, `@{…}`, paths after a colon and the like
 */
export function requireRev(rev: string): string {
  if (isRev(rev)) return rev;
  throw new GitFailure('failed', 'not the name of a commit');
}

function isRev(rev: string): boolean {
  // Rules of git-check-ref-format.
  // eslint-disable-next-line no-control-regex
  const isRef = /^refs\/[^\x00-\x20\x7f~^:?*[\\]+$/.test(rev) && !/\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[/.]$/.test(rev);
  return rev === 'HEAD' || HASH.test(rev) || (isRef && rev.length <= MAX_REF);
}

/** Runs git for an answer; undefined when git has none. */
async function ask(dir: string, args: string[]): Promise<string | undefined> {
  try {
    return (await git(args, { dir })).stdout.toString();
  } catch (error) {
    if (error instanceof GitFailure && error.reason === 'failed') return undefined;
    throw error;
  }
}
