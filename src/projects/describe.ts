// What was imported as data of the API: INTERFACE section 5. Names follow Bitbucket's words, times are ISO 8601 in UTC.
import type { Activity, Comment, Project, PullRequest, PullRequestPerson, Task } from '../db/project-tables.ts';
import { UNTOLD_TIME } from '../db/project-tables.ts';
import type { Site } from '../web/site.ts';
import { inlineOf } from './conversation.ts';
import type { KnownPerson, PeopleByUuid } from './people.ts';
import { personOf } from './people.ts';
import type { CountedPullRequest } from './pull-requests.ts';
import type { Counts } from './store.ts';

/** Path of a project's pages, below the server's own address. */
export function pathOfProject({ namespace, name }: Pick<Project, 'namespace' | 'name'>): string {
  return `/projects/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

/** What to clone: an address that is no page's. */
export function cloneAddress({ origin, base }: Site, project: Pick<Project, 'namespace' | 'name'>): string {
  return `${origin}${base}${pathOfProject(project)}.git`;
}

export function describeProject(project: Project, counts: Counts, site: Site) {
  const { id, namespace, name, title, description } = project;
  return {
    id,
    path_with_namespace: `${namespace}/${name}`,
    name: title,
    description,
    private: project.private === 1,
    default_branch: project.default_branch,
    created_at: isoTime(project.created_at),
    source: { url: project.source_url, uuid: project.source_uuid, full_name: project.source_full_name },
    forked_from: project.forked_from,
    web_url: `${site.origin}${site.base}${pathOfProject(project)}`,
    http_url_to_repo: cloneAddress(site, project),
    counts: { branches: project.branches, tags: project.tags, commits: project.commits, ...counts },
  };
}

export function describePullRequest(row: CountedPullRequest, involved: PullRequestPerson[], people: PeopleByUuid) {
  return {
    number: row.number,
    title: row.title,
    description: row.description,
    state: row.state,
    draft: row.draft === 1,
    author: describePerson(personOf(people, row.author)),
    source: { branch: row.source_branch, commit: row.source_commit, repository: row.source_repository },
    destination: { branch: row.destination_branch, commit: row.destination_commit },
    merge_commit: row.merge_commit,
    closed_by: describePerson(personOf(people, row.closed_by)),
    closed_at: isoTimeOrNull(row.closed_at),
    reason: row.reason,
    created_at: toldTime(row.created_at),
    updated_at: toldTime(row.updated_at),
    reviewers: involved
      .filter(({ role }) => role === 'reviewer')
      .map(({ uuid }) => describePerson(personOf(people, uuid))),
    participants: involved.map(({ uuid, role, state, at }) => ({
      person: describePerson(personOf(people, uuid)),
      role,
      state,
      at: isoTimeOrNull(at),
    })),
    commits: row.commits,
    comment_count: row.comment_count,
    task_count: row.task_count,
    source_url: row.source_url,
  };
}

/** Whose names `describePullRequest` needs. */
export function uuidsOf(row: PullRequest, involved: PullRequestPerson[]): (string | null)[] {
  return [row.author, row.closed_by, ...involved.map(({ uuid }) => uuid)];
}

/** `deleted`: at Bitbucket, before it was imported or since; what had been said until then is here. */
export function describeComment(row: Comment, people: PeopleByUuid) {
  return {
    id: row.id,
    parent_id: row.parent_id,
    author: describePerson(personOf(people, row.author)),
    body: row.body,
    created_at: toldTime(row.created_at),
    updated_at: isoTimeOrNull(row.updated_at),
    deleted: row.deleted === 1 || row.source_gone_at !== null,
    inline: inlineOf(row),
    resolved:
      row.resolved === 1
        ? { by: describePerson(personOf(people, row.resolved_by)), at: isoTimeOrNull(row.resolved_at) }
        : null,
  };
}

export function describeTask(row: Task, people: PeopleByUuid) {
  return {
    id: row.id,
    body: row.body,
    state: row.state,
    author: describePerson(personOf(people, row.author)),
    created_at: toldTime(row.created_at),
    resolved_at: isoTimeOrNull(row.resolved_at),
    resolved_by: describePerson(personOf(people, row.resolved_by)),
    comment_id: row.comment_id,
  };
}

/** `changes`: what an update has set, as far as it was kept. */
export function describeActivity(row: Activity, people: PeopleByUuid) {
  return {
    kind: row.kind,
    person: describePerson(personOf(people, row.author)),
    at: toldTime(row.at),
    changes: JSON.parse(row.data) as Record<string, unknown>,
  };
}

export function describePerson(person: KnownPerson | null) {
  if (person === null) return null;
  const { uuid, account_id, display_name, nickname, user_id } = person;
  return { uuid, account_id, display_name, nickname, user_id };
}

/** Milliseconds of ECMAScript's largest date; of a wild one from outside the nearest is shown. */
const MAX_TIME = 8.64e15;

function isoTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, -MAX_TIME), MAX_TIME)).toISOString();
}

/** Of what came from Bitbucket, which may not tell. */
function toldTime(ms: number): string | null {
  return ms === UNTOLD_TIME ? null : isoTime(ms);
}

function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
