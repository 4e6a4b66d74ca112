// Repositories of the sandbox and what hangs on them, as Bitbucket knows it. All of it is live: a changed value counts
// from the next request, so that a test can compare an import with the very objects that were served.
import { createHash } from 'node:crypto';
import type { GitRepository } from './git-access.ts';
import type { Download, Json, Status } from './repository-parts.ts';
import type { PullRequest } from './pull-requests.ts';

/** Key of one of `people` or `contributors`; null = an account that was deleted since. */
export type Who = string | null;

/** Somebody who took part but does not sign in here: a former colleague, or an app. */
export interface Contributor {
  key: string;
  /** With braces. */
  uuid: string;
  accountId: string;
  displayName: string;
  /** Apps have none. */
  nickname?: string;
  /** Set for apps (`type: "app_user"`), such as `atlassian_app` or `repository_access_token`. */
  kind?: string;
  aiAgent?: boolean;
}

/** A project of a workspace: a group of repositories. */
export interface Project {
  workspace: string;
  key: string;
  name: string;
  /** With braces. */
  uuid: string;
  description: string;
  isPrivate: boolean;
}

export type Permission = 'admin' | 'write' | 'read';

export interface CommitComment {
  id: number;
  commit: string;
  author: Who;
  raw: string;
  createdOn: string;
}

export interface Repository extends GitRepository {
  /** With braces. */
  uuid: string;
  /** In words; the slug is made from it at Bitbucket. */
  name: string;
  description: string;
  /** Key of a project of the workspace. */
  project: string | null;
  /** null = nothing was pushed yet. */
  mainBranch: string | null;
  /** `workspace/slug`, of a repository that need not be here any more. */
  parent: string | null;
  language: string;
  /** In bytes. */
  size: number;
  /** ISO 8601, as are all times. */
  createdOn: string;
  updatedOn: string;
  /** Of people, besides what they may as members of the workspace: owners admin, others write. */
  permissions: Record<string, Permission>;
  pullRequests: PullRequest[];
  commitComments: CommitComment[];
  statuses: Status[];
  /** Objects as API 2.0 has them, without links. */
  branchRestrictions: Json[];
  hooks: Json[];
  deployKeys: Json[];
  defaultReviewers: string[];
  downloads: Download[];
  /** The short name in addresses of images: `/repo/<imageKey>/images/<name>`. */
  imageKey: string;
  /** `<digits>-<name>` to content. */
  images: Map<string, Buffer>;
}

/** A repository with an empty history of everything but git. Ids and times follow from its name. */
export function makeRepository(
  given: Pick<Repository, 'workspace' | 'slug' | 'dir'> & Partial<Repository>,
): Repository {
  const name = fullNameOf(given);
  const createdOn = given.createdOn ?? '2024-02-05T09:30:00.125000+00:00';
  return {
    lfs: new Map(),
    uuid: uuidFor(`repository ${name}`),
    name: given.slug,
    description: '',
    isPrivate: true,
    project: null,
    mainBranch: 'main',
    parent: null,
    language: '',
    size: 120_000,
    updatedOn: createdOn,
    permissions: {},
    pullRequests: [],
    commitComments: [],
    statuses: [],
    branchRestrictions: [],
    hooks: [],
    deployKeys: [],
    defaultReviewers: [],
    downloads: [],
    imageKey: createHash('sha256').update(name).digest('base64url').slice(0, 7),
    images: new Map(),
    ...given,
    createdOn,
  };
}

/** `workspace/slug`. */
export function fullNameOf(repository: { workspace: string; slug: string }): string {
  return `${repository.workspace}/${repository.slug}`;
}

/** A uuid in braces that is always the same for a name. */
export function uuidFor(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `{${parts.join('-')}}`;
}
