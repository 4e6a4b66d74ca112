// Finds projects and what belongs to them, for those who may see them. records.ts writes.
import type { Project } from '../db/project-tables.ts';
import type { Account, Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { foundIn } from './search.ts';

/** For a list: which part of it. */
export interface Slice {
  limit: number;
  offset: number;
}

/**
 * What was imported is its owner's; administrators see everybody's. Half of a project is shown to its owner only, who
 * knows that its import is under way.
 */
function maySee(account: Account, project: Project): boolean {
  return project.owner_id === account.id || (account.admin === 1 && project.published_at !== null);
}

/** What a part of a path can be; anything else names nothing, and PostgreSQL would not even take a NUL to compare with. */
const PART_OF_PATH = /^[A-Za-z0-9_.-]{1,255}$/;

/** @throws AppError 404 when there is none, or when it is not this person's to see */
export async function getProject(
  db: Database,
  account: Account,
  which: { id: number } | { namespace: string; name: string },
): Promise<Project> {
  if ('name' in which && ![which.namespace, which.name].every((part) => PART_OF_PATH.test(part))) {
    throw new AppError('not_found');
  }
  const projects = db.selectFrom('projects').selectAll();
  const one =
    'id' in which
      ? projects.where('id', '=', which.id)
      : projects.where('namespace', '=', which.namespace).where('name', '=', which.name);
  const project = await one.executeTakeFirst();
  if (!project || !maySee(account, project)) throw new AppError('not_found');
  return project;
}

/** What a person sees in lists: published projects, newest first; of an administrator's own or of all. */
function visibleTo(db: Database, account: Account, search: string) {
  let projects = db.selectFrom('projects').where('published_at', 'is not', null);
  if (account.admin !== 1) projects = projects.where('owner_id', '=', account.id);
  if (search === '') return projects;
  return projects.where(foundIn(['namespace', 'name', 'title', 'description', 'source_full_name'], search));
}

export async function countProjects(db: Database, account: Account, search = ''): Promise<number> {
  const { all } = await visibleTo(db, account, search)
    .select(({ fn }) => fn.countAll<number>().as('all'))
    .executeTakeFirstOrThrow();
  return Number(all);
}

export async function listProjects(
  db: Database,
  account: Account,
  { search = '', limit, offset }: Slice & { search?: string },
): Promise<Project[]> {
  const projects = visibleTo(db, account, search).selectAll().orderBy('id', 'desc');
  return projects.limit(limit).offset(offset).execute();
}

/** All that a person has, also what is not published yet. */
export async function countOwned(db: Database, ownerId: number): Promise<number> {
  const { all } = await db
    .selectFrom('projects')
    .select(({ fn }) => fn.countAll<number>().as('all'))
    .where('owner_id', '=', ownerId)
    .executeTakeFirstOrThrow();
  return Number(all);
}

/** A person's projects whose first import is not through yet. */
export async function listUnpublished(db: Database, account: Account): Promise<Project[]> {
  return db
    .selectFrom('projects')
    .selectAll()
    .where('owner_id', '=', account.id)
    .where('published_at', 'is', null)
    .orderBy('id', 'desc')
    .limit(100)
    .execute();
}

/** The latest run that has brought a project here or up to date; its report is the page of the imports. */
export async function findLatestImport(db: Database, projectId: number): Promise<number | undefined> {
  const imports = db.selectFrom('imports').select('id').where('project_id', '=', projectId);
  return (await imports.orderBy('id', 'desc').limit(1).executeTakeFirst())?.id;
}

/** What was imported besides git, by number. */
export interface Counts {
  pull_requests: number;
  comments: number;
  tasks: number;
  lfs_objects: number;
  attachments: number;
}

const NOTHING: Counts = { pull_requests: 0, comments: 0, tasks: 0, lfs_objects: 0, attachments: 0 };

export async function countParts(db: Database, projectIds: number[]): Promise<Map<number, Counts>> {
  const counts = new Map(projectIds.map((id) => [id, { ...NOTHING }]));
  if (projectIds.length === 0) return counts;
  for (const table of Object.keys(NOTHING) as (keyof Counts)[]) {
    let parts = db.selectFrom(table).where('project_id', 'in', projectIds);
    // What could not be fetched is named in the report of the import; it is not here.
    if (table === 'attachments') parts = parts.where('file' as never, 'is not', null);
    if (table === 'lfs_objects') parts = parts.where('present' as never, '=', 1 as never);
    const rows = await parts
      .select(({ fn }) => ['project_id', fn.countAll<number>().as('all')])
      .groupBy('project_id')
      .execute();
    for (const { project_id, all } of rows) counts.get(project_id)![table] = Number(all);
  }
  return counts;
}
