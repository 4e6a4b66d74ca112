// Removes what has expired, a little at a time: one large DELETE would hold the database, and with SQLite the process.
import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Database } from './tables.ts';

const BATCH = 500;

interface Expiring {
  table: 'sessions' | 'flows' | 'limits' | 'pending_links' | 'sign_in_links' | 'audit_events';
  key: string;
  expires: string;
}

/** Deletes the rows of a table whose time has come. Other work gets its turn between the batches. */
export async function sweep(db: Database, { table, key, expires }: Expiring, now: number): Promise<void> {
  const [rows, id, time] = [sql.table(table), sql.ref(key), sql.ref(expires)];
  for (;;) {
    const expired = sql`select ${id} from ${rows} where ${time} <= ${now} limit ${BATCH}`;
    const { numAffectedRows = 0n } = await sql`delete from ${rows} where ${id} in (${expired})`.execute(db);
    if (numAffectedRows < BigInt(BATCH)) return;
    await setImmediate();
  }
}
