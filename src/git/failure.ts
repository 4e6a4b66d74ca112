// The one error of this folder: why git, or the storage of its large files, did not do what was asked.

/**
 * What a caller may decide on; this set stays small and closed.
 *
 * - `refused`: the far end wants other credentials, or none of ours will do
 * - `not_found`: no such repository there, or not for us; also a commit or branch that the far end does not give
 * - `network`: unreachable, cut off, too slow, or an error of the far end's own; trying again makes sense
 * - `timeout`: not done in the time given
 * - `cancelled`: the caller's signal
 * - `fsck`: an object that must not be let in: it is malformed or made to harm whoever checks it out
 * - `too_large`, `too_many_refs`: more than the limits given
 * - `disk_full`, `read_only`: no space is left here, or nothing may be written; an administrator has to see to it
 * - `failed`: everything else
 */
export type GitFailureReason =
  | 'refused'
  | 'not_found'
  | 'network'
  | 'timeout'
  | 'cancelled'
  | 'fsck'
  | 'too_large'
  | 'too_many_refs'
  | 'disk_full'
  | 'read_only'
  | 'failed';

const SENTENCES: Record<GitFailureReason, string> = {
  refused: 'the server did not accept the credentials',
  not_found: 'the server does not have it, or does not show it to us',
  network: 'the connection to the server failed',
  timeout: 'it took too long',
  cancelled: 'cancelled',
  fsck: 'the repository has an object that git considers broken or dangerous',
  too_large: 'larger than is allowed',
  too_many_refs: 'more branches and tags than are allowed',
  disk_full: 'no space is left on the disk',
  read_only: 'the disk is read-only',
  failed: 'git failed',
};

/**
 * A failure of git. The message is a sentence of ours. No property holds the command line, a credential or a control
 * character, so it may be logged whole; `detail` may quote git, and through it the far end, so it is not for visitors.
 */
export class GitFailure extends Error {
  readonly reason: GitFailureReason;
  readonly detail: string;

  constructor(reason: GitFailureReason, detail = '') {
    super(`git: ${SENTENCES[reason]}`);
    this.name = 'GitFailure';
    this.reason = reason;
    this.detail = detail;
  }
}

/** First match wins: what says more stands before what git adds to every failure. */
const SIGNS: readonly [GitFailureReason, RegExp][] = [
  ['disk_full', /No space left on device|Disk quota exceeded/],
  ['read_only', /Read-only file system/],
  ['fsck', /fsck error|^error: object [0-9a-f]{40}: /m],
  ['refused', /returned error: (401|403|407)\b|Authentication failed|could not read (Username|Password)/],
  ['not_found', /returned error: (404|410)\b|^fatal: repository .* not found/m],
  ['not_found', /not our ref|unadvertised object|couldn't find remote ref|no such remote ref/i],
  [
    'network',
    /returned error: (408|429|5\d\d)\b|Could not resolve host|Failed to connect|Connection (refused|reset|timed out)/,
  ],
  ['network', /early EOF|unexpected disconnect|RPC failed|hung up|Operation too slow|transfer closed|Empty reply/],
  ['network', /expected flush|bad line length|invalid server response|SSL|TLS|gnutls/],
];

const DISK: Record<string, GitFailureReason> = { ENOSPC: 'disk_full', EDQUOT: 'disk_full', EROFS: 'read_only' };

/** The same of the disk when it is Node that writes; undefined for every other error. */
export function diskFailureOf(error: unknown): GitFailure | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const reason = typeof code === 'string' ? DISK[code] : undefined;
  return reason && new GitFailure(reason);
}

const MAX_DETAIL = 500;

/** Makes a failure of what git wrote to its error output; `secrets` are masked in it, should the far end send them back. */
export function failureOf(stderr: string, secrets: readonly string[] = []): GitFailure {
  const reason = SIGNS.find(([, sign]) => sign.test(stderr))?.[0] ?? 'failed';
  const lines = stderr.split(/[\r\n]+/).filter((line) => /^(fatal|error|remote):/.test(line));
  return new GitFailure(reason, cleanText(lines.slice(-4).join(' '), secrets).slice(0, MAX_DETAIL));
}

/** Masks credentials, and takes out control characters: a far end may send escapes for whoever reads a log in a terminal. */
export function cleanText(text: string, secrets: readonly string[] = []): string {
  let clean = text.replace(/(\w+:\/\/)[^/\s@]*@/g, '$1***@');
  for (const secret of secrets) if (secret) clean = clean.replaceAll(secret, '***');
  return clean
    .replace(/\p{Cc}\[[0-9;?]*[ -/]*[@-~]/gu, '')
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim();
}
