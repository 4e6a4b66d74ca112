// What an import could not bring, item by item. No other file writes `import_failures`.
import type { ImportFailure } from '../db/import-tables.ts';
import type { Database } from '../db/tables.ts';
import { byImport } from './grouped.ts';
import type { StageName } from './stage-names.ts';

/** Which item, and why it is not here. */
export interface Failure {
  stage: StageName;
  /** `commits`, `comments`, `tasks`, `lfs_object`, `attachment`, … */
  kind: string;
  /** Which one of its kind: (import, kind, key) is there once. */
  key: string;
  /** Its page at Bitbucket. */
  sourceUrl: string | null;
  /** In plain words, for the person. */
  reason: string;
  /** Whether it makes sense to try this again. */
  retryable: boolean;
}

/** @param failure `retry` 1: the next one to look after retries tries it again */
export async function saveFailure(
  db: Database,
  importId: number,
  failure: Failure & { retry: 0 | 1 },
  now: number,
): Promise<void> {
  const { stage, kind, key, sourceUrl, reason, retry } = failure;
  const columns = { stage, source_url: sourceUrl, reason, retryable: failure.retryable ? 1 : 0, retry, at: now };
  await db
    .insertInto('import_failures')
    .values({ import_id: importId, kind, key, ...columns })
    .onConflict((conflict) => conflict.columns(['import_id', 'kind', 'key']).doUpdateSet(columns))
    .execute();
}

/** Which one it is, in one word. */
export function nameOf({ kind, key }: { kind: string; key: string }): string {
  return `${kind} ${key}`;
}

/** All of one import, however many, each as `nameOf` has it. */
export async function listFailedNames(db: Database, importId: number): Promise<string[]> {
  const failures = db.selectFrom('import_failures').select(['kind', 'key']).where('import_id', '=', importId);
  return (await failures.execute()).map(nameOf);
}

/** It is here now. */
export async function forgetFailure(
  db: Database,
  importId: number,
  { kind, key }: { kind: string; key: string },
): Promise<void> {
  const failure = db.deleteFrom('import_failures').where('import_id', '=', importId);
  await failure.where('kind', '=', kind).where('key', '=', key).execute();
}

/** So many of one import are listed; more than that nobody reads. */
const MOST_LISTED = 1000;

/** In the order of their coming. */
export async function listFailures(db: Database, importId: number): Promise<ImportFailure[]> {
  return (await listFailuresOf(db, [importId])).get(importId) ?? [];
}

/** Of several imports, by their ids. */
export async function listFailuresOf(db: Database, importIds: number[]): Promise<Map<number, ImportFailure[]>> {
  if (importIds.length === 0) return new Map();
  const numbered = db
    .selectFrom('import_failures')
    .selectAll()
    .select((eb) =>
      eb.fn
        .agg<number>('row_number')
        .over((over) => over.partitionBy('import_id').orderBy('id'))
        .as('place'),
    )
    .where('import_id', 'in', importIds);
  const first = db.selectFrom(numbered.as('numbered')).selectAll().where('place', '<=', MOST_LISTED);
  return byImport(await first.orderBy('id').execute());
}

/** @param kind of all kinds by default */
export async function countFailures(db: Database, importId: number, kind?: string): Promise<number> {
  const failures = db.selectFrom('import_failures').where('import_id', '=', importId);
  const those = kind === undefined ? failures : failures.where('kind', '=', kind);
  const counted = those.select((eb) => eb.fn.countAll<number | string>().as('count'));
  return Number((await counted.executeTakeFirstOrThrow()).count);
}

/** What was asked for again, of one stage. */
export async function listRetries(db: Database, importId: number, stage: StageName): Promise<ImportFailure[]> {
  const failures = db.selectFrom('import_failures').selectAll().where('import_id', '=', importId);
  return failures.where('stage', '=', stage).where('retry', '=', 1).orderBy('id').execute();
}

/** Asks for one item again, or for all that may be. @returns how many */
export async function askForFailures(db: Database, importId: number, id?: number): Promise<number> {
  const all = db.updateTable('import_failures').set({ retry: 1 }).where('import_id', '=', importId);
  const retryable = all.where('retryable', '=', 1);
  const asked = await (id === undefined ? retryable : retryable.where('id', '=', id)).executeTakeFirst();
  return Number(asked.numUpdatedRows);
}

/** What an earlier import of the project could not bring, the next one tries again. */
export async function takeOverFailures(db: Database, from: number, to: number): Promise<void> {
  await db
    .insertInto('import_failures')
    .columns(['import_id', 'stage', 'kind', 'key', 'source_url', 'reason', 'retryable', 'retry', 'at'])
    .expression((eb) =>
      eb
        .selectFrom('import_failures')
        .select(({ val, ref }) => [
          val(to).as('import_id'),
          'stage',
          'kind',
          'key',
          'source_url',
          'reason',
          'retryable',
          ref('retryable').as('retry'),
          'at',
        ])
        .where('import_id', '=', from),
    )
    .execute();
}
