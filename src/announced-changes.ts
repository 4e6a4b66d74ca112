// What Bitbucket has said it takes away, or has taken away: kept in the database, the same for all processes.
import { z } from 'zod';
import type { ChangeNotice } from './bitbucket/change-notice.ts';
import { FAILURE_ENDPOINTS } from './bitbucket/failure.ts';
import type { OpenDatabase } from './db/open.ts';
import type { SetBy } from './db/settings.ts';
import { writeSetting } from './db/settings.ts';
import type { Database, Transaction } from './db/tables.ts';
import type { Log } from './log.ts';

/** Rows of the table `settings`, one for each change and address: `announced_change CHANGE-3071 workspaces`. */
const PREFIX = 'announced_change ';
/** As often as "it is still said" is worth a write. */
const NOTED_EVERY_MS = 3_600_000;
/** What a hostile far end could make of it: no more rows than that. */
const MOST = 50;

const kept = z.object({
  endpoint: z.enum(FAILURE_ENDPOINTS),
  change: z.string().optional(),
  gone: z.boolean(),
  deprecatedAt: z.number().optional(),
  endsAt: z.number().optional(),
  firstSeenAt: z.number(),
  seenAt: z.number(),
  dismissed: z.boolean(),
});

export interface AnnouncedChange extends z.output<typeof kept> {
  key: string;
}

/** Every change that was noted, dismissed ones too; the oldest first. */
export async function listAnnouncedChanges(db: Database): Promise<AnnouncedChange[]> {
  const rows = await db.selectFrom('settings').select(['key', 'value']).where('key', 'like', `${PREFIX}%`).execute();
  return rows
    .flatMap(({ key, value }) => {
      const change = kept.safeParse(JSON.parse(value)).data;
      return change ? { key, ...change } : [];
    })
    .sort((a, b) => a.firstSeenAt - b.firstSeenAt);
}

/** Its banner goes; it comes back when Bitbucket says something new about it. @returns the change, if it is there */
export async function dismissChange(trx: Transaction, key: string, by: SetBy): Promise<AnnouncedChange | undefined> {
  const found = (await listAnnouncedChanges(trx)).find((change) => change.key === key);
  if (found) await write(trx, { ...found, dismissed: true }, by);
  return found;
}

interface Options {
  db: Database;
  database: OpenDatabase;
  log: Log;
  now: () => number;
}

/** Takes down what the HTTP client hears. */
export class AnnouncedChanges {
  readonly #options: Options;
  /** What this process has written, and when: most answers say nothing new. */
  readonly #written = new Map<string, { says: string; at: number }>();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Does not wait, and never throws: it is called in the middle of somebody's sign-in. */
  note(notice: ChangeNotice): void {
    const now = this.#options.now();
    const key = keyOf(notice);
    const says = JSON.stringify(notice);
    const before = this.#written.get(key);
    if (before?.says === says && Math.abs(now - before.at) < NOTED_EVERY_MS) return;
    if (before === undefined && this.#written.size >= MOST) return;
    this.#written.set(key, { says, at: now });
    this.#writing = this.#writing
      .then(() => this.#write(key, notice, now))
      .catch((error: unknown) => {
        this.#written.delete(key);
        this.#options.log.warn({ err: error }, 'a change that Bitbucket announces could not be noted');
      });
  }

  /** When everything that was noted is written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(key: string, notice: ChangeNotice, now: number): Promise<void> {
    const { db, database, log } = this.#options;
    const isNews = await db.transaction().execute(async (trx) => {
      await database.dialect.lock(trx, 'announced changes');
      const all = await listAnnouncedChanges(trx);
      const known = all.find((change) => change.key === key);
      if (!known && all.length >= MOST) return false;
      const news = !known || isNew(known, notice);
      const change = { ...known, ...notice, firstSeenAt: known?.firstSeenAt ?? now, seenAt: now };
      await write(trx, { key, ...change, dismissed: news ? false : known.dismissed }, { by: 'Bitbucket', now });
      return news;
    });
    const { endpoint, change, gone, endsAt } = notice;
    if (isNews)
      log.warn({ endpoint, change, gone, ends_at: endsAt }, 'Bitbucket takes something away that is used here');
  }
}

function keyOf({ change = 'none', endpoint }: ChangeNotice): string {
  return `${PREFIX}${change} ${endpoint}`;
}

/** Gone is gone: that the next answer is only a warning again is no news, but that it ends on another day is. */
function isNew(known: AnnouncedChange, { gone, endsAt }: ChangeNotice): boolean {
  return (gone && !known.gone) || (endsAt !== undefined && endsAt !== known.endsAt);
}

async function write(trx: Transaction, { key, ...change }: AnnouncedChange, by: SetBy): Promise<void> {
  await writeSetting(trx, key, kept.parse(change), by);
}
