// From what Bitbucket tells to rows of our tables.
import { createHash } from 'node:crypto';
import type {
  RemoteComment,
  RemoteEvent,
  RemoteOpinion,
  RemoteTask,
  RemoteUpdate,
} from '../bitbucket/remote-conversation.ts';
import type { RemotePerson } from '../bitbucket/remote-person.ts';
import type { RemotePullRequest } from '../bitbucket/remote-pull-request.ts';
import { UNTOLD_TIME } from '../db/project-tables.ts';
import { cleanJson } from '../projects/clean-text.ts';
import type { NewPerson, NewRow } from '../projects/records.ts';

/** People who are named somewhere, each once; deleted accounts left out. */
export function peopleRows(people: Iterable<RemotePerson | null>): NewPerson[] {
  const rows = new Map<string, NewPerson>();
  for (const person of people) {
    if (!person) continue;
    const { uuid, type } = person;
    const names = { display_name: person.displayName, nickname: person.nickname };
    rows.set(uuid, { uuid, account_id: person.accountId, ...names, avatar_url: person.avatarUrl, type });
  }
  return [...rows.values()];
}

export function peopleOfPullRequest({ author, closedBy, participants }: RemotePullRequest): (RemotePerson | null)[] {
  return [author, closedBy, ...(participants ?? []).map(({ person }) => person)];
}

/** Without what the clone tells of its commits. */
export function pullRequestRow(remote: RemotePullRequest): NewRow<'pull_requests'> {
  const created = remote.createdAt ?? remote.updatedAt ?? UNTOLD_TIME;
  return {
    number: remote.number,
    title: remote.title,
    description: remote.description,
    state: remote.state,
    draft: remote.draft ? 1 : 0,
    author: remote.author?.uuid ?? null,
    source_branch: remote.source.branch,
    source_commit: remote.source.commit,
    source_repository: remote.source.repository,
    destination_branch: remote.destination.branch,
    destination_commit: remote.destination.commit,
    merge_commit: remote.mergeCommit,
    closed_by: remote.closedBy?.uuid ?? null,
    reason: remote.reason,
    created_at: created,
    updated_at: remote.updatedAt ?? created,
    comment_count: remote.commentCount,
    task_count: remote.taskCount,
    source_url: remote.url ?? '',
  };
}

/**
 * Who took part. A deleted account is nobody in particular, but what it said counts: a name that is no uuid, and that
 * nobody in `people` has, stands for each of them.
 */
export function pullRequestPeopleRows({ number, participants }: RemotePullRequest): NewRow<'pull_request_people'>[] {
  return (participants ?? []).map(({ person, role, state, at }, index) => ({
    number,
    uuid: person?.uuid ?? `former ${index + 1}`,
    role,
    state,
    at,
  }));
}

export function commentRow(number: number, remote: RemoteComment): NewRow<'comments'> {
  const { inline, resolution } = remote;
  return {
    id: remote.id,
    number,
    parent_id: remote.parentId,
    author: remote.author?.uuid ?? null,
    body: remote.body,
    created_at: remote.createdAt ?? remote.updatedAt ?? UNTOLD_TIME,
    updated_at: remote.updatedAt,
    deleted: remote.deleted ? 1 : 0,
    inline: inline && cleanJson(inlineOf(inline)),
    ...resolutionColumns(resolution),
  };
}

function resolutionColumns(resolution: RemoteComment['resolution']) {
  if (!resolution) return { resolved: 0, resolved_by: null, resolved_at: null };
  return { resolved: 1, resolved_by: resolution.by?.uuid ?? null, resolved_at: resolution.at };
}

function inlineOf({ path, from, to, startFrom, startTo, outdated }: NonNullable<RemoteComment['inline']>) {
  return { path, from, to, start_from: startFrom, start_to: startTo, outdated };
}

export function taskRow(number: number, remote: RemoteTask): NewRow<'tasks'> {
  return {
    id: remote.id,
    number,
    body: remote.body,
    state: remote.resolved ? 'resolved' : 'open',
    author: remote.author?.uuid ?? null,
    created_at: remote.createdAt ?? remote.updatedAt ?? remote.resolvedAt ?? UNTOLD_TIME,
    resolved_at: remote.resolvedAt,
    resolved_by: remote.resolvedBy?.uuid ?? null,
    comment_id: remote.commentId,
  };
}

export function activityRow(event: RemoteUpdate | RemoteOpinion): NewRow<'activity'> {
  const { kind, number } = event;
  const at = event.at ?? UNTOLD_TIME;
  const author = event.author?.uuid ?? null;
  const data = event.kind === 'update' ? cleanJson(updateData(event)) : '{}';
  // Two pushes within a millisecond are two events; the same one, read again, is one.
  const key = `${kind} ${at} ${author ?? 'former'} ${createHash('sha256').update(data).digest('hex').slice(0, 8)}`;
  return { number, key, kind, author, at, data };
}

/** What is worth keeping of an update, as JSON. */
export interface UpdateData {
  state: string;
  title: string;
  draft: boolean;
  reason: string;
  source_commit: string | null;
  destination_commit: string | null;
  destination_branch: string | null;
  /** Uuids; null = a former user. */
  reviewers: (string | null)[];
}

function updateData({ state, title, draft, reason, source, destination, reviewers }: RemoteUpdate): UpdateData {
  return {
    state,
    title,
    draft,
    reason,
    source_commit: source.commit,
    destination_commit: destination.commit,
    destination_branch: destination.branch,
    reviewers: reviewers.map((person) => person?.uuid ?? null),
  };
}

export function peopleOfEvent(event: RemoteEvent): (RemotePerson | null)[] {
  if (event.kind === 'comment') return peopleOfComment(event.comment);
  return event.kind === 'update' ? [event.author, ...event.reviewers] : [event.author];
}

export function peopleOfComment({ author, resolution }: RemoteComment): (RemotePerson | null)[] {
  return [author, resolution?.by ?? null];
}
