// What a sandbox can be told: its OAuth consumers, people and workspaces, and the switches for everything Bitbucket leaves open.

import type { Contributor, Project, Repository } from './repositories.ts';
import type { RouteName } from './route-names.ts';

/** An OAuth consumer as its owner set it up at Bitbucket ("Workspace settings > OAuth consumers"). */
export interface Consumer {
  key: string;
  secret: string;
  /** The registered callback URL; a sent redirect_uri must begin with it. Without one the token endpoint refuses. */
  callbackUrl?: string;
  /** The ticked permissions as scope names, such as `account` and `email`. */
  permissions: string[];
  /** Shown on the consent page; defaults to the key. */
  name?: string;
  /** "This is a private consumer": may use client_credentials. Defaults to true. */
  isPrivate?: boolean;
}

export interface Email {
  address: string;
  isPrimary: boolean;
  isConfirmed: boolean;
}

/** What a person may do in a workspace, in the words of GET /user/workspaces/{workspace}/permission. */
export interface Membership {
  /** Slug of the workspace. */
  workspace: string;
  permission: 'owner' | 'create-project' | 'collaborator' | 'member';
}

/** Somebody with a Bitbucket account. The objects a running sandbox holds may be changed at any time. */
export interface Person {
  /** How tests and the account page call this person, such as `alice`. Never shown to a client. */
  key: string;
  /** One line for the account page: what is special about this person. */
  note?: string;
  /** With braces. */
  uuid: string;
  accountId: string;
  /** Left out of GET /user when absent. */
  username?: string;
  nickname: string;
  displayName: string;
  /** ISO 8601. */
  createdOn?: string;
  emails: Email[];
  memberships: Membership[];
}

export interface Workspace {
  /** With braces. */
  uuid: string;
  slug: string;
  name: string;
  isPrivate?: boolean;
  /** ISO 8601. */
  createdOn?: string;
}

/** What Bitbucket says in its answers of an address that it is about to take away, or has taken away. */
export interface Announcement {
  route: RouteName;
  /** Entry of the changelog, `CHANGE-3071`; without it only the dates are told. */
  change?: string;
  /** ISO 8601: the `Deprecation` header, as seconds after an @. */
  deprecatedOn?: string;
  /** ISO 8601: the `Sunset` header, with "UTC" at its end as Bitbucket has sent it. */
  endsOn?: string;
  /** It is gone: 410, with the words of the change. */
  gone?: boolean;
}

/** Behaviour that Bitbucket changed, is changing or does not document. May be flipped while the sandbox runs. */
export interface Switches {
  /** Before or after CHANGE-3052: `scopes`/`scope`, opaque or long tokens, constant or rotating refresh tokens, Bearer only. */
  oauth: 'old' | 'new';
  /** Asking for more than the consumer has: `error=invalid_scope`, or silently less. */
  excessScope: 'error' | 'intersect';
  /** `ignored`: the scope parameter counts for nothing and every permission of the consumer is asked for. */
  scopeParameter: 'honoured' | 'ignored';
  /** PKCE values are accepted; are they checked? */
  pkce: 'ignored' | 'verified';
  /** Does a person who allowed a consumer once see the consent page again? */
  rememberGrants: boolean;
  /** Status of the "Invalid redirect_uri" page. */
  badRedirectStatus: number;
  /** Status of a token answer for missing or wrong client credentials. */
  unauthorizedClientStatus: 400 | 401;
  /** Are client credentials in the form body accepted, besides HTTP Basic? */
  bodyCredentials: boolean;
  /** `error` of the answer to a refresh token that is not good. */
  badRefreshError: 'invalid_request' | 'invalid_grant';
  /** What token answers say in `expires_in`, in seconds. */
  expiresIn: number;
  /** How long access tokens really live, in seconds. */
  accessTokenLifeSeconds: number;
  /** How long a rotated refresh token goes on working, in seconds. */
  refreshGraceSeconds: number;
  /** How long an authorization code lives, in seconds. RFC 6749 section 4.1.2 allows ten minutes. */
  codeLifeSeconds: number;
  /** Calls to the repositories family that one person has in a window, and one address without credentials; 0 = no limit. */
  hourlyLimit: number;
  anonymousHourlyLimit: number;
  /** How long a window is: an hour, unless a test cannot wait. */
  rateWindowSeconds: number;
  /** Which headers tell a signed-in caller of the limit: all, only whether it is near, or none. */
  rateLimitHeaders: 'full' | 'near' | 'none';
  /** Does a 429 come with `Retry-After`? Nobody has seen one. */
  retryAfter: boolean;
  /** What `task_count` counts: "the number of open tasks", says the specification. */
  taskCount: 'open' | 'all';
  /** What is about to be taken away. */
  announcements: readonly Announcement[];
}

export const DEFAULT_SWITCHES: Readonly<Switches> = Object.freeze({
  oauth: 'new',
  excessScope: 'error',
  scopeParameter: 'honoured',
  pkce: 'ignored',
  rememberGrants: true,
  badRedirectStatus: 400,
  unauthorizedClientStatus: 400,
  bodyCredentials: false,
  badRefreshError: 'invalid_request',
  expiresIn: 7200,
  accessTokenLifeSeconds: 7200,
  refreshGraceSeconds: 600,
  codeLifeSeconds: 600,
  hourlyLimit: 1000,
  anonymousHourlyLimit: 60,
  rateWindowSeconds: 3600,
  rateLimitHeaders: 'full',
  retryAfter: false,
  taskCount: 'open',
  announcements: [],
});

/**
 * Makes repositories, with their git repositories in the folder: several, because forks come with their parents.
 * `web` is the address of the first origin, where images in texts lie.
 */
export type RepositoryMaker = (folder: string, web: string) => Promise<Repository[]>;

export interface SandboxOptions {
  /** 0, the default, takes any free port. */
  port?: number;
  consumers: readonly Consumer[];
  /** Defaults to the sample people. */
  people?: readonly Person[];
  /** Defaults to the sample workspaces. */
  workspaces?: readonly Workspace[];
  /** Those who took part in repositories but do not sign in here. */
  contributors?: readonly Contributor[];
  projects?: readonly Project[];
  /** Makers of the repositories to start with, each given a folder of its own for its git repository. */
  repositories?: readonly RepositoryMaker[];
  /** Where repositories are made; emptied at start. Defaults to a temporary folder that goes away at the end. */
  folder?: string;
  switches?: Partial<Switches>;
  /** The clock codes and tokens go by. Defaults to the real one. */
  now?: () => number | Date;
  /** PEM texts: serve https instead of http, for tests of certificates. */
  tls?: { key: string; cert: string };
}
