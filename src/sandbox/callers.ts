// Who calls, by what they show: an OAuth access token, an API token with its owner's address, or an access token of a
// repository or workspace. The API and git ask the same question here.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { gitCredentials } from './git-access.ts';
import type { Person } from './options.ts';
import type { Realm } from './realm.ts';

export type CredentialType = 'oauth2' | 'api_token' | 'repository_access_token' | 'workspace_access_token';

export interface Caller {
  type: CredentialType;
  /** Key of the person; null for a consumer that acts for itself and for access tokens, which are nobody's. */
  person: string | null;
  /** Key of the OAuth consumer. */
  consumer: string | null;
  /** What was granted, the highest level of each. */
  scopes: string[];
  /** Slug of the only workspace an access token reaches, and of the only repository there. */
  reach?: { workspace: string; slug: string | null };
  /** Whose calls are counted together. */
  countedAs: string;
}

/** A token that a person made in the settings. */
export interface MadeToken {
  type: Exclude<CredentialType, 'oauth2'>;
  person: string | null;
  scopes: string[];
  reach?: { workspace: string; slug: string | null };
}

export type Refusal = 'missing' | 'expired' | 'unknown';

/** Makes a token as Bitbucket's settings pages do; it lives until it is taken out of `realm.madeTokens`. */
export function makeToken(realm: Realm, made: MadeToken): string {
  const prefix = made.type === 'api_token' ? 'ATATT3xFfGF0' : 'ATCTT3xFfGN0';
  const token = `${prefix}${randomBytes(96).toString('base64url')}`;
  realm.madeTokens.set(token, made);
  realm.handedOut.push({ kind: 'access token', value: token });
  return token;
}

/** The caller of API 2.0: Bearer for OAuth and access tokens, Basic with an address for API tokens. */
export function identifyApiCaller(realm: Realm, request: IncomingMessage): Caller | Refusal {
  const shown = gitCredentials(request);
  if (!shown) return 'missing';
  if (shown.username === undefined) return byBearer(realm, shown.secret);
  const made = realm.madeTokens.get(shown.secret);
  const person = realm.people.find(({ key }) => key === made?.person);
  return made && person && hasAddress(person, shown.username) ? callerOf(made, shown.secret) : 'unknown';
}

/** The caller of git: as above, or any token as the password of the name that goes with it. */
export function identifyGitCaller(realm: Realm, request: IncomingMessage): Caller | Refusal {
  const shown = gitCredentials(request);
  if (shown?.username === 'x-token-auth') return byBearer(realm, shown.secret);
  if (shown?.username !== 'x-bitbucket-api-token-auth') return identifyApiCaller(realm, request);
  const made = realm.madeTokens.get(shown.secret);
  return made?.type === 'api_token' ? callerOf(made, shown.secret) : 'unknown';
}

/** OAuth tokens and access tokens of repositories and workspaces; API tokens are no bearer tokens. */
export function byBearer(realm: Realm, token: string): Caller | Refusal {
  const made = realm.madeTokens.get(token);
  if (made) return made.type === 'api_token' ? 'unknown' : callerOf(made, token);
  const found = realm.tokens.findAccess(token);
  if (!found) return 'unknown';
  if (found.isExpired) return 'expired';
  const { person, consumer, scopes } = found.grant;
  return {
    type: 'oauth2',
    person,
    consumer,
    scopes,
    countedAs: person === null ? `app ${consumer}` : `user ${person}`,
  };
}

function callerOf(made: MadeToken, token: string): Caller {
  const countedAs = made.person === null ? `token ${token}` : `user ${made.person}`;
  return { ...made, consumer: null, countedAs };
}

function hasAddress(person: Person, address: string): boolean {
  return person.emails.some((email) => email.address.toLowerCase() === address.toLowerCase());
}
