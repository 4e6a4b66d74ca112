// What every feature works with, opened once and passed on: configuration, database, log, clock, keys, HTTP to Bitbucket.
import type { Http } from './bitbucket/http.ts';
import { createHttp } from './bitbucket/http.ts';
import type { Config } from './config/schema.ts';
import { parseDatabaseUrl } from './config/database-url.ts';
import { StartProblem } from './errors.ts';
import { requireVersion } from './db/migrate.ts';
import type { OpenDatabase } from './db/open.ts';
import { openDatabase } from './db/open.ts';
import type { Database } from './db/tables.ts';
import type { Keys } from './keys.ts';
import { loadKeys } from './keys.ts';
import { damaged } from './db/sqlite.ts';
import type { Log } from './log.ts';

export interface Services {
  /** The running configuration; ask at each use, a reload replaces it. */
  config(): Config;
  db: Database;
  database: OpenDatabase;
  keys: Keys;
  log: Log;
  /** Milliseconds since the epoch. */
  now(): number;
  http: Http;
  /** A signal to stop has come: readiness says no, while requests are still answered. */
  leaving: boolean;
  close(): Promise<void>;
}

export interface ServicesOptions {
  config: () => Config;
  log: Log;
  now?: () => number;
  http?: Http;
}

/** Opens everything and brings the database to this version. @throws when the database is newer, away or not writable */
export async function openServices({
  config,
  log,
  now = Date.now,
  http = createHttp(),
}: ServicesOptions): Promise<Services> {
  const database = openDatabase(parseDatabaseUrl(config()));
  const close = async () => {
    await http.close();
    await database.db.destroy();
  };
  try {
    await prepare(database, log);
    return { config, db: database.db, database, keys: loadKeys(config()), log, now, http, leaving: false, close };
  } catch (error) {
    await close();
    if (!database.dialect.isUnavailable(error)) throw error;
    const words = (error as Error).message;
    throw new StartProblem(`the database cannot be used: ${words}. Check that it runs, and database_url or data_dir`);
  }
}

/** As much as a look takes a fifth of a second for. Larger files are looked at by `doctor`. */
const LOOKED_OVER_BYTES = 64 * 1024 ** 2;

async function prepare({ db, dialect, migrate, version }: OpenDatabase, log: Log): Promise<void> {
  const damage = await dialect.findDamage(db, LOOKED_OVER_BYTES);
  if (damage !== undefined) throw damaged(`the database file is damaged: ${damage}`);
  if (dialect.upgradesAtStart) {
    const [before, after] = await migrate();
    if (before !== after) log.info({ before, after }, 'database migrated');
    return;
  }
  requireVersion(await version());
}
