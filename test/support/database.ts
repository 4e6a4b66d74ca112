// Which database the tests run on: SQLite, or PostgreSQL in the project of that name (jest.config.js).
import { createHash } from 'node:crypto';
import pg from 'pg';
import { keepSecret, noteWritten } from './leaks.ts';
import { openDatabase } from '../../src/db/open.ts';

export const onPostgres = process.env['TEST_DATABASE'] === 'postgres';

/** The schema that belongs to a data directory, so that a server that comes back finds its data. */
function schemaOf(dataDir: string): string {
  return `gatehouse_test_${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
}

export function postgresUrl(dataDir: string): string {
  const url = new URL(process.env['TEST_POSTGRES_URL'] ?? '');
  // Where the server asks for no password, one is sent all the same: it must not turn up anywhere.
  url.password ||= 'the-password-of-the-database';
  keepSecret('password of the database', url.password);
  url.searchParams.set('options', `-c search_path=${schemaOf(dataDir)}`);
  return url.href;
}

/** Makes the schema and brings it to the present version, as an administrator does with `gatehouse migrate`. */
export async function makeSchema(dataDir: string): Promise<void> {
  await query(`create schema if not exists ${schemaOf(dataDir)}`);
  const { db, migrate } = openDatabase({ kind: 'postgres', url: postgresUrl(dataDir) });
  await migrate();
  await db.destroy();
}

export async function dropSchema(dataDir: string): Promise<void> {
  const rows = await query(
    `select schema_to_xml(nspname::text, true, true, '') from pg_namespace where nspname = '${schemaOf(dataDir)}'`,
  );
  noteWritten('database', 'rows', JSON.stringify(rows));
  await query(`drop schema if exists ${schemaOf(dataDir)} cascade`);
}

async function query(text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: process.env['TEST_POSTGRES_URL'] });
  await client.connect();
  await client.query('set client_min_messages = warning');
  const { rows } = await client.query<object>(text);
  await client.end();
  return rows;
}
