// SQLite through better-sqlite3.
import type { DatabaseConnection } from 'kysely';
import { CompiledQuery, SqliteDialect, SqliteDriver } from 'kysely';
import BetterSqlite3 from 'better-sqlite3';
import type { Dialect } from './dialect.ts';
import { DatabaseProblem } from './dialect.ts';

/** How long one statement waits for another process that writes. Short: better-sqlite3 waits with the whole process. */
const BUSY_TIMEOUT_MS = 2000;

/** What better-sqlite3 and Kysely say of a database that has been closed. */
const CLOSED = /^(The database connection is not open|driver has already been destroyed)$/;

export const sqlite: Dialect = {
  name: 'sqlite',
  idType: 'integer',
  idColumn: (c) => c.primaryKey().autoIncrement().notNull(),
  keyType: 'text',
  upgradesAtStart: true,
  // BEGIN IMMEDIATE (see ImmediateSqliteDriver) has taken the write lock already.
  lockForMigration: async () => undefined,
  isUniqueViolation: (error) => /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)/.test(sqliteCode(error)),
  isUnavailable: (error) =>
    /^SQLITE_(BUSY|LOCKED|READONLY|IOERR|FULL|CANTOPEN|CORRUPT|NOTADB|PROTOCOL)/.test(sqliteCode(error)) ||
    (error instanceof Error && CLOSED.test(error.message)),
};

function sqliteCode(error: unknown): string {
  return error instanceof BetterSqlite3.SqliteError ? error.code : '';
}

/** Opens (and makes) a database file in WAL mode. Writes are on disk before they are acknowledged. */
export function sqliteDialect(path: string): SqliteDialect {
  const database = openFile(path);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  return new ImmediateSqliteDialect({ database });
}

function openFile(path: string): BetterSqlite3.Database {
  try {
    return new BetterSqlite3(path, { timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Could not locate the bindings file')) {
      throw new DatabaseProblem(
        "the SQLite binding is missing: npm has skipped or failed its install step. Run 'npm rebuild better-sqlite3'; " +
          'where no ready-made file can be fetched it needs a C++ compiler, make and Python 3',
      );
    }
    if (error instanceof TypeError || error instanceof BetterSqlite3.SqliteError) {
      throw new DatabaseProblem(
        `${path} cannot be opened: ${error.message}. Check that the folder is there and writable`,
      );
    }
    throw error;
  }
}

class ImmediateSqliteDialect extends SqliteDialect {
  readonly #config: ConstructorParameters<typeof SqliteDialect>[0];

  constructor(config: ConstructorParameters<typeof SqliteDialect>[0]) {
    super(config);
    this.#config = config;
  }

  override createDriver(): SqliteDriver {
    return new ImmediateSqliteDriver(this.#config);
  }
}

/**
 * Takes the write lock at BEGIN. With SQLite's default a transaction that reads first and writes later fails at once
 * (SQLITE_BUSY_SNAPSHOT, no waiting) when another process wrote in between.
 * @see https://www.sqlite.org/isolation.html
 */
class ImmediateSqliteDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}
