// What an import of a sandbox repository should have brought: the live objects in the words of our tables, so that a test
// can compare all of it. People are uuids, times are milliseconds, hashes are full.
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Comment, PullRequest, Task } from '../../src/sandbox/pull-requests.ts';
import type { Who } from '../../src/sandbox/repositories.ts';

/** Everything Bitbucket has of the repository, drafts of comments and participants without an account left out. */
export function truthOf(sandbox: Sandbox, fullName: string) {
  const { pullRequests } = sandbox.repository(fullName);
  const uuidOf = (who: Who): string | null =>
    [...sandbox.people, ...sandbox.contributors].find(({ key }) => key === who)?.uuid ?? null;
  return {
    pullRequests: pullRequests.map((pullRequest) => pullRequestRow(pullRequest, uuidOf)),
    pullRequestPeople: pullRequests.flatMap(({ id, participants }) =>
      participants
        .filter(({ who }) => uuidOf(who) !== null)
        .map(({ who, role, state, participatedOn }) => ({
          number: id,
          uuid: uuidOf(who),
          role: role.toLowerCase(),
          state,
          at: msOf(participatedOn),
        })),
    ),
    comments: pullRequests.flatMap(({ id, comments }) =>
      comments.filter(({ pending }) => !pending).map((comment) => ({ number: id, ...commentRow(comment, uuidOf) })),
    ),
    tasks: pullRequests.flatMap(({ id, tasks }) => tasks.map((task) => ({ number: id, ...taskRow(task, uuidOf) }))),
  };
}

type UuidOf = (who: Who) => string | null;

function pullRequestRow(pullRequest: PullRequest, uuidOf: UuidOf) {
  const { source, destination, state } = pullRequest;
  const closing = pullRequest.activity.find((each) => each.kind === 'update' && each.state === state);
  return {
    number: pullRequest.id,
    title: pullRequest.title,
    description: pullRequest.description,
    state: state.toLowerCase(),
    draft: pullRequest.draft,
    author: uuidOf(pullRequest.author),
    source_branch: source.branch,
    source_commit: source.commit,
    source_repository: source.repository,
    destination_branch: destination.branch,
    destination_commit: destination.commit,
    merge_commit: pullRequest.mergeCommit,
    closed_by: uuidOf(pullRequest.closedBy),
    closed_at: state === 'OPEN' ? null : msOf(closing?.at ?? null),
    reason: pullRequest.reason,
    created_at: msOf(pullRequest.createdOn),
    updated_at: msOf(pullRequest.updatedOn),
  };
}

function commentRow(comment: Comment, uuidOf: UuidOf) {
  const { inline, resolution } = comment;
  const resolver = resolution && 'by' in resolution ? resolution : undefined;
  return {
    id: comment.id,
    parent_id: comment.parent,
    author: uuidOf(comment.author),
    body: comment.deleted ? '' : comment.raw,
    created_at: msOf(comment.createdOn),
    updated_at: msOf(comment.updatedOn),
    deleted: comment.deleted,
    inline: inline && {
      path: inline.path,
      from: inline.from,
      to: inline.to,
      start_from: inline.startFrom,
      start_to: inline.startTo,
      outdated: inline.outdated,
    },
    resolved: resolution !== null,
    resolved_by: resolver ? uuidOf(resolver.by) : null,
    resolved_at: resolver ? msOf(String(resolver.at)) : null,
  };
}

function taskRow(task: Task, uuidOf: UuidOf) {
  return {
    id: task.id,
    body: task.raw,
    state: task.state === 'RESOLVED' ? 'resolved' : 'open',
    author: uuidOf(task.creator),
    created_at: msOf(task.createdOn),
    resolved_at: msOf(task.resolvedOn),
    resolved_by: uuidOf(task.resolvedBy),
    comment_id: task.comment,
  };
}

function msOf(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}
