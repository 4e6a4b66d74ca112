// A PostgreSQL database of a test's own on the server of TEST_POSTGRES_URL, so that it may be spoiled.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { openDatabase } from '../../src/db/open.ts';
import { closeAtEnd } from '../support/at-end.ts';

export interface TestDatabase {
  name: string;
  url: string;
  /** The same by way of another port on this machine. */
  urlBy(port: number): string;
  host: string;
  port: number;
  /** Runs SQL as the administrator, outside of this database. */
  administer(sql: string): Promise<void>;
  /** Runs SQL in this database. @returns the rows of the last statement */
  run(sql: string): Promise<Record<string, unknown>[]>;
  /** Ends every connection to this database, as a restart of PostgreSQL does, and waits until they have ended. */
  endConnections(): Promise<void>;
}

export async function makeDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const server = process.env['TEST_POSTGRES_URL'] ?? '';
  const name = `gatehouse_test_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const administer = async (sql: string) => void (await query(server, sql));
  await administer(`create database ${name}`);
  closeAtEnd(() => administer(`drop database ${name} with (force)`));
  if (!empty) {
    const { db, migrate } = openDatabase({ kind: 'postgres', url: url.href });
    await migrate();
    await db.destroy();
  }
  return {
    name,
    url: url.href,
    urlBy: (port) => {
      const other = new URL(url);
      other.host = `127.0.0.1:${port}`;
      return other.href;
    },
    host: url.hostname,
    port: Number(url.port || 5432),
    administer,
    run: (sql) => query(url.href, sql),
    // With the time that it may take: otherwise it only says so to the other process, which on a busy machine still answers.
    endConnections: () =>
      administer(`select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = '${name}'`),
  };
}

async function query(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const answers = [await client.query<Record<string, unknown>>(sql)].flat(); // several statements give several
    return answers.at(-1)?.rows ?? [];
  } finally {
    await client.end();
  }
}
