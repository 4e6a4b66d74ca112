// What is imported, as rows: the only file that writes these tables. Everything is written by its natural key of the
// source, so that the same thing written twice is there once, and what a row does not name stays as it was.
import type { Insertable, Updateable } from 'kysely';
import { chunksOf } from '../db/chunks.ts';
import type { CommitsKept, ProjectTables, Project } from '../db/project-tables.ts';
import type { Database, Transaction } from '../db/tables.ts';
import type { Services } from '../services.ts';
import { cleanRow } from './clean-text.ts';

/** Tables whose rows belong to a project. */
type PartTable =
  | 'pull_requests'
  | 'pull_request_people'
  | 'comments'
  | 'tasks'
  | 'activity'
  | 'lfs_objects'
  | 'attachments'
  | 'source_settings';

export type NewRow<T extends PartTable> = Omit<Insertable<ProjectTables[T]>, 'project_id' | 'source_gone_at'>;
export type NewProject = Omit<Insertable<ProjectTables['projects']>, 'id' | 'published_at' | 'source_gone_at'>;
export type ProjectChange = Omit<Updateable<ProjectTables['projects']>, 'id' | 'owner_id' | 'created_at'>;
export type NewPerson = Omit<Insertable<ProjectTables['people']>, 'provider'>;

/** Natural keys, besides the project. */
const KEYS = {
  pull_requests: ['number'],
  pull_request_people: ['number', 'uuid'],
  comments: ['id'],
  tasks: ['id'],
  activity: ['number', 'key'],
  lfs_objects: ['oid'],
  attachments: ['source_url'],
  source_settings: ['kind'],
} as const satisfies Record<PartTable, readonly string[]>;

/** @throws a unique violation when the path is taken, or when the owner has this source already */
export async function createProject(db: Database, project: NewProject): Promise<Project> {
  return db.insertInto('projects').values(cleanRow(project)).returningAll().executeTakeFirstOrThrow();
}

export async function updateProject(db: Database, id: number, change: ProjectChange): Promise<void> {
  await db.updateTable('projects').set(cleanRow(change)).where('id', '=', id).execute();
}

/** From now on it is in lists, and others than its owner may find it. A second time changes nothing. */
export async function publishProject(db: Database, id: number, now: number): Promise<void> {
  const project = db.updateTable('projects').set({ published_at: now });
  await project.where('id', '=', id).where('published_at', 'is', null).execute();
}

/**
 * With its rows in all other tables. Its files go by `removeDeletedFiles`, after the transaction. To be called under the
 * lock that imports are started under (lockImports), so that none begins meanwhile. @returns false when it was gone already
 */
export async function deleteProject(trx: Transaction, id: number, now: number): Promise<boolean> {
  return (await deleteProjects(trx, [id], now)) === 1;
}

/** All of one person, as above. @returns how many there were */
export async function deleteProjectsOf(trx: Transaction, ownerId: number, now: number): Promise<number> {
  const rows = await trx.selectFrom('projects').select('id').where('owner_id', '=', ownerId).execute();
  return deleteProjects(
    trx,
    rows.map(({ id }) => id),
    now,
  );
}

async function deleteProjects(trx: Transaction, all: number[], now: number): Promise<number> {
  let deleted = 0;
  for (const ids of chunksOf(all)) {
    // First, or a worker that holds its import and needs the project would wait for this, and this for the worker.
    await trx.deleteFrom('imports').where('project_id', 'in', ids).execute();
    const gone = await trx.deleteFrom('projects').where('id', 'in', ids).returning('id').execute();
    deleted += gone.length;
    if (gone.length === 0) continue;
    const rows = gone.map(({ id }) => ({ id, deleted_at: now }));
    await trx.insertInto('deleted_projects').values(rows).execute();
  }
  return deleted;
}

/** Nobody starts an import for this person, and nobody deletes what they start, until the transaction ends. */
export async function lockImports(trx: Transaction, { database }: Pick<Services, 'database'>, ownerId: number) {
  await database.dialect.lock(trx, `imports of ${ownerId}`);
}

/** Those whose files are to be removed. */
export async function listDeletedProjects(db: Database): Promise<{ id: number; deleted_at: number }[]> {
  return db.selectFrom('deleted_projects').selectAll().execute();
}

export async function forgetDeletedProject(db: Database, id: number): Promise<void> {
  await db.deleteFrom('deleted_projects').where('id', '=', id).execute();
}

export async function savePeople(db: Database, provider: string, people: NewPerson[]): Promise<void> {
  const rows = people.map((person) => ({ ...person, provider }));
  await upsert(db, 'people', ['provider', 'uuid'], rows);
}

/** What was gone at the source and is found again is not gone any more. */
export async function savePullRequests(db: Database, projectId: number, rows: NewRow<'pull_requests'>[]) {
  await save(db, 'pull_requests', projectId, foundAgain(rows));
}

/** How the commits of a pull request came, and what they are in full. */
export interface PullRequestCommits {
  commits: CommitsKept;
  source_commit?: string;
  destination_commit?: string;
  merge_commit?: string;
}

