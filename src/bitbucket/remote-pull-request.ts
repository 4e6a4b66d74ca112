// A pull request of Bitbucket as lists give it, and what of it is asked for.
import { z } from 'zod';
import { cleanUrl } from './clean.ts';
import type { RemotePerson } from './remote-person.ts';
import {
  countReply,
  flagReply,
  idReply,
  personFields,
  personReply,
  textOrNull,
  textReply,
  timeReply,
} from './remote-person.ts';

export type RemoteState = 'open' | 'merged' | 'declined' | 'superseded';

/** One end of a pull request. */
export interface RemoteEnd {
  branch: string | null;
  /** Usually the first 12 characters. */
  commit: string | null;
  /** `workspace/slug`; null = deleted. */
  repository: string | null;
}

export interface RemoteParticipant {
  person: RemotePerson | null;
  role: 'reviewer' | 'participant';
  state: 'approved' | 'changes_requested' | null;
  at: number | null;
}

export interface RemotePullRequest {
  number: number;
  title: string;
  description: string;
  state: RemoteState;
  draft: boolean;
  author: RemotePerson | null;
  source: RemoteEnd;
  destination: RemoteEnd;
  mergeCommit: string | null;
  closedBy: RemotePerson | null;
  reason: string;
  createdAt: number | null;
  updatedAt: number | null;
  /**
   * Reviewers, also those who did nothing yet, and everybody else who took part. Undefined = this answer does not tell,
   * which is something else than nobody: lists need not, only what is told of one pull request does for sure.
   */
  participants: RemoteParticipant[] | undefined;
  /** null = not told. */
  commentCount: number | null;
  taskCount: number | null;
  /** Its page. */
  url: string | null;
}

const anything = z.unknown().optional();

/** A word that is not known is an open one: it is shown, and nothing is said about its end that nobody knows. */
const STATES: Record<string, RemoteState> = { MERGED: 'merged', DECLINED: 'declined', SUPERSEDED: 'superseded' };

/** A state in Bitbucket's words, as ours. */
export function stateOf(word: unknown): RemoteState {
  return (typeof word === 'string' && STATES[word]) || 'open';
}

/** What git takes for (the beginning of) a commit's name; null for anything else. */
export const hashReply = z
  .object({ hash: z.string().regex(/^[0-9a-f]{7,40}$/) })
  .transform(({ hash }) => hash)
  .nullable()
  .catch(null);

/** One end. Any part of it may be missing: fork deleted, branch deleted. */
export const endReply = z
  .object({
    branch: z.object({ name: textOrNull }).nullish().catch(null),
    commit: hashReply.optional(),
    repository: z.object({ full_name: textOrNull }).nullish().catch(null),
  })
  .transform(({ branch, commit, repository }): RemoteEnd => ({
    branch: branch?.name ?? null,
    commit: commit ?? null,
    repository: repository?.full_name ?? null,
  }))
  .catch({ branch: null, commit: null, repository: null });

const participantReply = z
  .object({
    user: personReply.optional(),
    role: anything,
    approved: anything,
    state: anything,
    participated_on: timeReply,
  })
  .transform((reply): RemoteParticipant => ({
    person: reply.user ?? null,
    role: reply.role === 'REVIEWER' ? 'reviewer' : 'participant',
    state: opinionOf(reply),
    at: reply.participated_on,
  }));

function opinionOf({ approved, state }: { approved?: unknown; state?: unknown }): RemoteParticipant['state'] {
  if (state === 'approved' || approved === true) return 'approved';
  return state === 'changes_requested' ? 'changes_requested' : null;
}

/** Leaves out what is not readable: one odd entry is no reason to lose the others. Undefined = there is no list. */
function listOf<T>(entry: z.ZodType<T>) {
  return z
    .array(z.unknown())
    .optional()
    .catch(undefined)
    .transform((values) => values?.flatMap((value) => entry.safeParse(value).data ?? []));
}

/** An entry of `GET …/pullrequests`, or one pull request by itself. @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/ */
export const pullRequestReply = z
  .object({
    id: idReply,
    title: textReply,
    description: textReply,
    state: anything,
    draft: flagReply,
    author: personReply.optional(),
    source: endReply,
    destination: endReply,
    merge_commit: hashReply.optional(),
    closed_by: personReply.optional(),
    reason: textReply,
    created_on: timeReply,
    updated_on: timeReply,
    reviewers: listOf(personReply),
    participants: listOf(participantReply),
    comment_count: countReply,
    task_count: countReply,
    links: z
      .object({ html: z.object({ href: anything }) })
      .optional()
      .catch(undefined),
  })
  .transform((reply): RemotePullRequest => ({
    number: reply.id,
    title: reply.title,
    description: reply.description,
    state: stateOf(reply.state),
    draft: reply.draft || reply.state === 'DRAFT',
    author: reply.author ?? null,
    source: reply.source,
    destination: reply.destination,
    mergeCommit: reply.merge_commit ?? null,
    closedBy: reply.closed_by ?? null,
    reason: reply.reason,
    createdAt: reply.created_on,
    updatedAt: reply.updated_on,
    participants: withReviewers(reply.participants, reply.reviewers),
    commentCount: reply.comment_count,
    taskCount: reply.task_count,
    url: cleanUrl(reply.links?.html.href) ?? null,
  }));

/** Reviewers stand in both lists, as a rule. Who stands only among the reviewers did nothing yet. */
function withReviewers(
  participants: RemoteParticipant[] | undefined,
  reviewers: (RemotePerson | null)[] | undefined,
): RemoteParticipant[] | undefined {
  if (participants === undefined || reviewers === undefined) return undefined;
  const known = new Set(participants.map(({ person }) => person?.uuid));
  const silent = reviewers.filter((person) => person !== null && !known.has(person.uuid));
  return [...participants, ...silent.map((person) => ({ person, role: 'reviewer', state: null, at: null }) as const)];
}

const END = ['branch.name', 'commit.hash', 'repository.full_name'];

/** `fields=` of a list of pull requests: what is read and nothing else. Reviewers come only when asked for. */
export const PULL_REQUEST_FIELDS = [
  ...['id', 'title', 'description', 'state', 'draft', 'reason', 'created_on', 'updated_on', 'comment_count'],
  ...['task_count', 'links.html.href', 'merge_commit.hash'],
  ...personFields('author'),
  ...personFields('closed_by'),
  ...END.flatMap((field) => [`source.${field}`, `destination.${field}`]),
  ...personFields('reviewers'),
  ...personFields('participants.user'),
  ...['role', 'approved', 'state', 'participated_on'].map((field) => `participants.${field}`),
];
