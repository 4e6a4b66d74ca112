// Imports in the database: begun, found, stopped, put in motion again. Only leases.ts writes this table as well; with a
// project its imports are deleted by projects/records.ts.
import type { Updateable } from 'kysely';
import type { Import, ImportStatus, ImportTables } from '../db/import-tables.ts';
import type { Database, Transaction } from '../db/tables.ts';
import type { Slice } from '../projects/store.ts';
import { settleStages } from './progress.ts';

/** An import that is neither over nor given up. */
export const ACTIVE: readonly ImportStatus[] = ['queued', 'running', 'waiting'];

export interface NewImport {
  projectId: number;
  accountId: number;
  /** With what Bitbucket is asked. */
  credentialId: number;
  /** Only what changed since then; null = everything. */
  since: number | null;
  now: number;
}

/** With all its stages, none of them begun. */
export async function insertImport(trx: Transaction, wanted: NewImport): Promise<Import> {
  const row = await trx
    .insertInto('imports')
    .values({
      project_id: wanted.projectId,
      account_id: wanted.accountId,
      credential_id: wanted.credentialId,
      status: 'queued',
      resync: wanted.since === null ? 0 : 1,
      since: wanted.since,
      created_at: wanted.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await settleStages(trx, row.id);
  return row;
}

export async function findImport(db: Database, id: number): Promise<Import | undefined> {
  return db.selectFrom('imports').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The newest one of a project. */
export async function findLatestImport(db: Database, projectId: number): Promise<Import | undefined> {
  return db
    .selectFrom('imports')
    .selectAll()
    .where('project_id', '=', projectId)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Whose imports, and of which provider; by default of each. */
interface Whose {
  accountId: number;
  provider?: string | undefined;
}

function newestIds(db: Database, { accountId, provider }: Whose) {
  const newest = db
    .selectFrom('imports')
    .innerJoin('projects', 'projects.id', 'imports.project_id')
    .select((eb) => eb.fn.max<number>('imports.id').as('id'))
    .where('account_id', '=', accountId)
    .groupBy('project_id');
  return provider === undefined ? newest : newest.where('source_provider', '=', provider);
}

/** The newest import of each of a person's projects, newest first. */
export async function listNewestImports(db: Database, whose: Whose, { limit, offset }: Slice): Promise<Import[]> {
  const newest = db.selectFrom('imports').selectAll().where('id', 'in', newestIds(db, whose));
  return newest.orderBy('id', 'desc').limit(limit).offset(offset).execute();
}

export async function countNewestImports(db: Database, whose: Whose): Promise<number> {
  const newest = db.selectFrom(newestIds(db, whose).as('newest')).select((eb) => eb.fn.countAll<number>().as('all'));
  return Number((await newest.executeTakeFirstOrThrow()).all);
}

function everyImport(db: Database, status: ImportStatus | undefined) {
  const all = db.selectFrom('imports');
  return status === undefined ? all : all.where('status', '=', status);
}

/** Everybody's, newest first. */
export async function listEveryImport(
  db: Database,
  status: ImportStatus | undefined,
  { limit, offset }: Slice,
): Promise<Import[]> {
  return everyImport(db, status).selectAll().orderBy('id', 'desc').limit(limit).offset(offset).execute();
}

export async function countEveryImport(db: Database, status: ImportStatus | undefined): Promise<number> {
  const all = everyImport(db, status).select((eb) => eb.fn.countAll<number>().as('all'));
  return Number((await all.executeTakeFirstOrThrow()).all);
}

/** How many of a person's imports are not over. */
export async function countActiveImports(db: Database, accountId: number): Promise<number> {
  const { all } = await db
    .selectFrom('imports')
    .select((eb) => eb.fn.countAll<number>().as('all'))
    .where('account_id', '=', accountId)
    .where('status', 'in', ACTIVE)
    .executeTakeFirstOrThrow();
  return Number(all);
}

/**
 * Asks a running import to stop; one that nobody works on is cancelled at once. In a transaction.
 * @returns which of the two it was; undefined when it is over already
 */
export async function cancelImport(
  db: Transaction,
  id: number,
  now: number,
): Promise<'asked' | 'cancelled' | undefined> {
  const active = db.updateTable('imports').where('id', '=', id).where('status', 'in', ACTIVE);
  // First, so that a turn that ends at this moment either was over before this, or finds that it was asked.
  if ((await active.set({ cancel_asked: 1 }).executeTakeFirst()).numUpdatedRows !== 1n) return undefined;
  const idle = active.where('lease_until', '<=', now);
  const over = { status: 'cancelled', reason: CANCELLED, finished_at: now, lease_until: 0 } as const;
  // A worker that comes back after it was away for longer than its lease must not take that back.
  const ended = await idle.set((eb) => ({ ...over, fence: eb('fence', '+', 1) })).executeTakeFirst();
  return ended.numUpdatedRows === 1n ? 'cancelled' : 'asked';
}

export const CANCELLED = 'It was cancelled.';

/** Puts an import that is over, or waits, into the queue again: it goes on where it was. @returns false while it runs */
export async function requeueImport(db: Database, id: number, credentialId: number | undefined): Promise<boolean> {
  const idle = db.updateTable('imports').where('id', '=', id).where('status', 'not in', ['queued', 'running']);
  const change = {
    status: 'queued',
    reason: null,
    waiting_until: null,
    finished_at: null,
    cancel_asked: 0,
    tries: 0,
    waited_ms: 0,
    ...(credentialId === undefined ? {} : { credential_id: credentialId }),
  } as const;
  return (await idle.set(change).executeTakeFirst()).numUpdatedRows === 1n;
}

/** Imports of a person that wait for something to read with go on with this. */
export async function wakeImports(
  trx: Transaction,
  { accountId, provider, credentialId }: { accountId: number; provider: string; credentialId: number },
): Promise<void> {
  await trx
    .updateTable('imports')
    .set({ status: 'queued', reason: null, credential_id: credentialId })
    .where('account_id', '=', accountId)
    .where('status', '=', 'waiting')
    .where('waiting_until', 'is', null)
    .where('project_id', 'in', (eb) => eb.selectFrom('projects').select('id').where('source_provider', '=', provider))
    .execute();
}

/** In a transaction of `whileHolding`. */
export async function noteOnImport(
  trx: Transaction,
  importId: number,
  change: Pick<Updateable<ImportTables['imports']>, 'stage' | 'verification'>,
): Promise<void> {
  await trx.updateTable('imports').set(change).where('id', '=', importId).execute();
}
