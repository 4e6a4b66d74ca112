// Migrations and the file they run on.
import { join } from 'node:path';
import { statSync } from 'node:fs';
import { Kysely, sql } from 'kysely';
import { StartProblem } from '../../src/errors.ts';
import { sqlite, sqliteDialect } from '../../src/db/sqlite.ts';
import { migrate } from '../../src/db/migrate.ts';
import { migrations } from '../../src/db/migrations/index.ts';
import { openDatabase } from '../../src/db/open.ts';
import { closeAtEnd, makeDataDir } from '../support/at-end.ts';

function openRaw(path: string): Kysely<never> {
  const db = new Kysely<never>({ dialect: sqliteDialect(path) });
  closeAtEnd(() => db.destroy());
  return db;
}

test('each migration runs once, in order, and a second start finds nothing to do (DB-010)', async () => {
  const { db, migrate: run } = openDatabase({ kind: 'sqlite', path: join(makeDataDir(), 'new', 'gatehouse.db') });
  expect(await run()).toEqual([0, migrations.length]);
  expect(await run()).toEqual([migrations.length, migrations.length]);
  await db.destroy();
});

test('a database of a newer Gatehouse is refused and left as it is (CF-010, DB-010)', async () => {
  const db = openRaw(join(makeDataDir(), 'gatehouse.db'));
  await migrate(db, sqlite);
  await sql`update schema_version set version = 99`.execute(db);
  await expect(migrate(db, sqlite)).rejects.toThrow(StartProblem);
  await expect(migrate(db, sqlite)).rejects.toThrow('version 99');
  expect((await sql`select version from schema_version`.execute(db)).rows).toEqual([{ version: 99 }]);
});

test('a migration that fails leaves no half of it behind (DB-010)', async () => {
  const db = openRaw(join(makeDataDir(), 'gatehouse.db'));
  await migrate(db, sqlite);
  const broken = async (trx: Kysely<never>) => {
    await trx.schema.createTable('half').addColumn('id', 'integer').execute();
    throw new Error('broken');
  };
  await expect(migrate(db, sqlite, [...migrations, broken])).rejects.toThrow('broken');
  await expect(sql`select * from half`.execute(db)).rejects.toMatchObject({ message: 'no such table: half' });
  expect(await migrate(db, sqlite)).toEqual([migrations.length, migrations.length]);
});

test('transactions are on disk when they are acknowledged, and other processes may read meanwhile', async () => {
  const path = join(makeDataDir(), 'sub', 'gatehouse.db');
  const { db } = openDatabase({ kind: 'sqlite', path });
  closeAtEnd(() => db.destroy());
  const pragma = async (name: string, asker: Kysely<never> = db as never) =>
    Object.values((await sql.raw(`pragma ${name}`).execute(asker)).rows[0] as object)[0] as unknown;
  expect(await pragma('journal_mode')).toBe('wal');
  const [full, normal] = [2, 1];
  expect(await db.transaction().execute((trx) => pragma('synchronous', trx as never))).toBe(full);
  expect(await pragma('synchronous')).toBe(normal);
  expect(await pragma('foreign_keys')).toBe(1);
  expect(statSync(join(path, '..')).mode & 0o077).toBe(0);
});
