// Reads what was said and done about a pull request: comments in threads, tasks, and what happened besides.
import type { Activity, Comment, Task } from '../db/project-tables.ts';
import type { Database } from '../db/tables.ts';
import type { Slice } from './store.ts';

/** Where on the diff a comment stands: lines of the old file (`from`) or of the new one (`to`); neither = the whole file. */
export interface Inline {
  path: string;
  from: number | null;
  to: number | null;
  start_from: number | null;
  start_to: number | null;
  outdated: boolean;
}

/** @returns null for a comment on the whole pull request, and for a place that cannot be read */
export function inlineOf({ inline }: Pick<Comment, 'inline'>): Inline | null {
  if (inline === null) return null;
  const { path, from, to, start_from, start_to, outdated } = JSON.parse(inline) as Partial<Inline>;
  if (typeof path !== 'string') return null;
  return {
    path,
    from: from ?? null,
    to: to ?? null,
    start_from: start_from ?? null,
    start_to: start_to ?? null,
    outdated: outdated === true,
  };
}

export type Part = 'comments' | 'tasks' | 'activity';

export async function countPart(db: Database, part: Part, project: number, number: number): Promise<number> {
  const { all } = await db
    .selectFrom(part)
    .select(({ fn }) => fn.countAll<number>().as('all'))
    .where('project_id', '=', project)
    .where('number', '=', number)
    .executeTakeFirstOrThrow();
  return Number(all);
}

/** Longer than any list of one pull request; whoever shows a list says so when it is cut. */
export const MAX_LISTED = 5000;
const ALL: Slice = { limit: MAX_LISTED, offset: 0 };

/** The oldest first: Bitbucket counts their ids up. */
export async function listComments(
  db: Database,
  project: number,
  number: number,
  { limit, offset } = ALL,
): Promise<Comment[]> {
  const rows = db.selectFrom('comments').selectAll().where('project_id', '=', project).where('number', '=', number);
  return rows.orderBy('id').limit(limit).offset(offset).execute();
}

/**
 * As comments stand by themselves: an answer has the place of what it answers where Bitbucket does not repeat it, and an
 * answer to what is not here belongs to the pull request.
 */
export async function listPlacedComments(
  db: Database,
  project: number,
  number: number,
  slice: Slice,
): Promise<Comment[]> {
  const rows = await listComments(db, project, number, slice);
  const places = db.selectFrom('comments').select(['id', 'parent_id', 'inline']).where('project_id', '=', project);
  const all = await places.where('number', '=', number).execute();
  const byId = new Map(all.map((place) => [place.id, place]));
  return rows.map((row) => ({
    ...row,
    parent_id: row.parent_id !== null && byId.has(row.parent_id) ? row.parent_id : null,
    inline: placeOf(row, byId),
  }));
}

type InThread = Pick<Comment, 'id' | 'parent_id' | 'inline'>;

/** The nearest place on the way up; comments may answer in a circle. */
function placeOf(comment: InThread, byId: ReadonlyMap<number, InThread>): string | null {
  const seen = new Set<number>();
  let at: InThread | undefined = comment;
  while (at !== undefined && !seen.has(at.id)) {
    if (at.inline !== null) return at.inline;
    seen.add(at.id);
    at = at.parent_id === null ? undefined : byId.get(at.parent_id);
  }
  return null;
}

/** As comments. */
export async function listTasks(
  db: Database,
  project: number,
  number: number,
  { limit, offset } = ALL,
): Promise<Task[]> {
  const rows = db.selectFrom('tasks').selectAll().where('project_id', '=', project).where('number', '=', number);
  return rows.orderBy('id').limit(limit).offset(offset).execute();
}

/** The oldest first. */
export async function listActivity(
  db: Database,
  project: number,
  number: number,
  { limit, offset } = ALL,
): Promise<Activity[]> {
  const rows = db.selectFrom('activity').selectAll().where('project_id', '=', project).where('number', '=', number);
  return rows.orderBy('at').orderBy('key').limit(limit).offset(offset).execute();
}

/** A comment with all its answers, however deep they answered each other. */
export interface Thread {
  first: Comment;
  replies: Comment[];
  /** An answer at Bitbucket may or may not repeat the place; its thread has one. */
  inline: Inline | null;
}

/**
 * Answers whose comment is gone without a trace begin a thread of their own; so do comments that answer in a circle, at
 * the one with the lowest id.
 */
export function threadsOf(comments: Comment[]): Thread[] {
  const byId = new Map(comments.map((comment) => [comment.id, comment]));
  const threads = new Map<number, Thread>();
  for (const comment of [...comments].sort((a, b) => a.id - b.id)) {
    const first = firstOf(comment, byId);
    const thread = threads.get(first.id);
    if (thread === undefined) {
      const replies = first === comment ? [] : [comment];
      threads.set(first.id, { first, replies, inline: inlineOf(first) ?? inlineOf(comment) });
    } else if (comment !== first) {
      thread.replies.push(comment);
      thread.inline ??= inlineOf(comment);
    }
  }
  return [...threads.values()].sort((a, b) => a.first.created_at - b.first.created_at || a.first.id - b.first.id);
}

function firstOf(comment: Comment, byId: ReadonlyMap<number, Comment>): Comment {
  const seen = new Set<Comment>();
  let at = comment;
  while (!seen.has(at)) {
    seen.add(at);
    const parent = at.parent_id === null ? undefined : byId.get(at.parent_id);
    if (parent === undefined) return at;
    at = parent;
  }
  return [...seen].reduce((lowest, one) => (one.id < lowest.id ? one : lowest));
}
