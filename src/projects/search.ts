// Searching in lists of ours: a text stands anywhere in one of the columns, whatever its case.
import type { Expression, SqlBool } from 'kysely';
import { sql } from 'kysely';

/** SQLite knows capitals of ASCII only: what is typed as it stands there is found as well. */
export function foundIn(columns: readonly string[], search: string): Expression<SqlBool> {
  const [asTyped, lower] = [patternOf(search), patternOf(search.toLowerCase())];
  const conditions = columns.map(
    (column) => sql<SqlBool>`(lower(${sql.ref(column)}) like ${lower} escape '\\'
      or ${sql.ref(column)} like ${asTyped} escape '\\')`,
  );
  return sql<SqlBool>`(${sql.join(conditions, sql` or `)})`;
}

/** Nothing in it is a wildcard. */
function patternOf(search: string): string {
  return `%${search.replace(/[\\%_]/g, '\\$&')}%`;
}
