// Databases for the benchmark: a schema of its own in PostgreSQL, and SQLite files with many people in them.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import BetterSqlite3 from 'better-sqlite3';
import pg from 'pg';

const DAY_MS = 86_400_000;

/** Schemas that this process has made. */
let made = 0;

/** Makes an empty schema in the database of TEST_POSTGRES_URL. @returns the URL that leads to it, and how to count in it and to drop it */
export async function makeSchema(postgresUrl) {
  made += 1;
  const name = `gatehouse_bench_${process.pid}_${made}`;
  const url = new URL(postgresUrl);
  url.searchParams.set('options', `-c search_path=${name}`);
  await query(postgresUrl, `create schema ${name}`);
  const { rows } = await query(postgresUrl, 'show server_version');
  const drop = () => query(postgresUrl, `set client_min_messages = warning; drop schema ${name} cascade`);
  const count = async (text) => Number(Object.values((await query(url.href, text)).rows[0])[0]);
  return { url: url.href, drop, count, version: rows[0].server_version };
}

async function query(connectionString, text) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

/**
 * Fills a migrated SQLite database: `count` people of the stand-in's numbering, an identity and a session each.
 * @returns seconds it took
 */
export function fill(folder, count) {
  const now = Date.now();
  const people = numbers(count);
  return write(
    folder,
    `insert into accounts (id, username, name, email, email_key, state, admin, created_at)
      ${people} select n + 1000, 'person-' || n, 'Person ' || n, 'person-' || n || '@example.com',
        'person-' || n || '@example.com', 'active', 0, ${now} from numbers;
    insert into identities (account_id, provider, extern_uid, display_name, created_at, last_used_at)
      ${people} select n + 1000, 'bitbucket', printf('{00000000-0000-4000-8000-%012x}', n), 'Person ' || n,
        ${now}, ${now} from numbers;
    ${insertSessions({ count, account: 'n + 1000', seenAt: now })}`,
  );
}

/** Adds sessions that ended yesterday, all of the first account. */
export function fillExpired(folder, count) {
  return write(
    folder,
    insertSessions({ count, account: '(select min(id) from accounts)', seenAt: Date.now() - 2 * DAY_MS }),
  );
}

function insertSessions({ count, account, seenAt }) {
  return `insert into sessions (id_hash, account_id, data, version, remembered, created_at, seen_at, expires_at)
    ${numbers(count)} select lower(hex(randomblob(32))) as id_hash, ${account},
      '{"passport":{"user":' || (${account}) || '}}', 1, 0, ${seenAt}, ${seenAt}, ${seenAt + DAY_MS}
      from numbers order by id_hash;`;
}

function numbers(count) {
  return `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})`;
}

function write(folder, sql) {
  const start = performance.now();
  const db = new BetterSqlite3(join(folder, 'gatehouse.db'));
  db.pragma('synchronous = OFF');
  db.pragma('cache_size = -200000');
  db.pragma('foreign_keys = OFF');
  db.exec(`begin; ${sql} commit;`);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  return (performance.now() - start) / 1000;
}
