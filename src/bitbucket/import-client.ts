// What is read of repositories and pull requests, resource by resource, with as few calls as there can be.
import type { Api, Listed, Page } from './api.ts';
import {
  ACTIVITY_FIELDS,
  activityReply,
  COMMENT_FIELDS,
  commentReply,
  commitReply,
  memberReply,
  settingReply,
  TASK_FIELDS,
  taskReply,
} from './remote-conversation.ts';
import type { RemoteComment, RemoteEvent, RemoteTask } from './remote-conversation.ts';
import { personFields, personReply, type RemotePerson } from './remote-person.ts';
import type { RemotePullRequest } from './remote-pull-request.ts';
import { PULL_REQUEST_FIELDS, pullRequestReply } from './remote-pull-request.ts';
import type { RemoteRepository } from './remote-repository.ts';
import { repositoryPath, repositoryReply } from './remote-repository.ts';
import { BitbucketFailure } from './failure.ts';
import { listWorkspaces, type Workspace } from './workspaces.ts';
import { z } from 'zod';

const STATES = ['OPEN', 'MERGED', 'DECLINED', 'SUPERSEDED'] as const;
export type RemoteStateWord = (typeof STATES)[number];

/** What is kept of a repository's settings, the path below it, and the scope that opens it. */
export const SETTINGS = {
  branch_restrictions: { path: 'branch-restrictions', scope: 'repository:admin' },
  default_reviewers: { path: 'default-reviewers', scope: 'pullrequest' },
  webhooks: { path: 'hooks', scope: 'webhook' },
  deploy_keys: { path: 'deploy-keys', scope: 'repository:admin' },
  downloads: { path: 'downloads', scope: 'repository' },
} as const;
export type SettingKind = keyof typeof SETTINGS;

