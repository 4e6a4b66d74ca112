// Where git finds the source of a project, as the API says.
import type { Kysely } from 'kysely';

export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('projects').addColumn('source_clone_url', 'text').execute();
}
