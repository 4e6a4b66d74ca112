// Counters of pull requests that Bitbucket does not tell: null instead of 0. A column cannot be made nullable in SQLite, so
// it is made anew.
import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<never>): Promise<void> {
  for (const column of ['comment_count', 'task_count']) {
    await db.schema.alterTable('pull_requests').addColumn('told', 'integer').execute();
    await sql`update pull_requests set told = ${sql.ref(column)}`.execute(db);
    await db.schema.alterTable('pull_requests').dropColumn(column).execute();
    await db.schema.alterTable('pull_requests').renameColumn('told', column).execute();
  }
}
