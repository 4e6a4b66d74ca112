// All texts of a project's conversations, a few at a time.
import type { Database } from '../db/tables.ts';

const AT_ONCE = 500;

/** Descriptions of pull requests, comments and tasks. */
export async function* pagesOfTexts(
  db: Database,
  projectId: number,
): AsyncGenerator<{ text: string; number: number }[]> {
  for (const read of [descriptions, bodiesOf('comments'), bodiesOf('tasks')]) {
    for (let after = 0; ;) {
      const rows = await read(db, projectId, after);
      const last = rows.at(-1);
      if (last === undefined) break;
      yield rows;
      after = last.id;
    }
  }
}

interface Text {
  id: number;
  number: number;
  text: string;
}

async function descriptions(db: Database, projectId: number, after: number): Promise<Text[]> {
  return db
    .selectFrom('pull_requests')
    .select(['number', 'number as id', 'description as text'])
    .where('project_id', '=', projectId)
    .where('number', '>', after)
    .orderBy('number')
    .limit(AT_ONCE)
    .execute();
}

function bodiesOf(table: 'comments' | 'tasks') {
  return async (db: Database, projectId: number, after: number): Promise<Text[]> =>
    db
      .selectFrom(table)
      .select(['number', 'id', 'body as text'])
      .where('project_id', '=', projectId)
      .where('id', '>', after)
      .orderBy('id')
      .limit(AT_ONCE)
      .execute();
}
