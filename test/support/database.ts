// Which database the tests run on: SQLite, or PostgreSQL in the project of that name (jest.config.js).
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { keepSecret, noteWritten } from './leaks.ts';
import { openDatabase } from '../../src/db/open.ts';

export const onPostgres = process.env['TEST_DATABASE'] === 'postgres';

/** Made schemas that are empty again. Making one takes a second, and every test of a file wants one. */
const free: string[] = [];
const taken = new Map<string, string>();
const made = new Set<string>();

/** The schema that belongs to a data directory, so that a server that comes back finds its data. */
function schemaOf(dataDir: string): string {
  const schema = taken.get(dataDir) ?? free.pop() ?? `gatehouse_test_${randomBytes(6).toString('hex')}`;
  taken.set(dataDir, schema);
  return schema;
}

export function postgresUrl(dataDir: string): string {
  const url = new URL(process.env['TEST_POSTGRES_URL'] ?? '');
  // Where the server asks for no password, one is sent all the same: it must not turn up anywhere.
  url.password ||= 'the-password-of-the-database';
  keepSecret('password of the database', url.password);
  url.searchParams.set('options', `-c search_path=${schemaOf(dataDir)} -c synchronous_commit=off`);
  return url.href;
}

/** Makes the schema and brings it to the present version, as an administrator does with `gatehouse migrate`. */
export async function makeSchema(dataDir: string): Promise<void> {
  if (made.has(schemaOf(dataDir))) return;
  made.add(schemaOf(dataDir));
  await query(`create schema if not exists ${schemaOf(dataDir)}`);
  const { db, migrate } = openDatabase({ kind: 'postgres', url: postgresUrl(dataDir) });
  await migrate();
  await db.destroy();
}

/** Looks for secrets in it, empties it, and keeps it for the next test of this file. */
export async function dropSchema(dataDir: string): Promise<void> {
  const schema = taken.get(dataDir);
  if (schema === undefined) return;
  taken.delete(dataDir);
  const rows = await query(
    `select schema_to_xml(nspname::text, true, true, '') from pg_namespace where nspname = '${schema}'`,
  );
  noteWritten('database', 'rows', JSON.stringify(rows));
  try {
    await query(`set search_path = ${schema}; ${EMPTY}`);
    free.push(schema);
  } catch {
    await drop(schema); // a test has changed its tables
  }
}

const TABLES =
  'credential_waits import_log import_failures import_stages imports import_credentials source_settings attachments lfs_objects activity tasks comments pull_request_people pull_requests people projects deleted_projects limits flows settings audit_events sign_in_links pending_links access_tokens provider_tokens sessions identities accounts';
/** Row by row: TRUNCATE makes new files of every table and index. Ids begin at 1 again; ALTER would do it, too, and write the catalogue. */
const EMPTY = [
  ...TABLES.split(' ').map((table) => `delete from ${table}`),
  ...'accounts identities access_tokens audit_events projects imports import_failures import_log import_credentials'
    .split(' ')
    .map((table) => `select setval('${table}_id_seq', 1, false)`),
].join('; ');

async function drop(schema: string): Promise<void> {
  await query(`drop schema if exists ${schema} cascade`);
}

if (onPostgres)
  afterAll(async () => {
    for (const schema of free.splice(0)) await drop(schema);
    await (await client)?.end();
  });

let client: Promise<pg.Client> | undefined;

async function connect(): Promise<pg.Client> {
  const { default: driver } = await import('pg'); // not at the top: tests on SQLite do without it
  const connected = new driver.Client({ connectionString: process.env['TEST_POSTGRES_URL'] });
  await connected.connect();
  await connected.query('set client_min_messages = warning; set synchronous_commit = off');
  return connected;
}

async function query(text: string): Promise<unknown[]> {
  const { rows } = await (await (client ??= connect())).query<object>(text);
  return rows;
}
