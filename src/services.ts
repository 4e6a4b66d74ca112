// What every feature works with, opened once and passed on: configuration, database, log, clock, keys, HTTP to Bitbucket.
import { AnnouncedChanges } from './announced-changes.ts';
import { SettingsReader } from './application-settings.ts';
import type { Http } from './bitbucket/http.ts';
import { createHttp } from './bitbucket/http.ts';
import type { ConfigurationState } from './config/reload.ts';
import type { Config } from './config/schema.ts';
import { parseDatabaseUrl } from './config/database-url.ts';
import { requireVersion } from './db/migrate.ts';
import type { OpenDatabase } from './db/open.ts';
import { openDatabase, orUnusable } from './db/open.ts';
import type { Database } from './db/tables.ts';
import type { Keys } from './keys.ts';
import { loadKeys } from './keys.ts';
import { damaged } from './db/sqlite.ts';
import type { Log } from './log.ts';
import { Post } from './mail/post.ts';

export interface Services {
  /** The running configuration; ask at each use, a reload replaces it. */
  config(): Config;
  /** The same with how it came about, and what the last reload has left undone. */
  configuration(): ConfigurationState;
  db: Database;
  database: OpenDatabase;
  keys: Keys;
  log: Log;
  /** Milliseconds since the epoch. */
  now(): number;
  http: Http;
  /** What administrators have set in the panel. */
  settings: SettingsReader;
  /** What Bitbucket has said it takes away. */
  changes: AnnouncedChanges;
  post: Post;
  /** A signal to stop has come: readiness says no, while requests are still answered. */
  leaving: boolean;
  close(): Promise<void>;
}

export interface ServicesOptions {
  configuration: () => ConfigurationState;
  log: Log;
  now?: () => number;
  http?: Http;
}

/** Opens everything and brings the database to this version. @throws when the database is newer, away or not writable */
export async function openServices({
  configuration,
  log,
  now = Date.now,
  http: given,
}: ServicesOptions): Promise<Services> {
  const config = () => configuration().loaded.config;
  const database = openDatabase(parseDatabaseUrl(config()));
  const changes = new AnnouncedChanges({ db: database.db, database, log, now });
  const http = given ?? createHttp({ onChangeNotice: (notice) => changes.note(notice) });
  const close = async () => {
    await http.close();
    await changes.settled();
    await database.db.destroy();
  };
  try {
    await prepare(database, log);
    const { db } = database;
    const settings = new SettingsReader(db);
    const keys = loadKeys(config());
    const post = new Post(config);
    const own = { settings, changes, post, leaving: false, close };
    return { config, configuration, db, database, keys, log, now, http, ...own };
  } catch (error) {
    await close();
    throw orUnusable(error, database.dialect);
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
