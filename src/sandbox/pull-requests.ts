// Pull requests of the sandbox with their conversation. Live, as repositories are.
import type { Json } from './repository-parts.ts';
import type { Who } from './repositories.ts';

export type PullRequestState = 'OPEN' | 'MERGED' | 'DECLINED' | 'SUPERSEDED';

export interface PullRequest {
  id: number;
  title: string;
  description: string;
  state: PullRequestState;
  draft: boolean;
  author: Who;
  /** null while it is open, and when that account was deleted. */
  closedBy: Who;
  /** Why it was declined. */
  reason: string;
  createdOn: string;
  updatedOn: string;
  closeSourceBranch: boolean;
  source: PullRequestEnd;
  destination: PullRequestEnd;
  /** Full hash. */
  mergeCommit: string | null;
  reviewers: string[];
  participants: Participant[];
  comments: Comment[];
  tasks: Task[];
  /** What happened besides comments, in any order. */
  activity: Activity[];
}

export interface PullRequestEnd {
  branch: string;
  /** Full hash; answers tell 12 characters of it. null = the branch or the fork is gone and so is the commit. */
  commit: string | null;
  /** `workspace/slug`; null = the fork was deleted. */
  repository: string | null;
}

export interface Participant {
  /** An account that was deleted leaves a participant without a user. */
  who: Who;
  role: 'REVIEWER' | 'PARTICIPANT';
  state: 'approved' | 'changes_requested' | null;
  participatedOn: string | null;
}

/** Where a comment stands: `to` is a line of the new file, `from` one of the old, both null mean the whole file. */
export interface Inline {
  path: string;
  from: number | null;
  to: number | null;
  startFrom: number | null;
  startTo: number | null;
  outdated: boolean;
  /** Full hashes of the diff it was made on. */
  sourceCommit: string | null;
  destinationCommit: string | null;
}

export interface Comment {
  id: number;
  /** Id of the comment it answers. */
  parent: number | null;
  author: Who;
  raw: string;
  createdOn: string;
  updatedOn: string;
  /** Still listed, without its text. */
  deleted: boolean;
  /** A draft that was never sent: only its author sees it. */
  pending: boolean;
  inline: Inline | null;
  /** null = open; `{}` is how Bitbucket answers when it does not say who resolved it. */
  resolution: { by: Who; at: string } | Record<string, never> | null;
}

export interface Task {
  id: number;
  raw: string;
  state: 'RESOLVED' | 'UNRESOLVED';
  creator: Who;
  createdOn: string;
  updatedOn: string;
  resolvedOn: string | null;
  resolvedBy: Who;
  /** Id of the comment it hangs on. */
  comment: number | null;
}

export type Activity =
  | {
      kind: 'update';
      at: string;
      by: Who;
      state: PullRequestState;
      sourceCommit: string | null;
      reason?: string;
      changes?: Json;
    }
  | { kind: 'approval' | 'changes_requested'; at: string; by: Who }
  /** An element of a kind that nobody described. */
  | { kind: 'unknown'; at: string; value: Json };

/** A plain open pull request, with whatever is given instead. */
export function makePullRequest(
  given: Pick<PullRequest, 'id' | 'title' | 'author' | 'source' | 'destination'> & Partial<PullRequest>,
): PullRequest {
  const createdOn = given.createdOn ?? '2026-03-02T09:00:00.250000+00:00';
  return {
    description: '',
    state: 'OPEN',
    draft: false,
    closedBy: null,
    reason: '',
    updatedOn: createdOn,
    closeSourceBranch: true,
    mergeCommit: null,
    reviewers: [],
    participants: [],
    comments: [],
    tasks: [],
    activity: [],
    ...given,
    createdOn,
  };
}

/** A plain comment on the whole pull request, with whatever is given instead. */
export function makeComment(given: Pick<Comment, 'id' | 'author' | 'raw' | 'createdOn'> & Partial<Comment>): Comment {
  return {
    parent: null,
    updatedOn: given.createdOn,
    deleted: false,
    pending: false,
    inline: null,
    resolution: null,
    ...given,
  };
}

/** A comment's place on a line of the new file, with whatever is given instead. */
export function makeInline(given: Pick<Inline, 'path'> & Partial<Inline>): Inline {
  return {
    from: null,
    to: null,
    startFrom: null,
    startTo: null,
    outdated: false,
    sourceCommit: null,
    destinationCommit: null,
    ...given,
  };
}

/** An open task, with whatever is given instead. */
export function makeTask(given: Pick<Task, 'id' | 'raw' | 'creator' | 'createdOn'> & Partial<Task>): Task {
  return {
    state: 'UNRESOLVED',
    updatedOn: given.createdOn,
    resolvedOn: null,
    resolvedBy: null,
    comment: null,
    ...given,
  };
}
