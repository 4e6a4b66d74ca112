// Comments and activity of pull requests in the shapes API 2.0 sends them.
import {
  accountObject,
  commitInShort,
  formatTime,
  link,
  renderedObject,
  repositoryInShort,
} from './content-objects.ts';
import { endObject, pullRequestInShort } from './pull-request-objects.ts';
import type { Activity, Comment, Inline, PullRequest } from './pull-requests.ts';
import type { Realm } from './realm.ts';
import type { CommitComment, Repository } from './repositories.ts';
import type { Json } from './repository-parts.ts';
import { fullNameOf } from './repositories.ts';

/** What a list of comments tells only to those who ask for it. */
export const HIDDEN_IN_COMMENTS = ['outdated', 'context_lines', 'src_rev', 'dest_rev'].map(
  (key) => `values.inline.${key}`,
);

/** A comment with all there is to know about its place. @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/#api-repositories-workspace-repo-slug-pullrequests-pull-request-id-comments-get */
export function commentObject(realm: Realm, repository: Repository, pullRequest: PullRequest, comment: Comment): Json {
  const self = `${realm.urls.api}/repositories/${fullNameOf(repository)}/pullrequests/${pullRequest.id}/comments/`;
  const { inline, parent } = comment;
  return {
    id: comment.id,
    created_on: formatTime(comment.createdOn),
    updated_on: formatTime(comment.updatedOn),
    content: renderedObject(comment.deleted ? '' : comment.raw, repository),
    user: accountObject(realm, comment.author),
    deleted: comment.deleted,
    ...(parent === null ? {} : { parent: { id: parent, links: { self: link(`${self}${parent}`) } } }),
    ...(inline ? { inline: inlineObject(inline) } : {}),
    ...resolutionOf(realm, comment),
    pending: comment.pending,
    type: 'pullrequest_comment',
    links: commentLinks(realm, repository, pullRequest, comment),
    pullrequest: pullRequestInShort(repository, pullRequest, realm.urls),
  };
}

/** A comment as activity tells it: whether it is resolved is not said there. */
export function commentActivityObject(
  realm: Realm,
  repository: Repository,
  pullRequest: PullRequest,
  comment: Comment,
): Json {
  const whole = commentObject(realm, repository, pullRequest, { ...comment, resolution: null });
  const inline = comment.inline;
  const place = inline && {
    path: inline.path,
    from: inline.from,
    to: inline.to,
    outdated: inline.outdated,
    context_lines: '',
  };
  return {
    comment: { ...whole, ...(place ? { inline: place } : {}) },
    pull_request: pullRequestInShort(repository, pullRequest, realm.urls),
  };
}

/** Anything else that happened. */
export function activityObject(
  realm: Realm,
  repository: Repository,
  pullRequest: PullRequest,
  activity: Activity,
): Json {
  const short = pullRequestInShort(repository, pullRequest, realm.urls);
  if (activity.kind === 'unknown') return { pull_request: short, ...activity.value };
  if (activity.kind !== 'update') {
    const told = { date: formatTime(activity.at), user: accountObject(realm, activity.by), pullrequest: short };
    return { pull_request: short, [activity.kind]: told };
  }
  const source = { ...pullRequest.source, commit: activity.sourceCommit };
  return {
    pull_request: short,
    update: {
      state: activity.state,
      draft: pullRequest.draft,
      title: pullRequest.title,
      description: pullRequest.description,
      reviewers: pullRequest.reviewers.map((who) => accountObject(realm, who)),
      changes: activity.changes ?? {},
      reason: activity.reason ?? '',
      author: accountObject(realm, activity.by),
      date: formatTime(activity.at),
      destination: endObject(realm, repository, pullRequest.destination),
      source: endObject(realm, repository, source),
    },
  };
}

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/#api-repositories-workspace-repo-slug-commit-commit-comments-get */
export function commitCommentObject(realm: Realm, repository: Repository, comment: CommitComment): Json {
  const self = `${realm.urls.api}/repositories/${fullNameOf(repository)}/commit/${comment.commit}/comments/${comment.id}`;
  return {
    id: comment.id,
    created_on: formatTime(comment.createdOn),
    updated_on: formatTime(comment.createdOn),
    content: renderedObject(comment.raw, repository),
    user: accountObject(realm, comment.author),
    deleted: false,
    type: 'commit_comment',
    commit: commitInShort(repository, comment.commit, realm.urls, 40),
    repository: repositoryInShort(realm, fullNameOf(repository)),
    links: { self: link(self) },
  };
}

function inlineObject(inline: Inline): Json {
  return {
    from: inline.from,
    to: inline.to,
    path: inline.path,
    start_from: inline.startFrom,
    start_to: inline.startTo,
    outdated: inline.outdated,
    context_lines: '',
    src_rev: inline.sourceCommit?.slice(0, 12) ?? null,
    dest_rev: inline.destinationCommit?.slice(0, 12) ?? null,
  };
}

/** The key is there when the thread is resolved, even if it says nothing. */
function resolutionOf(realm: Realm, { resolution }: Comment): Json {
  if (resolution === null) return {};
  if (!('by' in resolution)) return { resolution: {} };
  const told = { type: 'comment_resolution', user: accountObject(realm, resolution.by) };
  return { resolution: { ...told, created_on: formatTime(String(resolution.at)) } };
}

function commentLinks(realm: Realm, repository: Repository, pullRequest: PullRequest, comment: Comment): Json {
  const name = fullNameOf(repository);
  const api = `${realm.urls.api}/repositories/${name}`;
  const { inline } = comment;
  const hasSpec = inline?.sourceCommit && inline.destinationCommit;
  const spec = hasSpec ? `${inline.sourceCommit!.slice(0, 12)}..${inline.destinationCommit!.slice(0, 12)}` : undefined;
  return {
    self: link(`${api}/pullrequests/${pullRequest.id}/comments/${comment.id}`),
    html: link(`${realm.urls.web}${name}/pull-requests/${pullRequest.id}/_/diff#comment-${comment.id}`),
    ...(inline && spec ? { code: link(`${api}/diff/${name}:${spec}?path=${encodeURIComponent(inline.path)}`) } : {}),
  };
}
