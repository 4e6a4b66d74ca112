// Until when Bitbucket wants to hear nothing from a credential, for all workers. No other file writes `credential_waits`.
import type { Database } from '../db/tables.ts';

/** Nobody is made to wait longer: Bitbucket counts by the hour. A minute more, so that not all come back together. */
export const LONGEST_WAIT_MS = 61 * 60_000;

/** @returns until when to wait; undefined when there is no need to, or the wait is from before the clock was set right */
export async function findWait(db: Database, credentialId: number, now: number): Promise<number | undefined> {
  const waits = db.selectFrom('credential_waits').select('until').where('credential_id', '=', credentialId);
  const row = await waits.executeTakeFirst();
  return row !== undefined && row.until > now && row.until <= now + LONGEST_WAIT_MS ? row.until : undefined;
}

/** The longer wait counts. */
export async function saveWait(
  db: Database,
  credentialId: number,
  { until, now }: { until: number; now: number },
): Promise<void> {
  const known = await findWait(db, credentialId, now);
  if (known !== undefined && known >= until) return;
  await db
    .insertInto('credential_waits')
    .values({ credential_id: credentialId, until })
    .onConflict((conflict) => conflict.column('credential_id').doUpdateSet({ until }))
    .execute();
}
