// Opens the database that the configuration names.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Dialect as KyselyDialect } from 'kysely';
import { Kysely } from 'kysely';
import type { DatabaseAddress } from '../config/database-url.ts';
import { StartProblem } from '../errors.ts';
import type { Dialect } from './dialect.ts';
import { migrate, schemaVersion } from './migrate.ts';
import { postgres, postgresDialect } from './postgres.ts';
import { sqlite, sqliteDialect } from './sqlite.ts';
import type { Database, Tables } from './tables.ts';

export interface OpenDatabase {
  db: Database;
  dialect: Dialect;
  /** Brings the schema to this version; see `migrate`. */
  migrate(): Promise<[number, number]>;
  /** Version of the schema as it is; see `schemaVersion`. */
  version(): Promise<number>;
}

/** A SQLite file is made where there is none, and its folder too, readable by its owner only. */
export function openDatabase(address: DatabaseAddress): OpenDatabase {
  if (address.kind === 'postgres') {
    return { ...open(postgres, postgresDialect(address.url)), migrate: () => migratePatiently(address.url) };
  }
  if (address.path !== ':memory:') makeFolder(dirname(address.path));
  return open(sqlite, sqliteDialect(address.path));
}

/** In a read-only file system Node says "no such file or directory", which sends people looking in the wrong place. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    throw new StartProblem(`the folder ${path} cannot be made. Make it, and give it to the user Gatehouse runs as`);
  }
}

/** @returns what a command ends with: of a database that cannot be asked, a line with the next step */
export function orUnusable(error: unknown, { isUnavailable }: Dialect): unknown {
  if (!isUnavailable(error)) return error;
  const words = (error as Error).message;
  return new StartProblem(`the database cannot be used: ${words}. Check that it runs, and database_url or data_dir`);
}

async function migratePatiently(url: string): Promise<[number, number]> {
  const db = new Kysely<never>({ dialect: postgresDialect(url, true) });
  return migrate(db, postgres).finally(() => db.destroy());
}

function open(dialect: Dialect, kyselyDialect: KyselyDialect): OpenDatabase {
  const db = new Kysely<Tables>({ dialect: kyselyDialect });
  const untyped = db as unknown as Kysely<never>;
  return { db, dialect, migrate: () => migrate(untyped, dialect), version: () => schemaVersion(untyped, dialect) };
}
