// Failures in plain words, for the person who imports. No foreign message is part of them.
import type { BitbucketFailure } from '../bitbucket/failure.ts';
import type { GitFailure } from '../git/failure.ts';

/** Why Bitbucket did not give something. */
export function reasonOf(error: BitbucketFailure): string {
  const { remoteStatus: status, reason } = error;
  if (reason === 'missing_scope') return lacking(error.requiredScopes ?? []);
  if (reason === 'timeout') return 'Bitbucket did not answer in time, however often it was asked.';
  if (reason === 'throttled') return 'Bitbucket takes no more requests for now.';
  if (status !== undefined) return byStatus(status);
  return error.permanent ? `It could not be read: ${error.detail}.` : 'Bitbucket could not be reached.';
}

function byStatus(status: number): string {
  const known = BY_STATUS[status];
  if (known !== undefined) return known;
  if (status >= 500) return `Bitbucket failed each time it was asked (status ${status}).`;
  return `Bitbucket refused (status ${status}).`;
}

const BY_STATUS: Record<number, string> = {
  200: 'What Bitbucket answered could not be read, however often it was asked.',
  401: 'Bitbucket does not accept the token any more.',
  403: 'Bitbucket does not allow you to see it.',
  404: 'It is not at Bitbucket any more, or not shown to you.',
  410: 'Bitbucket has removed the address where this could be read.',
  555: 'Bitbucket took too long to make it.',
};

function lacking(scopes: string[]): string {
  const [what, are, them] = scopes.length === 1 ? ['permission', 'is', 'it'] : ['permissions', 'are', 'them'];
  const named = scopes.join(' and ');
  return `The ${what} ${named} ${are} missing: tick ${them} at the OAuth consumer or token, then connect again.`;
}

/** Why git did not bring a repository. */
export const GIT_REASONS: Record<GitFailure['reason'], string> = {
  refused: 'Bitbucket refused git access to the repository.',
  not_found: 'The repository is not at Bitbucket any more, or not shown to you.',
  network: 'The connection to Bitbucket broke off while git was fetching.',
  timeout: 'git made no progress for too long.',
  cancelled: 'It was cancelled.',
  fsck: 'The repository holds objects that git refuses as damaged or dangerous, so nothing of it was taken over.',
  too_large: 'The repository is larger than this server allows.',
  too_many_refs: 'The repository has more branches and tags than this server allows.',
  disk_full: "The server's disk is full. It goes on when there is room again.",
  read_only: "The server's disk is read-only. It goes on when it can be written to again.",
  failed: 'git could not fetch the repository.',
};