/** Reads what an import brings. Methods throw BitbucketFailure; a repository is `workspace/slug` or a uuid. */
export class ImportClient {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** All workspaces of whoever the token is of. */
  async listWorkspaces(): Promise<Workspace[]> {
    return listWorkspaces(async (what) => (await this.#api.list(what, z.unknown())).items);
  }

  /** Repositories of a workspace, in the order of their changes, the latest first. */
  pagesOfRepositories(workspace: string, { ofMember = true }: { ofMember?: boolean } = {}) {
    const role = ofMember ? { role: 'member' } : {};
    const parameters = { ...role, sort: '-updated_on', pagelen: 100 };
    const path = withQuery(`/repositories/${encodeURIComponent(workspace)}`, parameters);
    return this.#api.pages({ endpoint: 'repositories', path, scope: 'repository' }, repositoryReply);
  }

  async getRepository(name: string): Promise<RemoteRepository> {
    return this.#api.get({ endpoint: 'repository', path: below(name), scope: 'repository' }, repositoryReply);
  }

  /**
   * Pull requests of every state, each with its reviewers and participants where Bitbucket tells of them in a list.
   * @param from where to go on: `next` of a page. @param since only what was updated after that, milliseconds
   */
  pagesOfPullRequests(
    repository: string,
    { from, since }: { from?: string | undefined; since?: number | null } = {},
  ): AsyncGenerator<Page<RemotePullRequest>> {
    const changed = since == null ? {} : { q: `updated_on >= ${new Date(since).toISOString()}` };
    const parameters = {
      state: STATES,
      sort: 'created_on',
      pagelen: 50,
      ...changed,
      fields: pageFields(PULL_REQUEST_FIELDS),
    };
    const path = from ?? withQuery(`${below(repository)}/pullrequests`, parameters);
    return this.#api.pages({ endpoint: 'pull requests', path, scope: 'pullrequest' }, pullRequestReply);
  }

  /** One with everything, its reviewers and participants among it. */
  async getPullRequest(repository: string, number: number): Promise<RemotePullRequest> {
    const path = `${below(repository)}/pullrequests/${number}`;
    return this.#api.get({ endpoint: 'pull requests', path, scope: 'pullrequest' }, pullRequestReply);
  }

  async countPullRequests(repository: string, state: RemoteStateWord): Promise<number | undefined> {
    const path = withQuery(`${below(repository)}/pullrequests`, { state, pagelen: 1, fields: 'size' });
    const what = { endpoint: 'pull requests', path, scope: 'pullrequest' } as const;
    return (await this.#api.get(what, sizeReply)).size;
  }

  async listComments(repository: string, number: number): Promise<Listed<RemoteComment>> {
    const parameters = { pagelen: 100, fields: pageFields(COMMENT_FIELDS) };
    const path = withQuery(`${below(repository)}/pullrequests/${number}/comments`, parameters);
    return this.#api.list({ endpoint: 'comments', path, scope: 'pullrequest' }, commentReply);
  }

  async listTasks(repository: string, number: number): Promise<Listed<RemoteTask>> {
    const parameters = { pagelen: 100, fields: pageFields(TASK_FIELDS) };
    const path = withQuery(`${below(repository)}/pullrequests/${number}/tasks`, parameters);
    return this.#api.list({ endpoint: 'tasks', path, scope: 'pullrequest' }, taskReply);
  }

  /** Of one pull request, newest first. */
  pagesOfActivityIn(repository: string, number: number): AsyncGenerator<Page<RemoteEvent | null>> {
    const parameters = { pagelen: 50, fields: pageFields(ACTIVITY_FIELDS) };
    const path = withQuery(`${below(repository)}/pullrequests/${number}/activity`, parameters);
    return this.#api.pages({ endpoint: 'activity', path, scope: 'pullrequest' }, activityReply);
  }

  /** Of all pull requests together, newest first. */
  pagesOfActivity(
    repository: string,
    { from }: { from?: string | undefined } = {},
  ): AsyncGenerator<Page<RemoteEvent | null>> {
    const parameters = { pagelen: 50, fields: pageFields(ACTIVITY_FIELDS) };
    const path = from ?? withQuery(`${below(repository)}/pullrequests/activity`, parameters);
    return this.#api.pages({ endpoint: 'activity', path, scope: 'pullrequest' }, activityReply);
  }

  /** All 40 characters of a commit's name. */
  async getCommitName(repository: string, short: string): Promise<string> {
    const path = withQuery(`${below(repository)}/commit/${encodeURIComponent(short)}`, { fields: 'hash' });
    return this.#api.get({ endpoint: 'commit', path, scope: 'repository' }, commitReply);
  }

  /**
   * The same for many at once: one list of what leads to them and not to a branch, instead of a call for each.
   * @returns names by their beginnings, as far as they were found
   */
  async findCommitNames(repository: string, shorts: string[], exclude: string | null): Promise<Map<string, string>> {
    const without = exclude === null ? {} : { exclude };
    const parameters = { include: shorts, ...without, pagelen: 100, fields: 'next,values.hash' };
    const path = withQuery(`${below(repository)}/commits`, parameters);
    const found = new Map<string, string>();
    let pages = 0;
    for await (const { items } of this.#api.pages({ endpoint: 'commit', path, scope: 'repository' }, commitReply)) {
      for (const full of items) for (const short of shorts) if (full.startsWith(short)) found.set(short, full);
      pages += 1;
      if (found.size === shorts.length || pages >= shorts.length / 2) break;
    }
    return found;
  }

  /** What a pull request changes, as Bitbucket shows it; empty when it changes nothing. */
  async getDiff(repository: string, number: number, form: 'diff' | 'patch'): Promise<string> {
    const path = `${below(repository)}/pullrequests/${number}/${form}`;
    return this.#api.getText({ endpoint: 'diff', path, scope: 'pullrequest' }, isDiff);
  }

  /** Members of a workspace; deleted ones are left out. */
  async *pagesOfMembers(workspace: string): AsyncGenerator<RemotePerson[]> {
    const parameters = { pagelen: 100, fields: pageFields(personFields('user')) };
    const path = withQuery(`/workspaces/${encodeURIComponent(workspace)}/members`, parameters);
    const pages = this.#api.pages({ endpoint: 'members', path, scope: 'account' }, memberReply);
    for await (const { items } of pages) yield items.filter((person) => person !== null);
  }

  /** One person by Atlassian's id or by a uuid in braces; null when the account is gone. */
  async findPerson(name: string): Promise<RemotePerson | null> {
    const path = `/users/${encodeURIComponent(name)}`;
    try {
      return await this.#api.get({ endpoint: 'members', path, scope: 'account' }, personReply);
    } catch (error) {
      if (error instanceof BitbucketFailure && error.remoteStatus === 404) return null;
      throw error;
    }
  }

  /** As Bitbucket has them. */
  async listSettings(repository: string, kind: SettingKind): Promise<Record<string, unknown>[]> {
    const { path: part, scope } = SETTINGS[kind];
    const path = withQuery(`${below(repository)}/${part}`, { pagelen: 100 });
    return (await this.#api.list({ endpoint: 'settings', path, scope }, settingReply)).items;
  }
}

const sizeReply = z.object({ size: z.int().nonnegative().optional().catch(undefined) });

/** @throws BitbucketFailure for what is no name of a repository */
/** A page of somebody in between, or half of some JSON, is none: kept, it would pass for what was changed. */
function isDiff(text: string): boolean {
  return !/^\s*[<{[]/.test(text);
}

function below(repository: string): string {
  const path = repositoryPath(repository);
  if (path === undefined)
    throw new BitbucketFailure('failed', 'repository', 'that is no name of a repository', { permanent: true });
  return path;
}

function pageFields(fields: string[]): string {
  return ['next', 'size', ...fields.map((field) => `values.${field}`)].join(',');
}

function withQuery(path: string, parameters: Record<string, string | number | readonly string[]>): string {
  const query = new URLSearchParams(
    Object.entries(parameters).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [String(value)]).map((each: string) => [name, each] as [string, string]),
    ),
  );
  return `${path}?${query.toString()}`;
}
