// PostgreSQL through pg's pool.
import { PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { Dialect } from './dialect.ts';
import { codeOf } from './dialect.ts';

/** Beyond this a request is told 503 instead of waiting: for a connection, and for one statement. */
const CONNECT_TIMEOUT_MS = 2000;
const STATEMENT_TIMEOUT_MS = 5000;
const MAX_CONNECTIONS = 10;
const LIMITS = {
  statement_timeout: STATEMENT_TIMEOUT_MS,
  // Above the server's own limit, for a server that does not answer at all.
  query_timeout: STATEMENT_TIMEOUT_MS + 1000,
  idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
};

export const postgres: Dialect = {
  name: 'postgres',
  idType: 'bigint',
  idColumn: (c) => c.primaryKey().generatedAlwaysAsIdentity().notNull(),
  // By bytes, as SQLite compares: other collations skip punctuation and differ from machine to machine.
  keyType: sql`text collate "C"`,
  upgradesAtStart: false,
  lock: async (transaction, name) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction);
  },
  reclaim: async () => undefined, // autovacuum does
  isUniqueViolation: (error) => codeOf(error) === '23505',
  isUnavailable: (error) => UNAVAILABLE.test(codeOf(error)) || (error instanceof Error && LOST.test(error.message)),
};

/**
 * Connection trouble, shutting down, out of resources, read-only, a lock or time limit reached.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE =
  /^(08...|53...|57...|58...|25006|25P03|40001|40P01|55P03|28...|3D000|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT)$/;
/** What pg and Kysely say without a code. */
const LOST =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Cannot use a pool after calling end|Client has encountered a connection error|driver has already been destroyed)/;

/** @param patient for migrations, which may take long and wait for each other */
export function postgresDialect(url: string, patient = false): PostgresDialect {
  const pool = new pg.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...(patient ? {} : LIMITS),
    keepAlive: true,
    types: { getTypeParser },
  });
  // A connection that breaks while idle is dropped by the pool; without a listener the process would end.
  pool.on('error', () => undefined);
  return new PostgresDialect({ pool });
}

/** PostgreSQL's number for `bigint`. Our counts and times fit a JavaScript number; pg would hand them over as text. */
const BIGINT = 20;
const getTypeParser: typeof pg.types.getTypeParser = (id: number, format?: 'text' | 'binary') =>
  id === BIGINT ? Number : (pg.types.getTypeParser(id, format) as (value: string) => unknown);
