// What API 2.0 tells of git: commits, refs, diffs. Read from the bare repositories by git itself.
import { delimiter, join } from 'node:path';
import { runGit } from './git-process.ts';

/** A bare repository, and those whose objects it knows as well: forks share theirs with their parent. */
export interface GitSource {
  dir: string;
  forks?: string[];
}

export interface GitCommit {
  hash: string;
  parents: string[];
  /** `Name <address>`. */
  author: string;
  address: string;
  /** ISO 8601. */
  date: string;
  message: string;
}

export interface GitRef {
  name: string;
  /** Full hash of the commit, also where the ref names an annotated tag. */
  commit: string;
  /** Of an annotated tag. */
  annotation?: { tagger: string; date: string; message: string };
}

export interface FileChange {
  status: 'added' | 'removed' | 'modified' | 'renamed';
  linesAdded: number;
  linesRemoved: number;
  old: string | null;
  new: string | null;
}

const COMMIT_FORMAT = ['%H', '%P', '%an <%ae>', '%ae', '%aI', '%B'].join('%x00');
const FIELDS_OF_COMMIT = 6;
const REF_FORMAT = [
  'refname',
  'objectname',
  '*objectname',
  'taggername',
  'taggeremail',
  'taggerdate:iso-strict',
  'contents',
]
  .map((name) => `%(${name})`)
  .join('%00');
const FIELDS_OF_REF = 7;
type FieldsOfRef = [string, string, string, string, string, string, string];

/** The full hash for the start of one; undefined when no commit, or more than one, begins so. */
export async function findCommitHash(source: GitSource, start: string): Promise<string | undefined> {
  if (!/^[0-9a-f]{4,40}$/.test(start)) return undefined;
  try {
    return (await git(source, 'rev-parse', '--verify', '--quiet', `${start}^{commit}`)).toString().trim();
  } catch {
    return undefined;
  }
}

/** Commits that the arguments of `git log` choose, newest first. */
export async function listCommits(source: GitSource, ...choice: string[]): Promise<GitCommit[]> {
  const output = await git(source, 'log', '-z', `--format=${COMMIT_FORMAT}`, ...choice, '--');
  const fields = output.toString().split('\0');
  const commits: GitCommit[] = [];
  for (let start = 0; start + FIELDS_OF_COMMIT <= fields.length; start += FIELDS_OF_COMMIT) {
    const [hash = '', parents = '', author = '', address = '', date = '', message = ''] = fields.slice(start);
    commits.push({ hash, parents: parents.split(' ').filter(Boolean), author, address, date, message });
  }
  return commits;
}

/** Branches (`refs/heads`) or tags (`refs/tags`) in lexical order, by their short names. */
export async function listRefs(source: GitSource, below: 'refs/heads' | 'refs/tags'): Promise<GitRef[]> {
  // Each ref ends with a NUL of its own, because messages of tags have line breaks.
  const output = await git(source, 'for-each-ref', `--format=${REF_FORMAT}%00`, below);
  const fields = output.toString().split('\0');
  const count = Math.floor(fields.length / FIELDS_OF_REF);
  return Array.from({ length: count }, (_, index) => {
    const [name, object, peeled, tagger, address, date, message] = fields.slice(index * FIELDS_OF_REF) as FieldsOfRef;
    return {
      name: name.trim().slice(below.length + 1),
      commit: peeled || object,
      ...(peeled === '' ? {} : { annotation: { tagger: `${tagger} ${address}`, date, message } }),
    };
  });
}

/** Where two commits parted; undefined when they never met. */
export async function findMergeBase(source: GitSource, one: string, other: string): Promise<string | undefined> {
  try {
    return (await git(source, 'merge-base', one, other)).toString().trim();
  } catch {
    return undefined;
  }
}

/** The empty tree stands for the parent of a first commit. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export function readDiff(source: GitSource, from: string, to: string, paths: string[]): Promise<Buffer> {
  return git(source, 'diff', '--no-ext-diff', '--no-textconv', '--no-color', '-M', from, to, '--', ...paths);
}

export function readPatch(source: GitSource, from: string, to: string): Promise<Buffer> {
  const range = from === EMPTY_TREE ? ['-1', to] : [`${from}..${to}`];
  return git(source, 'format-patch', '--stdout', '--no-ext-diff', ...range);
}

export async function listChanges(source: GitSource, from: string, to: string): Promise<FileChange[]> {
  const output = await git(source, 'diff', '--raw', '--numstat', '-z', '-M', from, to);
  const words = output.toString().split('\0');
  const changes = new Map<string, FileChange>();
  for (let index = 0; index < words.length;) {
    const word = words[index]!;
    if (word.startsWith(':')) {
      const letter = word.split(' ')[4]?.[0] ?? '';
      const [old, current] = letter === 'R' ? words.slice(index + 1, index + 3) : [words[index + 1], words[index + 1]];
      changes.set(current!, changeOf(letter, old!, current!));
      index += letter === 'R' ? 3 : 2;
    } else {
      index += countLines(words, index, changes);
    }
  }
  return [...changes.values()];
}

/** `added TAB removed TAB path`, or an empty path and two more words for a renamed file. Gives the number of words. */
function countLines(words: string[], index: number, changes: Map<string, FileChange>): number {
  const [added = '', removed = '', path = ''] = words[index]!.split('\t');
  const isRenamed = path === '' && removed !== '';
  const change = changes.get(isRenamed ? words[index + 2]! : path);
  // Binary files have dashes.
  if (change) Object.assign(change, { linesAdded: Number(added) || 0, linesRemoved: Number(removed) || 0 });
  return isRenamed ? 3 : 1;
}

function changeOf(letter: string, old: string, current: string): FileChange {
  const names = { A: 'added', D: 'removed', R: 'renamed' } as const;
  return {
    status: names[letter as keyof typeof names] ?? 'modified',
    linesAdded: 0,
    linesRemoved: 0,
    old: letter === 'A' ? null : old,
    new: letter === 'D' ? null : current,
  };
}

function git({ dir, forks = [] }: GitSource, ...args: string[]): Promise<Buffer> {
  const objects = forks.map((fork) => join(fork, 'objects')).join(delimiter);
  return runGit(['-C', dir, ...args], '', { GIT_ALTERNATE_OBJECT_DIRECTORIES: objects });
}
