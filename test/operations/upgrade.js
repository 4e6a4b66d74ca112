// Run as a process of its own, to be killed: brings a database to a made-up next version, slowly.
// node upgrade.js sqlite|postgres PATH-OR-URL [hold]; with `hold` it never comes to the end.
import { setTimeout } from 'node:timers/promises';
import { Kysely, sql } from 'kysely';
import { migrate } from '../../dist/db/migrate.js';
import { migrations } from '../../dist/db/migrations/index.js';
import { postgres, postgresDialect } from '../../dist/db/postgres.js';
import { sqlite, sqliteDialect } from '../../dist/db/sqlite.js';

const STEPS = 20;
const [, , kind, where, hold] = process.argv;

async function next(db) {
  process.stdout.write('begun\n');
  await db.schema.alterTable('accounts').addColumn('greeting', 'text').execute();
  for (let step = 0; step < STEPS; step += 1) {
    await sql`update accounts set greeting = 'Hello ' || name where id % ${sql.lit(STEPS)} = ${step}`.execute(db);
    await setTimeout(20);
  }
  if (hold) await setTimeout(600_000);
  await db.schema.createTable('greetings').addColumn('id', 'integer').execute();
}

const db = new Kysely({ dialect: kind === 'sqlite' ? sqliteDialect(where) : postgresDialect(where, true) });
const versions = await migrate(db, kind === 'sqlite' ? sqlite : postgres, [...migrations, next]);
await db.destroy();
process.stdout.write(`from ${versions[0]} to ${versions[1]}\n`);
