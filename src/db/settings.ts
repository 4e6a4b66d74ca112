// Writes table `settings`: JSON values under names. No other file does. Which names there are, and what they mean, is known
// to application-settings.ts and announced-changes.ts.
import type { Transaction } from './tables.ts';

/** Who sets something, and when: milliseconds since the epoch. */
export interface SetBy {
  by: string;
  now: number;
}

/** Stores a value under a name, instead of the one that is there. */
export async function writeSetting(trx: Transaction, key: string, value: unknown, { by, now }: SetBy): Promise<void> {
  const row = { value: JSON.stringify(value), updated_at: now, updated_by: by };
  await trx
    .insertInto('settings')
    .values({ key, ...row })
    .onConflict((conflict) => conflict.column('key').doUpdateSet(row))
    .execute();
}
