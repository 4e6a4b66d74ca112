// What happened in an import, in words for people. No other file writes `import_log`.
import type { Database } from '../db/tables.ts';

/** As long as a line may be. */
const MOST_CHARACTERS = 1000;

/** @param text our own words: no foreign message, address with a query, or secret is part of it */
export async function writeLine(db: Database, importId: number, text: string, now: number): Promise<void> {
  const line = { import_id: importId, at: now, text: text.slice(0, MOST_CHARACTERS) };
  await db.insertInto('import_log').values(line).execute();
}

/** The newest lines, oldest first. */
export async function readLines(
  db: Database,
  importId: number,
  { limit = 200, after = 0 }: { limit?: number; after?: number } = {},
): Promise<{ id: number; at: number; text: string }[]> {
  const lines = db.selectFrom('import_log').select(['id', 'at', 'text']).where('import_id', '=', importId);
  const newest = await lines.where('id', '>', after).orderBy('id', 'desc').limit(limit).execute();
  return newest.reverse();
}
