// What differs between two commits, as a patch and as numbers per file. No driver that a repository names is run.
import { requireRev } from './repository.ts';
import { git } from './run.ts';

export interface ChangedFile {
  path: string;
  /** Of a file that was renamed or copied. */
  oldPath: string | undefined;
  status: 'added' | 'removed' | 'modified' | 'renamed';
  /** Lines; undefined for binary files. */
  added: number | undefined;
  removed: number | undefined;
}

const OPTIONS = ['--no-ext-diff', '--no-textconv', '--no-color', '--no-relative', '-M', '--submodule=short'];
const PREFIXES = ['--src-prefix=a/', '--dst-prefix=b/'];
const TIMEOUT_MS = 30_000;

/** The patch from one commit to another, cut at `maxBytes`. */
export async function diff(
  dir: string,
  from: string,
  to: string,
  { maxBytes }: { maxBytes: number },
): Promise<{ text: string; isCut: boolean }> {
  const args = ['diff', ...OPTIONS, ...PREFIXES, requireRev(from), requireRev(to), '--'];
  const { stdout, isCut } = await git(args, { dir, maxOutputBytes: maxBytes, cut: true, timeoutMs: TIMEOUT_MS });
  return { text: stdout.toString(), isCut };
}

const STATUSES: ReadonlyMap<string | undefined, ChangedFile['status']> = new Map([
  ['A', 'added'],
  ['D', 'removed'],
  ['R', 'renamed'],
  ['C', 'added'],
]);

/** The files that differ, by path; of very many only the first. */
export async function diffStat(dir: string, from: string, to: string): Promise<ChangedFile[]> {
  const args = ['diff', ...OPTIONS, '--raw', '--numstat', '-z', requireRev(from), requireRev(to), '--'];
  const { stdout } = await git(args, { dir, cut: true, timeoutMs: TIMEOUT_MS });
  const words = stdout.toString().split('\0').slice(0, -1);
  // First come all raw entries, then all numbers.
  const firstNumber = words.findIndex((word) => /^(\d+|-)\t/.test(word));
  if (firstNumber < 0) return [];
  const statuses = readStatuses(words.slice(0, firstNumber));
  return readNumbers(words.slice(firstNumber)).map((file) => ({
    ...file,
    status: statuses.get(file.path) ?? 'modified',
  }));
}

/** Raw entries: `:modes hashes status`, then one path or two. */
function readStatuses(words: string[]): Map<string, ChangedFile['status']> {
  const statuses = new Map<string, ChangedFile['status']>();
  for (let at = 0; at < words.length; at += 2) {
    const letter = words[at]?.split(' ')[4]?.[0];
    if (letter === 'R' || letter === 'C') at += 1;
    statuses.set(words[at + 1] ?? '', STATUSES.get(letter) ?? 'modified');
  }
  return statuses;
}

/** Numbers: `12<tab>3<tab>path`, or without a path, and then two follow by themselves. */
function readNumbers(words: string[]): Omit<ChangedFile, 'status'>[] {
  const files: Omit<ChangedFile, 'status'>[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const [, added = '', removed = '', name = ''] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(words[at] ?? '') ?? [];
    const isMoved = name === '';
    const [oldPath, path = ''] = isMoved ? words.slice(at + 1, at + 3) : [undefined, name];
    if (isMoved) at += 2;
    files.push({ path, oldPath, added: count(added), removed: count(removed) });
  }
  return files;
}

function count(digits: string): number | undefined {
  return digits === '-' ? undefined : Number(digits);
}
