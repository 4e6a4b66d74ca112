// Commits of a range, as values that are safe to keep: names, messages and dates of a commit may hold anything.
import { requireRev } from './repository.ts';
import { git } from './run.ts';

export interface Commit {
  sha: string;
  parents: string[];
  author: CommitPerson;
  committer: CommitPerson;
  /** At most 64 kB of it. */
  message: string;
}

export interface CommitPerson {
  /** At most 255 characters, as is the address. */
  name: string;
  email: string;
  /** Milliseconds since 1970, from then to the year 9999. */
  at: number;
}

const FORMAT = '%H%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B';
const FIELDS = 9;
const MAX_NAME = 255;
const MAX_MESSAGE = 64 * 1024;
/** The last second of the year 9999. */
const MAX_SECONDS = 253_402_300_799;

/**
 * Lists the commits that lead to `to`, newest first, without those that lead to `without`, too.
 * Both are full hashes, or refs by their full names.
 */
export async function listCommits(
  dir: string,
  range: { to: string; without?: string | undefined },
  page: { limit: number; skip?: number },
): Promise<Commit[]> {
  const ends = [requireRev(range.to), ...(range.without === undefined ? [] : [`^${requireRev(range.without)}`])];
  const paging = [`--max-count=${page.limit}`, `--skip=${page.skip ?? 0}`];
  const args = ['log', '-z', '--no-show-signature', '--encoding=UTF-8', `--format=${FORMAT}`, ...paging, ...ends, '--'];
  const { stdout } = await git(args, { dir, cut: true });
  const fields = stdout.toString().split('\0');
  const commits: Commit[] = [];
  for (let at = 0; at + FIELDS <= fields.length; at += FIELDS) commits.push(commitOf(fields.slice(at, at + FIELDS)));
  return commits;
}

function commitOf(fields: string[]): Commit {
  const [sha = '', parents = '', an = '', ae = '', at = '', cn = '', ce = '', ct = '', message = ''] = fields;
  return {
    sha,
    parents: parents.split(' ').filter(Boolean),
    author: personOf(an, ae, at),
    committer: personOf(cn, ce, ct),
    message: message.slice(0, MAX_MESSAGE).trimEnd(),
  };
}

function personOf(name: string, email: string, seconds: string): CommitPerson {
  const at = Math.min(Math.max(Number(seconds) || 0, 0), MAX_SECONDS) * 1000;
  return { name: name.slice(0, MAX_NAME), email: email.slice(0, MAX_NAME), at };
}
