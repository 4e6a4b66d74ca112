// Projects that were deleted and whose files are still to be removed; see project-tables.ts.
import type { Kysely } from 'kysely';

export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('deleted_projects')
    .addColumn('id', 'bigint', (c) => c.primaryKey().notNull())
    .addColumn('deleted_at', 'bigint', (c) => c.notNull())
    .execute();
}
