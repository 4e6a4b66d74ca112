// Pull requests, their participants and their tasks in the shapes API 2.0 sends them.
import {
  accountObject,
  commitInShort,
  formatTime,
  link,
  renderedObject,
  repositoryInShort,
} from './content-objects.ts';
import type { Participant, PullRequest, PullRequestEnd, Task } from './pull-requests.ts';
import type { Realm, Urls } from './realm.ts';
import type { Json } from './repository-parts.ts';
import { fullNameOf, type Repository } from './repositories.ts';

/** What a list of pull requests tells only to those who ask for it. */
export const HIDDEN_IN_LISTS = ['values.reviewers', 'values.participants', 'values.rendered'];

/** All of a pull request. @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/ */
export function pullRequestObject(realm: Realm, repository: Repository, pullRequest: PullRequest): Json {
  const { title, description, reason } = pullRequest;
  const rendered = (text: string) => renderedObject(text, repository);
  return {
    ...pullRequestInShort(repository, pullRequest, realm.urls),
    comment_count: pullRequest.comments.filter(({ deleted, pending }) => !deleted && !pending).length,
    task_count: pullRequest.tasks.filter(({ state }) => state === 'UNRESOLVED' || realm.switches.taskCount === 'all')
      .length,
    description,
    state: pullRequest.state,
    merge_commit: commitOrNull(repository, pullRequest.mergeCommit, realm.urls),
    close_source_branch: pullRequest.closeSourceBranch,
    closed_by: accountObject(realm, pullRequest.closedBy),
    author: accountObject(realm, pullRequest.author),
    reason,
    created_on: formatTime(pullRequest.createdOn),
    updated_on: formatTime(pullRequest.updatedOn),
    destination: endObject(realm, repository, pullRequest.destination),
    source: sourceObject(realm, repository, pullRequest.source),
    links: pullRequestLinks(repository, pullRequest, realm.urls),
    summary: rendered(description),
    rendered: { title: rendered(title), description: rendered(description), reason: rendered(reason) },
    reviewers: pullRequest.reviewers.map((who) => accountObject(realm, who)),
    participants: pullRequest.participants.map((participant) => participantObject(realm, participant)),
  };
}

/** As it is told inside comments and activity. */
export function pullRequestInShort(repository: Repository, pullRequest: PullRequest, urls: Urls): Json {
  const { id, title, draft } = pullRequest;
  const name = fullNameOf(repository);
  return {
    type: 'pullrequest',
    id,
    title,
    draft,
    links: {
      self: link(`${urls.api}/repositories/${name}/pullrequests/${id}`),
      html: link(`${urls.web}${name}/pull-requests/${id}`),
    },
    queued: false,
  };
}

/** One side: branch, commit and repository, each of which may be gone. */
export function endObject(realm: Realm, repository: Repository, end: PullRequestEnd): Json {
  return {
    branch: { name: end.branch },
    commit: commitOrNull(repository, end.commit, realm.urls),
    repository: end.repository === null ? null : repositoryInShort(realm, end.repository),
  };
}

/** Of the source, a pull request tells links of the branch as well; there are none. */
function sourceObject(realm: Realm, repository: Repository, end: PullRequestEnd): Json {
  return { ...endObject(realm, repository, end), branch: { name: end.branch, links: {} } };
}

/** `workspace/repo:source\rdestination`, the way addresses of diffs name both sides; hashes in 12 characters. */
export function diffSpecOf(repository: Repository, { source, destination }: PullRequest): string {
  const from = source.repository ?? fullNameOf(repository);
  return `${from}:${short(source.commit)}%0D${short(destination.commit)}`;
}

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/#api-repositories-workspace-repo-slug-pullrequests-pull-request-id-tasks-get */
export function taskObject(realm: Realm, repository: Repository, pullRequest: PullRequest, task: Task): Json {
  const name = fullNameOf(repository);
  const self = `${realm.urls.api}/repositories/${name}/pullrequests/${pullRequest.id}`;
  return {
    id: task.id,
    content: renderedObject(task.raw, repository),
    creator: accountObject(realm, task.creator),
    state: task.state,
    created_on: formatTime(task.createdOn),
    updated_on: formatTime(task.updatedOn),
    resolved_on: task.resolvedOn === null ? null : formatTime(task.resolvedOn),
    resolved_by: accountObject(realm, task.resolvedBy),
    pending: false,
    ...(task.comment === null
      ? {}
      : { comment: { id: task.comment, links: { self: link(`${self}/comments/${task.comment}`) } } }),
    links: {
      self: link(`${self}/tasks/${task.id}`),
      html: link(`${realm.urls.web}${name}/pull-requests/${pullRequest.id}/_/diff#task-${task.id}`),
    },
  };
}

function participantObject(realm: Realm, participant: Participant): Json {
  return {
    type: 'participant',
    user: accountObject(realm, participant.who),
    role: participant.role,
    approved: participant.state === 'approved',
    state: participant.state,
    participated_on: participant.participatedOn === null ? null : formatTime(participant.participatedOn),
  };
}

function pullRequestLinks(repository: Repository, pullRequest: PullRequest, urls: Urls): Json {
  const name = fullNameOf(repository);
  const api = `${urls.api}/repositories/${name}`;
  const self = `${api}/pullrequests/${pullRequest.id}`;
  const spec = `${diffSpecOf(repository, pullRequest)}?from_pullrequest_id=${pullRequest.id}&topic=true`;
  return {
    self: link(self),
    html: link(`${urls.web}${name}/pull-requests/${pullRequest.id}`),
    commits: link(`${self}/commits`),
    approve: link(`${self}/approve`),
    'request-changes': link(`${self}/request-changes`),
    diff: link(`${api}/diff/${spec}`),
    diffstat: link(`${api}/diffstat/${spec}`),
    comments: link(`${self}/comments`),
    activity: link(`${self}/activity`),
    merge: link(`${self}/merge`),
    decline: link(`${self}/decline`),
    statuses: link(`${self}/statuses`),
    mergeability_checks: link(`${self}/mergeability/checks`),
  };
}

function commitOrNull(repository: Repository, hash: string | null, urls: Urls): Json | null {
  return hash === null ? null : commitInShort(repository, hash, urls);
}

function short(hash: string | null): string {
  return hash === null ? '' : hash.slice(0, 12);
}
