// What is said and done about a pull request: comments, tasks, activity.
import { z } from 'zod';
import { cleanUrl } from './clean.ts';
import type { RemotePerson } from './remote-person.ts';
import { flagReply, idReply, personFields, personReply, rawText, textReply, timeReply } from './remote-person.ts';
import type { RemoteEnd, RemoteState } from './remote-pull-request.ts';
import { endReply, stateOf } from './remote-pull-request.ts';

const anything = z.unknown().optional();

/** Lines of a file that a comment is about: `to` in the new one, `from` in the old one; both null = the whole file. */
export interface RemoteInline {
  path: string;
  from: number | null;
  to: number | null;
  startFrom: number | null;
  startTo: number | null;
  outdated: boolean;
}

export interface RemoteComment {
  id: number;
  parentId: number | null;
  author: RemotePerson | null;
  body: string;
  createdAt: number | null;
  /** null = never edited. */
  updatedAt: number | null;
  deleted: boolean;
  /** Part of a review that was not sent: its author alone sees it. */
  pending: boolean;
  inline: RemoteInline | null;
  resolution: { by: RemotePerson | null; at: number | null } | null;
  url: string | null;
}

const line = z.int().positive().nullable().catch(null).optional();

/** Old recordings have an empty one: that is a comment on no file. */
const inlineReply = z
  .object({ path: z.string().min(1), from: line, to: line, start_from: line, start_to: line, outdated: flagReply })
  .transform((reply): RemoteInline => ({
    path: reply.path,
    from: reply.from ?? null,
    to: reply.to ?? null,
    startFrom: reply.start_from ?? null,
    startTo: reply.start_to ?? null,
    outdated: reply.outdated,
  }))
  .nullable()
  .catch(null);

/** Being there means resolved, even when it is `{}`. */
const resolutionReply = z
  .object({ user: personReply.optional(), created_on: timeReply })
  .transform(({ user, created_on }) => ({ by: user ?? null, at: created_on }))
  .nullable()
  .catch(null);

const html = z
  .object({ html: z.object({ href: anything }) })
  .optional()
  .catch(undefined);

/** An entry of `GET …/pullrequests/{id}/comments`. */
export const commentReply = z
  .object({
    id: idReply,
    parent: z.object({ id: idReply }).nullish().catch(null),
    user: personReply.optional(),
    content: rawText,
    created_on: timeReply,
    updated_on: timeReply,
    deleted: flagReply,
    pending: flagReply,
    inline: inlineReply.optional(),
    resolution: resolutionReply.optional(),
    links: html,
  })
  .transform((reply): RemoteComment => ({
    id: reply.id,
    parentId: reply.parent?.id ?? null,
    author: reply.user ?? null,
    body: reply.content,
    createdAt: reply.created_on,
    updatedAt: reply.updated_on,
    deleted: reply.deleted,
    pending: reply.pending,
    inline: reply.inline ?? null,
    resolution: reply.resolution ?? null,
    url: cleanUrl(reply.links?.html.href) ?? null,
  }));

/** `inline.*`: whether it is outdated comes only when asked for. */
export const COMMENT_FIELDS = [
  ...['id', 'parent.id', 'content.raw', 'created_on', 'updated_on', 'deleted', 'pending', 'inline.*'],
  ...personFields('user'),
  ...['resolution', 'resolution.created_on', ...personFields('resolution.user'), 'links.html.href'],
];

export interface RemoteTask {
  id: number;
  body: string;
  resolved: boolean;
  author: RemotePerson | null;
  createdAt: number | null;
  updatedAt: number | null;
  resolvedAt: number | null;
  resolvedBy: RemotePerson | null;
  commentId: number | null;
  pending: boolean;
}

