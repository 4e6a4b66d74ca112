// What stages look up of what is here already.
import type { ExpressionBuilder } from 'kysely';
import { chunksOf } from '../db/chunks.ts';
import type { PullRequest } from '../db/project-tables.ts';
import type { Database, Tables } from '../db/tables.ts';

/** These pull requests of a project, by number. */
export async function findPullRequests(
  db: Database,
  projectId: number,
  numbers: number[],
): Promise<Map<number, PullRequest>> {
  const rows = db.selectFrom('pull_requests').selectAll().where('project_id', '=', projectId);
  const found = new Map<number, PullRequest>();
  for (const some of chunksOf(numbers))
    for (const row of await rows.where('number', 'in', some).execute()) found.set(row.number, row);
  return found;
}

/** The next pull request after a number, of those that a stage has to look at. */
export interface Wanted {
  after: number;
  /** Only what Bitbucket has updated since then. */
  since: number | null;
  /**
   * Only those with comments; with counted tasks; with no counted task, talked about or not; whose commits nobody looked
   * for, or nobody has any more; whose commits are here, but not the one they were to be merged into.
   */
  having: 'comments' | 'tasks' | 'talk' | 'no talk' | 'no commits' | 'lost commits' | 'no destination';
}

function wanted(db: Database, projectId: number, { after, since, having }: Wanted) {
  const rows = db.selectFrom('pull_requests').where('project_id', '=', projectId).where('number', '>', after);
  const changed = since === null ? rows : rows.where('updated_at', '>=', since);
  if (having === 'comments') return changed.where((eb) => eb.or([mayHave(eb, 'comment_count'), hasComments(eb)]));
  if (having === 'tasks') return changed.where((eb) => mayHave(eb, 'task_count'));
  const uncounted = changed.where('task_count', '=', 0);
  if (having === 'talk') return uncounted.where((eb) => mayHave(eb, 'comment_count'));
  if (having === 'no talk') return uncounted.where('comment_count', '=', 0);
  if (having === 'no commits') return rows.where('commits', 'is', null);
  if (having === 'lost commits') return rows.where('commits', '=', 'lost');
  return rows
    .where('commits', 'in', ['kept', 'fetched'])
    .where((eb) => eb.or([eb('destination_commit', 'is', null), eb(eb.fn('length', ['destination_commit']), '<', 40)]));
}

type PullRequests = ExpressionBuilder<Tables, 'pull_requests'>;

/** Counted, or Bitbucket does not tell how many. */
function mayHave(eb: PullRequests, counter: 'comment_count' | 'task_count') {
  return eb.or([eb(counter, '>', 0), eb(counter, 'is', null)]);
}

/** Here, though Bitbucket may count none any more: then they were deleted there. */
function hasComments(eb: PullRequests) {
  const here = eb
    .selectFrom('comments')
    .select('comments.id')
    .whereRef('comments.project_id', '=', 'pull_requests.project_id')
    .whereRef('comments.number', '=', 'pull_requests.number');
  return eb.exists(here.where('comments.deleted', '=', 0).where('comments.source_gone_at', 'is', null));
}

/**
 * What `task_count` counts, as the tasks that are here show it: Bitbucket's documents say "open tasks", and then a pull
 * request whose tasks are all resolved has 0. @returns true when every resolved task here was counted, and there is one
 */
export async function countersCountResolvedTasks(db: Database, projectId: number): Promise<boolean> {
  const rows = await db
    .selectFrom('tasks')
    .innerJoin('pull_requests', (join) =>
      join
        .onRef('pull_requests.project_id', '=', 'tasks.project_id')
        .onRef('pull_requests.number', '=', 'tasks.number'),
    )
    .select((eb) => ['tasks.number', 'task_count', eb.fn.countAll<number | string>().as('count')])
    .where('tasks.project_id', '=', projectId)
    .where('tasks.source_gone_at', 'is', null)
    .where('task_count', 'is not', null)
    .where('tasks.number', 'in', (eb) =>
      eb.selectFrom('tasks').select('number').where('project_id', '=', projectId).where('state', '=', 'resolved'),
    )
    .groupBy(['tasks.number', 'task_count'])
    .execute();
  return rows.length > 0 && rows.every((row) => Number(row.count) <= Number(row.task_count));
}

/** A few of them, in order. */
export async function listWanted(
  db: Database,
  projectId: number,
  which: Wanted,
): Promise<Pick<PullRequest, 'number' | 'source_url'>[]> {
  return wanted(db, projectId, which).select(['number', 'source_url']).orderBy('number').limit(100).execute();
}

export async function countWanted(db: Database, projectId: number, which: Wanted): Promise<number> {
  const count = wanted(db, projectId, which).select((eb) => eb.fn.countAll<number | string>().as('count'));
  return Number((await count.executeTakeFirstOrThrow()).count);
}

/** How many pull requests are here that are not known to be gone at Bitbucket. */
export async function countPullRequests(db: Database, projectId: number): Promise<number> {
  const rows = db.selectFrom('pull_requests').where('project_id', '=', projectId).where('source_gone_at', 'is', null);
  const count = rows.select((eb) => eb.fn.countAll<number | string>().as('count'));
  return Number((await count.executeTakeFirstOrThrow()).count);
}

/** Ids of what is here of a pull request and not known to be gone. */
export async function listIds(
  db: Database,
  projectId: number,
  of: 'comments' | 'tasks',
  number: number,
): Promise<number[]> {
  const rows = db.selectFrom(of).select('id').where('project_id', '=', projectId).where('number', '=', number);
  return (await rows.where('source_gone_at', 'is', null).execute()).map(({ id }) => id);
}
