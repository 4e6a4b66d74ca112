// How far the stages of an import are. No other file writes `import_stages`.
import type { Updateable } from 'kysely';
import type { ImportStage, ImportTables } from '../db/import-tables.ts';
import type { Database, Transaction } from '../db/tables.ts';
import { byImport } from './grouped.ts';
import type { StageName } from './stage-names.ts';
import { STAGE_NAMES } from './stage-names.ts';

/**
 * Gives an import the stages of this version, in their order. A new one has none yet; one that another version has begun
 * keeps what it knows of those it has, and those that nobody knows any more go.
 */
export async function settleStages(trx: Transaction, importId: number): Promise<void> {
  const rows = STAGE_NAMES.map((name, position) => ({
    import_id: importId,
    position,
    name,
    status: 'pending' as const,
  }));
  const unknown = trx.deleteFrom('import_stages').where('import_id', '=', importId);
  await unknown.where('name', 'not in', STAGE_NAMES).execute();
  await trx
    .insertInto('import_stages')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['import_id', 'name']).doUpdateSet((eb) => ({ position: eb.ref('excluded.position') })),
    )
    .execute();
}

export async function listStages(db: Database, importId: number): Promise<ImportStage[]> {
  return (await listStagesOf(db, [importId])).get(importId) ?? [];
}

/** Of several imports, by their ids. */
export async function listStagesOf(db: Database, importIds: number[]): Promise<Map<number, ImportStage[]>> {
  if (importIds.length === 0) return new Map();
  const stages = db.selectFrom('import_stages').selectAll().where('import_id', 'in', importIds);
  return byImport(await stages.orderBy('position').execute());
}

/** What changes of a stage; what is not named stays. */
export type StageChange = Pick<
  Updateable<ImportTables['import_stages']>,
  'status' | 'done' | 'total' | 'skipped' | 'cursor'
>;

export async function updateStage(db: Database, importId: number, name: StageName, change: StageChange): Promise<void> {
  if (Object.keys(change).length === 0) return;
  const stage = db.updateTable('import_stages').set(change).where('import_id', '=', importId);
  await stage.where('name', '=', name).execute();
}

/** @param leftOut how many items of the stage are not here; all others are */
export async function recountStage(
  trx: Transaction,
  importId: number,
  name: StageName,
  leftOut: number,
): Promise<void> {
  const stage = trx.selectFrom('import_stages').select('total').where('import_id', '=', importId);
  const { total } = await stage.where('name', '=', name).executeTakeFirstOrThrow();
  if (total === null) return;
  await updateStage(trx, importId, name, { done: Math.max(0, total - leftOut), skipped: leftOut });
}

/** Once more, before the import ends. The cursor stays: what it names is still to be brought, see catch-up.ts. */
export async function verifyAgain(db: Database, importId: number): Promise<void> {
  await updateStage(db, importId, 'verification', { status: 'pending', done: 0, total: null, skipped: 0 });
}
