// SQLite through better-sqlite3.
import { setTimeout } from 'node:timers/promises';
import type { DatabaseConnection, QueryResult } from 'kysely';
import { CompiledQuery, sql, SqliteDialect, SqliteDriver } from 'kysely';
import BetterSqlite3 from 'better-sqlite3';
import type { Dialect } from './dialect.ts';
import { StartProblem } from '../errors.ts';
import { codeOf } from './dialect.ts';

/** How long a statement waits for another process that writes; then the request is told 503. */
const MAX_WAIT_MS = 2000;
const RETRY_EVERY_MS = 20;
const MAX_STATEMENTS = 500;

/** What better-sqlite3 and Kysely say of a database that has been closed. */
const CLOSED = /^(The database connection is not open|driver has already been destroyed)$/;

const DAMAGED = /^SQLITE_(CORRUPT|NOTADB)/;

export const sqlite: Dialect = {
  name: 'sqlite',
  idType: 'integer',
  idColumn: (c) => c.primaryKey().autoIncrement().notNull(),
  keyType: 'text',
  upgradesAtStart: true,
  // BEGIN IMMEDIATE (see beginTransaction) has taken the write lock already.
  lock: async () => undefined,
  reclaim: async (db) => {
    await sql`pragma incremental_vacuum(200)`.execute(db);
  },
  findDamage: async (db, maxBytes = Infinity) => {
    try {
      const { rows: sizes } = await sql<{ bytes: number }>`
        select page_count * page_size as bytes from pragma_page_count, pragma_page_size`.execute(db);
      if ((sizes[0]?.bytes ?? 0) > maxBytes) return undefined;
      const { rows } = await sql<{ quick_check: string }>`pragma quick_check(1)`.execute(db);
      const found = rows[0]?.quick_check.split('\n').at(-1); // the first line only names the database
      return found === 'ok' ? undefined : found;
    } catch (error) {
      if (DAMAGED.test(codeOf(error))) return (error as Error).message;
      throw error;
    }
  },
  isUniqueViolation: (error) => /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)/.test(codeOf(error)),
  isConflict: () => false, // one writer at a time
  isMissingTable: (error) => codeOf(error) === 'SQLITE_ERROR' && /^no such table/.test((error as Error).message),
  isUnavailable: (error) =>
    /^SQLITE_(BUSY|LOCKED|READONLY|IOERR|FULL|CANTOPEN|CORRUPT|NOTADB|PROTOCOL)/.test(codeOf(error)) ||
    (error instanceof Error && CLOSED.test(error.message)),
};

/**
 * Opens (and makes) a database file in WAL mode. What is acknowledged survives the end of the process, however it comes.
 * A transaction is on the disk as well before it is acknowledged, and survives a power failure; waiting for the disk at
 * each statement on its own (a started flow, a counter, "seen at") would cost a sign-in most of its time. So: what must
 * not be lost is written in a transaction. @see https://www.sqlite.org/pragma.html#pragma_synchronous
 */
export function sqliteDialect(path: string): SqliteDialect {
  try {
    return new OurSqliteDialect(openFile(path));
  } catch (error) {
    throw explain(error, path);
  }
}

function openFile(path: string): BetterSqlite3.Database {
  const database = new BetterSqlite3(path, { timeout: MAX_WAIT_MS });
  database.pragma('auto_vacuum = INCREMENTAL'); // of a new file: sweeping gives space back
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL'); // FULL within transactions
  // A checkpoint stops this process while it writes: oftener and shorter than SQLite's usual 1,000 pages.
  database.pragma('wal_autocheckpoint = 250');
  database.pragma('foreign_keys = ON');
  database.pragma('busy_timeout = 0'); // from here on PatientConnection waits
  return database;
}

function explain(error: unknown, path: string): unknown {
  if (error instanceof Error && error.message.startsWith('Could not locate the bindings file')) {
    return new StartProblem(
      "the SQLite binding is missing: npm has skipped or failed its install step. Run 'npm rebuild better-sqlite3'; " +
        'where no ready-made file can be fetched it needs a C++ compiler, make and Python 3',
    );
  }
  if (DAMAGED.test(codeOf(error))) return damaged(`${path} is damaged: ${(error as Error).message}`);
  if (error instanceof TypeError || codeOf(error).startsWith('SQLITE_')) {
    return new StartProblem(
      `${path} cannot be opened: ${(error as Error).message}. Check that the folder is there and writable`,
    );
  }
  return error;
}