/** An entry of `GET …/pullrequests/{id}/tasks`. */
export const taskReply = z
  .object({
    id: idReply,
    content: rawText,
    state: anything,
    creator: personReply.optional(),
    created_on: timeReply,
    updated_on: timeReply,
    resolved_on: timeReply,
    resolved_by: personReply.optional(),
    comment: z.object({ id: idReply }).nullish().catch(null),
    pending: flagReply,
  })
  .transform((reply): RemoteTask => ({
    id: reply.id,
    body: reply.content,
    resolved: reply.state === 'RESOLVED',
    author: reply.creator ?? null,
    createdAt: reply.created_on,
    updatedAt: reply.updated_on,
    resolvedAt: reply.resolved_on,
    resolvedBy: reply.resolved_by ?? null,
    commentId: reply.comment?.id ?? null,
    pending: reply.pending,
  }));

export const TASK_FIELDS = [
  ...['id', 'content.raw', 'state', 'created_on', 'updated_on', 'resolved_on', 'comment.id', 'pending'],
  ...personFields('creator'),
  ...personFields('resolved_by'),
];

/** A push, a new title, other reviewers, the end of it. */
export interface RemoteUpdate {
  kind: 'update';
  number: number;
  author: RemotePerson | null;
  at: number | null;
  state: RemoteState;
  title: string;
  draft: boolean;
  reason: string;
  source: RemoteEnd;
  destination: RemoteEnd;
  reviewers: (RemotePerson | null)[];
}

export interface RemoteOpinion {
  kind: 'approval' | 'changes_requested';
  number: number;
  author: RemotePerson | null;
  at: number | null;
}

export type RemoteEvent = RemoteUpdate | RemoteOpinion | { kind: 'comment'; number: number; comment: RemoteComment };

const opinionReply = z.object({ user: personReply.optional(), date: timeReply });

const updateReply = z.object({
  author: personReply.optional(),
  date: timeReply,
  state: anything,
  title: textReply,
  draft: flagReply,
  reason: textReply,
  source: endReply,
  destination: endReply,
  reviewers: z.array(personReply).catch([]),
});

const KINDS = ['update', 'approval', 'changes_requested', 'comment'] as const;

const eventReply = z
  .object({
    pull_request: z.object({ id: idReply }),
    update: updateReply.nullish(),
    approval: opinionReply.nullish(),
    changes_requested: opinionReply.nullish(),
    comment: commentReply.nullish(),
  })
  .transform((reply): RemoteEvent | null => {
    const number = reply.pull_request.id;
    const { update, approval, changes_requested: changes, comment } = reply;
    if (update) {
      const { author, date, state, title, draft, reason, source, destination, reviewers } = update;
      const what = { state: stateOf(state), title, draft, reason, source, destination, reviewers };
      return { kind: 'update', number, author: author ?? null, at: date, ...what };
    }
    if (approval) return { kind: 'approval', number, author: approval.user ?? null, at: approval.date };
    if (changes) return { kind: 'changes_requested', number, author: changes.user ?? null, at: changes.date };
    return comment ? { kind: 'comment', number, comment } : null;
  });

/** An entry of `GET …/pullrequests/activity`. null = of a kind that nobody knows, or of none: Bitbucket has such. */
export const activityReply = z
  .record(z.string(), z.unknown())
  .transform((entry) => (KINDS.some((kind) => entry[kind] != null) ? entry : null))
  .pipe(eventReply.nullable());

const END = ['branch.name', 'commit.hash', 'repository.full_name'];

export const ACTIVITY_FIELDS = [
  'pull_request.id',
  ...['date', 'state', 'title', 'draft', 'reason'].map((field) => `update.${field}`),
  ...personFields('update.author'),
  ...personFields('update.reviewers'),
  ...END.flatMap((field) => [`update.source.${field}`, `update.destination.${field}`]),
  ...['approval', 'changes_requested'].flatMap((kind) => [`${kind}.date`, ...personFields(`${kind}.user`)]),
  ...COMMENT_FIELDS.map((field) => `comment.${field}`),
];

/** A member of a workspace. */
export const memberReply = z.object({ user: personReply }).transform(({ user }) => user);

/** A restriction, a webhook, a key: kept as it is. */
export const settingReply = z.record(z.string(), z.unknown());

/** The title of a commit's full name. */
export const commitReply = z.object({ hash: z.string().regex(/^[0-9a-f]{40}$/) }).transform(({ hash }) => hash);
