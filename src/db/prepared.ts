// Statements of the hot paths, built once: building one with Kysely takes several times as long as SQLite runs it.
import type { Compilable, CompiledQuery } from 'kysely';
import type { Database } from './tables.ts';

/** Stands for the n-th parameter while a statement is built. */
class Placeholder {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

/**
 * @param build makes the statement; its parameters must go into it as they are, because they are placeholders
 * @returns a function that runs it and gives its rows
 */
export function prepared<P extends unknown[], R>(
  build: (db: Database, ...parameters: P) => Compilable<R>,
): (db: Database, ...parameters: P) => Promise<R[]> {
  /** The text differs between databases; transactions of a database share its adapter. */
  const compiled = new WeakMap<object, CompiledQuery<R>>();
  return async (db, ...parameters) => {
    const { adapter } = db.getExecutor();
    let query = compiled.get(adapter);
    if (!query) {
      const placeholders = parameters.map((_, index) => new Placeholder(index)) as unknown as P;
      query = build(db, ...placeholders).compile();
      compiled.set(adapter, query);
    }
    const values = query.parameters.map((value) => (value instanceof Placeholder ? parameters[value.index] : value));
    return (await db.executeQuery<R>({ ...query, parameters: values })).rows;
  };
}