/** What to say of a damaged database. Going on with it would answer from what is left, and write over what can be saved. */
export function damaged(what: string): StartProblem {
  return new StartProblem(`${what}. Keep the file for a look, and restore the backup: docs/operations.md`);
}

class OurSqliteDialect extends SqliteDialect {
  readonly #database: BetterSqlite3.Database;

  constructor(database: BetterSqlite3.Database) {
    super({ database });
    this.#database = database;
  }

  override createDriver(): SqliteDriver {
    return new OurSqliteDriver(this.#database);
  }
}

class OurSqliteDriver extends SqliteDriver {
  readonly #database: BetterSqlite3.Database;
  readonly #statements: Statements;

  constructor(database: BetterSqlite3.Database) {
    super({ database });
    this.#database = database;
    this.#statements = new Statements(database);
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    // From now, not from its turn: those that queue behind a waiting writer do not add their waits up.
    const deadline = performance.now() + MAX_WAIT_MS;
    await super.acquireConnection();
    return new PatientConnection(this.#statements, deadline);
  }

  /**
   * Takes the write lock at BEGIN. With SQLite's default a transaction that reads first and writes later fails at once
   * (SQLITE_BUSY_SNAPSHOT, no waiting) when another process wrote in between.
   * @see https://www.sqlite.org/isolation.html
   */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    this.#database.pragma('synchronous = FULL');
    try {
      await connection.executeQuery(CompiledQuery.raw('begin immediate'));
    } catch (error) {
      this.#database.pragma('synchronous = NORMAL');
      throw error;
    }
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#database.pragma('synchronous = NORMAL');
  }

  /**
   * A disk that is full ends the transaction by itself. Then there is nothing to roll back, and saying so must not hide
   * the reason. @see https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
   */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection).catch((error: unknown) => {
      if (!(error instanceof Error && error.message === 'cannot rollback - no transaction is active')) throw error;
    });
    this.#database.pragma('synchronous = NORMAL');
  }
}

/** Prepared statements by their text. Preparing one anew takes longer than running it. */
class Statements {
  readonly #database: BetterSqlite3.Database;
  readonly #prepared = new Map<string, BetterSqlite3.Statement>();

  constructor(database: BetterSqlite3.Database) {
    this.#database = database;
  }

  run<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    // A pragma may work row by row without saying so beforehand, as incremental_vacuum does.
    if (sql.startsWith('pragma ')) return { rows: this.#database.pragma(sql.slice(7)) as R[] };
    const statement = this.#prepare(sql);
    if (statement.reader) return { rows: statement.all(parameters) as R[] };
    const { changes, lastInsertRowid } = statement.run(parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  #prepare(sql: string): BetterSqlite3.Statement {
    const known = this.#prepared.get(sql);
    if (known) return known;
    // The texts are ours and few; lists of varying length in one of them must not fill the memory all the same.
    if (this.#prepared.size >= MAX_STATEMENTS) this.#prepared.clear();
    const statement = this.#database.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}

/**
 * Waits for another process without stopping this one: SQLite's own waiting (busy_timeout) sleeps inside the call, and
 * with it every request, also those that need no database.
 */
class PatientConnection implements DatabaseConnection {
  readonly #statements: Statements;
  readonly #deadline: number;

  constructor(statements: Statements, deadline: number) {
    this.#statements = statements;
    this.#deadline = deadline;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    for (;;) {
      try {
        return this.#statements.run<R>(query);
      } catch (error) {
        if (!/^SQLITE_BUSY/.test(codeOf(error)) || performance.now() > this.#deadline) throw error;
        await setTimeout(RETRY_EVERY_MS);
      }
    }
  }

  streamQuery(): never {
    throw new Error('rows are not streamed: a SQLite connection serves everybody');
  }
}
