// Reads pull requests of a project, with the people who reviewed them or took part.
import type { PullRequest, PullRequestPerson, PullRequestState } from '../db/project-tables.ts';
import type { Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { foundIn } from './search.ts';
import type { Slice } from './store.ts';

export const STATES = ['open', 'merged', 'declined', 'superseded'] as const satisfies PullRequestState[];

export interface PullRequestFilter {
  /** undefined = every state. */
  state?: PullRequestState | undefined;
  /** Part of a title, a branch or of the author's name, or a number. */
  search?: string;
}

function filtered(db: Database, projectId: number, { state, search = '' }: PullRequestFilter) {
  let rows = db.selectFrom('pull_requests').where('project_id', '=', projectId);
  if (state !== undefined) rows = rows.where('state', '=', state);
  if (search === '') return rows;
  const number = /^#?([1-9]\d{0,14})$/.exec(search)?.[1];
  if (number !== undefined) return rows.where('number', '=', Number(number));
  const people = db
    .selectFrom('people')
    .select('uuid')
    .where(foundIn(['display_name'], search));
  const columns = ['title', 'source_branch', 'destination_branch'];
  return rows.where((eb) => eb.or([foundIn(columns, search), eb('author', 'in', people)]));
}

/** @returns how many there are of each state; a search narrows all of them */
export async function countPullRequests(
  db: Database,
  projectId: number,
  search = '',
): Promise<Record<PullRequestState, number>> {
  const rows = await filtered(db, projectId, { search })
    .select(({ fn }) => ['state', fn.countAll<number>().as('all')])
    .groupBy('state')
    .execute();
  const counts = { open: 0, merged: 0, declined: 0, superseded: 0 };
  for (const { state, all } of rows) counts[state] = Number(all);
  return counts;
}

/** With what is here counted where Bitbucket tells no number. */
export interface CountedPullRequest extends PullRequest {
  comment_count: number;
  task_count: number;
}

async function counted(db: Database, projectId: number, rows: PullRequest[]): Promise<CountedPullRequest[]> {
  const untold = rows.filter((row) => row.comment_count === null || row.task_count === null);
  const numbers = untold.map(({ number }) => number);
  const comments = await countHere(db, projectId, 'comments', numbers);
  const tasks = await countHere(db, projectId, 'tasks', numbers);
  return rows.map((row) => ({
    ...row,
    comment_count: row.comment_count ?? comments.get(row.number) ?? 0,
    task_count: row.task_count ?? tasks.get(row.number) ?? 0,
  }));
}

/** As Bitbucket counts: what was deleted is none. */
async function countHere(db: Database, projectId: number, of: 'comments' | 'tasks', numbers: number[]) {
  if (numbers.length === 0) return new Map<number, number>();
  let rows = db
    .selectFrom(of as 'comments')
    .where('project_id', '=', projectId)
    .where('number', 'in', numbers);
  if (of === 'comments') rows = rows.where('deleted', '=', 0);
  const counts = await rows
    .where('source_gone_at', 'is', null)
    .select(({ fn }) => ['number', fn.countAll<number>().as('all')])
    .groupBy('number')
    .execute();
  return new Map(counts.map(({ number, all }) => [number, Number(all)]));
}

/** The newest first. */
export async function listPullRequests(
  db: Database,
  projectId: number,
  { limit, offset, ...filter }: PullRequestFilter & Slice,
): Promise<CountedPullRequest[]> {
  const rows = filtered(db, projectId, filter).selectAll().orderBy('number', 'desc').limit(limit).offset(offset);
  return counted(db, projectId, await rows.execute());
}

/** @throws AppError 404 */
export async function getPullRequest(db: Database, projectId: number, number: number): Promise<CountedPullRequest> {
  const row = await db
    .selectFrom('pull_requests')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('number', '=', number)
    .executeTakeFirst();
  const [found] = await counted(db, projectId, row ? [row] : []);
  if (!found) throw new AppError('not_found');
  return found;
}

/** Who reviews or took part, by number of the pull request; reviewers first, then in the order of their uuids. */
export async function peopleByNumber(
  db: Database,
  projectId: number,
  numbers: number[],
): Promise<Map<number, PullRequestPerson[]>> {
  const byNumber = new Map<number, PullRequestPerson[]>(numbers.map((number) => [number, []]));
  if (numbers.length === 0) return byNumber;
  const rows = await db
    .selectFrom('pull_request_people')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('number', 'in', numbers)
    .orderBy('role', 'desc')
    .orderBy('uuid')
    .execute();
  for (const row of rows) byNumber.get(row.number)?.push(row);
  return byNumber;
}
