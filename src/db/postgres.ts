// PostgreSQL through pg's pool.
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { PostgresDialect, sql } from 'kysely';
import type pg from 'pg';
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
  findDamage: () => Promise.resolve(undefined), // its own business: data checksums
  isUniqueViolation: (error) => codeOf(error) === '23505',
  isConflict: (error) => /^(40001|40P01)$/.test(codeOf(error)), // serialization failure, deadlock
  isMissingTable: (error) => codeOf(error) === '42P01',
  isUnavailable: (error) =>
    (UNAVAILABLE.test(codeOf(error)) && !isOfFile(error)) || (error instanceof Error && LOST.test(error.message)),
};

/**
 * Connection trouble, shutting down, out of resources, read-only, a lock or time limit reached.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE =
  /^(08...|53...|57...|58...|25006|25P03|40001|40P01|55P03|28...|3D000|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT)$/;
/** ENOENT is a socket that is not there, and of a file it is no business of the database. */
function isOfFile(error: unknown): boolean {
  return error instanceof Error && 'path' in error;
}

/** What pg and Kysely say without a code. */
const LOST =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Cannot use a pool after calling end|Client has encountered a connection error|driver has already been destroyed)/;

/** @param patient for migrations, which may take long and wait for each other */
export function postgresDialect(url: string, patient = false): PostgresDialect {
  return new PostgresDialect({ pool: () => openPool(url, patient) });
}

async function openPool(url: string, patient: boolean): Promise<PostgresPool> {
  // Not at the top: whoever has SQLite starts without it, a twentieth of a second sooner.
  const { default: driver } = await import('pg');
  const pool = new driver.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...(patient ? {} : LIMITS),
    keepAlive: true,
    types: { getTypeParser: typeParserOf(driver) },
  });
  // A connection may break at any moment, in the pool or between two statements of a request. The pool drops it and the
  // next statement fails; but without a listener, of the pool and of the connection itself, the process would end.
  pool.on('error', () => undefined);
  pool.on('connect', (connection) => connection.on('error', () => undefined));
  return droppingSpoiled(pool);
}

/**
 * Closes connections that would spoil what comes next instead of putting them back: one with an answer overdue keeps
 * its next user waiting behind that answer, perhaps for ever; one that was read-only may stay so after a fail-over.
 */
function droppingSpoiled(pool: pg.Pool): PostgresPool {
  return {
    connect: async () => {
      const connection = await pool.connect();
      let spoiled: Error | undefined;
      const query = async (text: string, parameters: readonly unknown[]) => {
        if (spoiled) throw spoiled; // the ROLLBACK of a transaction that has failed would wait just as long
        try {
          return await connection.query(text, [...parameters]);
        } catch (error) {
          if (isSpoiling(error)) spoiled = error;
          throw error;
        }
      };
      return {
        query: query as unknown as PostgresPoolClient['query'], // without cursors, which nobody here uses
        release: (destroy) => connection.release(destroy || spoiled),
      };
    },
    end: () => pool.end(),
  };
}

function isSpoiling(error: unknown): error is Error {
  return error instanceof Error && (error.message === 'Query read timeout' || codeOf(error) === '25006');
}

/** PostgreSQL's number for `bigint`. Our counts and times fit a JavaScript number; pg would hand them over as text. */
const BIGINT = 20;
function typeParserOf({ types }: typeof pg): typeof pg.types.getTypeParser {
  return (id: number, format?: 'text' | 'binary') =>
    id === BIGINT ? Number : (types.getTypeParser(id, format) as (value: string) => unknown);
}
