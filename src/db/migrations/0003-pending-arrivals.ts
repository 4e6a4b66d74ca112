// What came along with somebody whose proof is waited for.
import type { Kysely } from 'kysely';

export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('pending_links').addColumn('arrival', 'text').execute();
}
