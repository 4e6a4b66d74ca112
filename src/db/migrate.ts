// Brings a database to the version of the code: each migration runs once, in order, all of them in one transaction.
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Dialect } from './dialect.ts';
import { StartProblem } from '../errors.ts';
import type { Database } from './tables.ts';
import type { Migration } from './migrations/index.ts';
import { migrations } from './migrations/index.ts';

/**
 * Runs what is missing and returns [version before, version after].
 * Two processes that start at once are safe: the second waits, then finds nothing to do.
 * @throws StartProblem when a newer Gatehouse has written this database; nothing is touched.
 */
export async function migrate(
  db: Kysely<never>,
  dialect: Dialect,
  all: readonly Migration[] = migrations,
): Promise<[number, number]> {
  return db.transaction().execute(async (trx) => {
    await dialect.lock(trx, 'gatehouse migration');
    await sql`create table if not exists schema_version (version integer not null)`.execute(trx);
    const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(trx);
    const before = rows[0]?.version ?? 0;
    if (before > all.length) throw tooNew(before, all.length);
    for (const migration of all.slice(before)) await migration(trx, dialect);
    if (rows.length === 0) await sql`insert into schema_version (version) values (${all.length})`.execute(trx);
    else if (before < all.length) await sql`update schema_version set version = ${all.length}`.execute(trx);
    return [before, all.length];
  });
}

/** @returns the version of the schema; 0 for an empty database */
export async function schemaVersion(db: Kysely<never>, dialect: Dialect): Promise<number> {
  try {
    const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(db);
    return rows[0]?.version ?? 0;
  } catch (error) {
    if (dialect.isMissingTable(error)) return 0;
    throw error;
  }
}

/** Writes and takes it back: a database that can only be read signs nobody in. @throws what the database says */
export async function checkWritable(db: Database): Promise<void> {
  const transaction = await db.startTransaction().execute();
  try {
    await sql`update schema_version set version = version`.execute(transaction);
  } finally {
    await transaction.rollback().execute();
  }
}

/** @throws StartProblem when the schema is not exactly that of this Gatehouse */
export function requireVersion(found: number): void {
  if (found > migrations.length) throw tooNew(found, migrations.length);
  if (found < migrations.length) {
    throw new StartProblem(
      `the database has version ${found}, this Gatehouse needs ${migrations.length}. Run: npx gatehouse migrate`,
    );
  }
}

function tooNew(found: number, known: number): StartProblem {
  return new StartProblem(
    `the database has version ${found}, this Gatehouse knows ${known}. ` +
      'Start the newer Gatehouse again, or restore the backup made before the upgrade.',
  );
}