export async function savePullRequestCommits(
  db: Database,
  projectId: number,
  number: number,
  commits: PullRequestCommits,
): Promise<void> {
  const pullRequest = db.updateTable('pull_requests').set(cleanRow(commits));
  await pullRequest.where('project_id', '=', projectId).where('number', '=', number).execute();
}

/** The row names who closed it and when, as far as the activity tells; see `closed_at`. */
export async function savePullRequestClosing(
  db: Database,
  projectId: number,
  number: number,
  closing: { closed_at: number; closed_by?: string | null },
): Promise<void> {
  const pullRequest = db.updateTable('pull_requests').set(closing);
  await pullRequest.where('project_id', '=', projectId).where('number', '=', number).execute();
}

/** For the pull requests in question the rows are all there is: whoever is not named any more is out. */
export async function savePullRequestPeople(
  db: Database,
  projectId: number,
  numbers: number[],
  rows: NewRow<'pull_request_people'>[],
): Promise<void> {
  for (const some of chunksOf(numbers)) {
    const people = db.deleteFrom('pull_request_people').where('project_id', '=', projectId);
    await people.where('number', 'in', some).execute();
  }
  await save(db, 'pull_request_people', projectId, rows);
}

/** What was said stays when the source only tells any more that something was. */
export async function saveComments(db: Database, projectId: number, rows: NewRow<'comments'>[]): Promise<void> {
  const emptied = rows.filter(({ deleted, body }) => deleted === 1 && body === '').map(({ id }) => id);
  const said = new Map<number, string>();
  for (const some of chunksOf(emptied)) {
    const here = db.selectFrom('comments').select(['id', 'body']).where('project_id', '=', projectId);
    for (const { id, body } of await here.where('id', 'in', some).execute()) said.set(id, body);
  }
  const kept = rows.map((row) => ({ ...row, body: row.body || (said.get(row.id) ?? row.body) }));
  await save(db, 'comments', projectId, foundAgain(kept));
}

export async function saveTasks(db: Database, projectId: number, rows: NewRow<'tasks'>[]): Promise<void> {
  await save(db, 'tasks', projectId, foundAgain(rows));
}

export async function saveActivity(db: Database, projectId: number, rows: NewRow<'activity'>[]): Promise<void> {
  await save(db, 'activity', projectId, rows);
}

export async function saveLfsObjects(db: Database, projectId: number, rows: NewRow<'lfs_objects'>[]): Promise<void> {
  await save(db, 'lfs_objects', projectId, rows);
}

export async function saveAttachments(db: Database, projectId: number, rows: NewRow<'attachments'>[]): Promise<void> {
  await save(db, 'attachments', projectId, rows);
}

export async function saveSourceSettings(db: Database, projectId: number, rows: NewRow<'source_settings'>[]) {
  await save(db, 'source_settings', projectId, rows);
}

/** Marks what a re-sync did not find at the source any more; nothing is deleted here because it was deleted there. */
export async function markGone(
  db: Database,
  projectId: number,
  of: 'pull_requests' | 'comments' | 'tasks',
  { ids, at }: { ids: number[]; at: number },
): Promise<void> {
  for (const some of chunksOf(ids)) {
    const rows = db.updateTable(of).set({ source_gone_at: at }).where('project_id', '=', projectId);
    await rows.where(KEYS[of][0], 'in', some).where('source_gone_at', 'is', null).execute();
  }
}

function foundAgain<T extends object>(rows: T[]): (T & { source_gone_at: null })[] {
  return rows.map((row) => ({ ...row, source_gone_at: null }));
}

async function save(db: Database, table: PartTable, projectId: number, rows: object[]): Promise<void> {
  const ofProject = rows.map((row) => ({ ...row, project_id: projectId }));
  await upsert(db, table, ['project_id', ...KEYS[table]], ofProject);
}

type Row = Record<string, unknown>;

async function upsert(db: Database, table: PartTable | 'people', keys: string[], rows: Row[]): Promise<void> {
  for (const alike of groupByColumns(withoutDoubles(rows.map(named), keys))) {
    const columns = Object.keys(alike[0] ?? {}).filter((name) => !keys.includes(name));
    for (const some of chunksOf(alike)) {
      // The tables share no type that Kysely could check here; the functions above have typed what comes in.
      const insert = db.insertInto(table).values(some);
      await insert
        .onConflict((conflict) => {
          const known = conflict.columns(keys as never[]);
          if (columns.length === 0) return known.doNothing();
          return known.doUpdateSet((eb) =>
            Object.fromEntries(columns.map((name) => [name, eb.ref(`excluded.${name}` as never)])),
          );
        })
        .execute();
    }
  }
}

/** Cleaned, and without what is not named: `undefined` means "as it was". */
function named(row: Row): Row {
  return cleanRow(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)));
}

/** The last one counts. PostgreSQL refuses a statement that writes the same row twice. */
function withoutDoubles(rows: Row[], keys: string[]): Row[] {
  return [...new Map(rows.map((row) => [JSON.stringify(keys.map((key) => row[key])), row])).values()];
}

/** A statement writes the same columns of all its rows. */
function groupByColumns(rows: Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const columns = Object.keys(row).sort().join(' ');
    const group = groups.get(columns);
    if (group) group.push(row);
    else groups.set(columns, [row]);
  }
  return [...groups.values()];
}
