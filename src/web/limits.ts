// Rate limits, counted in the database: shared by all processes and kept over restarts.
import { isIPv6 } from 'node:net';
import { sql } from 'kysely';
import { sweep } from '../db/sweep.ts';
import type { Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';

export interface Limit {
  /** What is limited and for whom: `password:198.51.100.7` */
  key: string;
  /** Tries in one window; 0 = no limit. */
  max: number;
  windowSeconds: number;
}

export class Limits {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /**
   * Counts one try and refuses it beyond the limit. One statement counts and reads, so that parallel tries can never
   * have more than `max` among them.
   * @throws AppError 429 `rate_limited`
   */
  async take({ key, max, windowSeconds }: Limit): Promise<void> {
    if (max === 0) return;
    const now = this.#now();
    const fresh = { count: 1, resets_at: now + windowSeconds * 1000 };
    const over = sql`limits.resets_at <= ${now} or limits.resets_at > ${now + longestMs(windowSeconds)}`;
    const row = await this.#db
      .insertInto('limits')
      .values({ key, ...fresh })
      .onConflict((conflict) =>
        conflict.column('key').doUpdateSet({
          count: sql`case when ${over} then 1 else limits.count + 1 end`,
          resets_at: sql`case when ${over} then ${fresh.resets_at} else limits.resets_at end`,
        }),
      )
      .returningAll()
      .executeTakeFirstOrThrow();
    if (row.count > max) throw tooMany(row.resets_at - now);
  }

  /** Refuses without counting, where only failures count. */
  async check({ key, max, windowSeconds }: Limit): Promise<void> {
    if (max === 0) return;
    const row = await this.#db.selectFrom('limits').selectAll().where('key', '=', key).executeTakeFirst();
    const waitMs = row ? row.resets_at - this.#now() : 0;
    if (row && row.count >= max && waitMs > 0 && waitMs <= longestMs(windowSeconds)) throw tooMany(waitMs);
  }

  /** Gives a counted try back: it turned out to be a good one. */
  async giveBack({ key, max }: Limit): Promise<void> {
    if (max === 0) return;
    await this.#db
      .updateTable('limits')
      .set({ count: sql`count - 1` })
      .where('key', '=', key)
      .where('count', '>', 0)
      .execute();
  }

  /** Forgets what was counted. */
  async clear({ key }: Limit): Promise<void> {
    await this.#db.deleteFrom('limits').where('key', '=', key).execute();
  }

  async sweep(): Promise<void> {
    await sweep(this.#db, { table: 'limits', key: 'key', expires: 'resets_at' }, this.#now());
  }
}

/**
 * A count that would last longer was made while a clock was ahead, and must not keep anybody out for years. Twice the
 * window, so that clocks which differ a little between machines give nobody a second window.
 */
function longestMs(windowSeconds: number): number {
  return 2 * windowSeconds * 1000;
}

function tooMany(waitMs: number): AppError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  const wait = retryAfterSeconds < 90 ? `${retryAfterSeconds} seconds` : `${Math.ceil(retryAfterSeconds / 60)} minutes`;
  return new AppError('rate_limited', { sentence: `Please wait ${wait} before the next one.`, retryAfterSeconds });
}

/** One address of a client: an IPv6 client owns a whole /64 and counts as one. */
export function addressKey(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length;
  const full = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail?.split(':') ?? [])];
  return `${full
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '') || '0')
    .join(':')}::/64`;
}
