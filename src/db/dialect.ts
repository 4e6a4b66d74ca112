// What differs between databases, in one place. A database is a `Dialect`, nothing else in the code asks which one it is.
import type { ColumnBuilderCallback, ColumnDataType, QueryExecutorProvider, RawBuilder } from 'kysely';

export interface Dialect {
  name: 'sqlite' | 'postgres';
  /** Column type and constraints of a key that counts up and never gives a number twice. */
  idType: ColumnDataType;
  idColumn: ColumnBuilderCallback;
  /** Type of a text that is compared or searched by: by bytes, on every machine. */
  keyType: ColumnDataType | RawBuilder<unknown>;
  /** Whether a starting server upgrades the schema itself. One of several servers must not do that to the others. */
  upgradesAtStart: boolean;
  /** Until the transaction ends, others that take the same lock wait. */
  lock(transaction: QueryExecutorProvider, name: string): Promise<void>;
  /** Gives space of deleted rows back, a little at a time. */
  reclaim(db: QueryExecutorProvider): Promise<void>;
  /** @returns what is damaged in the file, as far as a look over its pages shows; files above `maxBytes` are not looked at */
  findDamage(db: QueryExecutorProvider, maxBytes?: number): Promise<string | undefined>;
  /** True when a statement failed because a row with the same unique key exists. */
  isUniqueViolation(error: unknown): boolean;
  /** True when a transaction was undone because another one was in its way: the same again may succeed. */
  isConflict(error: unknown): boolean;
  /** True when a statement failed because there is no such table. */
  isMissingTable(error: unknown): boolean;
  /** True when the database could not be asked: away, locked, read-only, full. The request ends as 503. */
  isUnavailable(error: unknown): boolean;
}

/** The code of a driver's error, '' for anything else. Not by class: which class it has depends on who loaded the driver. */
export function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}
