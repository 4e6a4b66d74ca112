// Opens the database that the configuration names.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely } from 'kysely';
import type { Dialect } from './dialect.ts';
import { sqlite, sqliteDialect } from './dialect.ts';
import { migrate, schemaVersion } from './migrate.ts';
import type { Database, Tables } from './tables.ts';

export interface OpenDatabase {
  db: Database;
  dialect: Dialect;
  /** Brings the schema to this version; see `migrate`. */
  migrate(): Promise<[number, number]>;
  /** Version of the schema as it is; see `schemaVersion`. */
  version(): Promise<number>;
}

/** Opens (and makes) the SQLite file at `path`; the folder is made too, readable by its owner only. */
export function openSqlite(path: string): OpenDatabase {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const db = new Kysely<Tables>({ dialect: sqliteDialect(path) });
  const untyped = db as unknown as Kysely<never>;
  return { db, dialect: sqlite, migrate: () => migrate(untyped, sqlite), version: () => schemaVersion(untyped) };
}
