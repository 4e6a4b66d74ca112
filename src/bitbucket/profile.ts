// From Bitbucket's replies to the profile that the host's verify callback gets: renamed and cleaned.
import { cleanName, cleanUrl, trustedEmail } from './clean.ts';
import type { BitbucketClient } from './client.ts';
import { BitbucketFailure } from './failure.ts';
import type { EmailReply, UserReply } from './replies.ts';

/** Who signed in. The identity is `uuid` alone: names and addresses change hands at Bitbucket. */
export interface BitbucketProfile {
  provider: 'bitbucket';
  /** With braces, lower case: one spelling, so that one person is one key. */
  uuid: string;
  /** Atlassian-wide id, for example `557058:…`. */
  accountId?: string;
  username?: string;
  nickname?: string;
  /** Never empty: the display name, else nickname, username or uuid. */
  displayName: string;
  /** The address that Bitbucket calls both primary and confirmed, as written there; `null` when there is none to trust. */
  email: string | null;
  avatarUrl?: string;
  profileUrl?: string;
  /** Scopes that were granted, the highest level of each as Bitbucket lists them. */
  scopes: string[];
}

/** Access to somebody's account: the token, what it may do, and until when the reading of it may last. */
export interface Access {
  token: string;
  scopes: string[];
  deadline?: number | undefined;
}

/**
 * Reads `/user` and all of `/user/emails`.
 * @throws BitbucketFailure when either cannot be read; only a 403 for the addresses is an answer: "none for you"
 */
export async function loadProfile(client: BitbucketClient, access: Access): Promise<BitbucketProfile> {
  const user = await client.getUser(access.token, access.deadline);
  const emails = await client.listEmails(access.token, access.deadline).catch(noneIfForbidden);
  return toProfile(user, emails, access.scopes);
}

/** Makes the profile of a checked `/user` reply, the entries of `/user/emails`, and the scopes of the token. */
export function toProfile(user: UserReply, emails: readonly EmailReply[], scopes: string[]): BitbucketProfile {
  const username = cleanName(user.username);
  const nickname = cleanName(user.nickname);
  return {
    provider: 'bitbucket',
    uuid: user.uuid,
    displayName: cleanName(user.display_name) ?? nickname ?? username ?? user.uuid,
    email: trustedEmail(emails),
    scopes,
    ...present({
      accountId: cleanName(user.account_id),
      username,
      nickname,
      avatarUrl: cleanUrl(user.links?.avatar?.href),
      profileUrl: cleanUrl(user.links?.html?.href),
    }),
  };
}

function noneIfForbidden(error: unknown): EmailReply[] {
  if (error instanceof BitbucketFailure && error.remoteStatus === 403) return [];
  throw error;
}

function present<T extends Record<string, string | undefined>>(fields: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}
