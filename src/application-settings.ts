// What administrators set in the panel, beside the configuration file: kept in the database, the same for all processes.
import type { SetBy } from './db/settings.ts';
import { writeSetting } from './db/settings.ts';
import type { Database, Transaction } from './db/tables.ts';

/** The first two are named as in GitLab. Whatever is not stored has the value of DEFAULTS. */
export interface ApplicationSettings {
  /** Names of providers that nobody may sign in or connect with. Importing from them goes on. */
  disabled_oauth_sign_in_sources: string[];
  /** The regular form, where the configuration has it. */
  password_authentication_enabled_for_web: boolean;
  /** Names of providers that nobody may import from. */
  disabled_import_sources: string[];
}

const DEFAULTS: ApplicationSettings = {
  disabled_oauth_sign_in_sources: [],
  password_authentication_enabled_for_web: true,
  disabled_import_sources: [],
};

/** A change counts on every process within that time. */
const MAX_AGE_MS = 500;

/** Reads the stored settings, now. */
export async function readApplicationSettings(db: Database): Promise<ApplicationSettings> {
  const keys = Object.keys(DEFAULTS); // announced-changes.ts keeps rows of its own in that table
  const rows = await db.selectFrom('settings').select(['key', 'value']).where('key', 'in', keys).execute();
  const stored = Object.fromEntries(rows.map(({ key, value }) => [key, JSON.parse(value) as unknown]));
  return { ...DEFAULTS, ...stored };
}

/** The settings as every request needs them: asked for at most twice a second. */
export class SettingsReader {
  readonly #db: Database;
  #read: { at: number; settings: Promise<ApplicationSettings> } | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @throws what the database says; nobody may come in through a door of which it is not known whether it is shut */
  async current(): Promise<ApplicationSettings> {
    const now = performance.now();
    if (this.#read === undefined || now - this.#read.at > MAX_AGE_MS) {
      const settings = readApplicationSettings(this.#db);
      this.#read = { at: now, settings };
      settings.catch(() => (this.#read = undefined));
    }
    return this.#read.settings;
  }

  /** After a change by this process. */
  forget(): void {
    this.#read = undefined;
  }
}

/** What was ever set in the panel, with who set it last and when. */
export async function listSettingChanges(
  db: Database,
): Promise<{ key: keyof ApplicationSettings; value: unknown; at: number; by: string }[]> {
  const rows = await db.selectFrom('settings').selectAll().orderBy('key').execute();
  return rows
    .filter(({ key }) => Object.hasOwn(DEFAULTS, key))
    .map(({ key, value, updated_at, updated_by }) => ({
      key: key as keyof ApplicationSettings,
      value: JSON.parse(value) as unknown,
      at: updated_at,
      by: updated_by,
    }));
}

/** Stores settings; the caller forgets what its reader knew once the transaction has ended. */
export async function writeApplicationSettings(
  trx: Transaction,
  changes: Partial<ApplicationSettings>,
  by: SetBy,
): Promise<void> {
  for (const [key, value] of Object.entries(changes)) await writeSetting(trx, key, value, by);
}
