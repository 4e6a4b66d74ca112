// The sessions of an account: listed, ended by its owner or an administrator, and swept once they no longer count.
import type { Selectable } from 'kysely';
import { sweep } from '../db/sweep.ts';
import type { Database, Tables } from '../db/tables.ts';
import type { SessionStoreOptions } from './session-store.ts';
import { isLive } from './session-store.ts';

/** Signs an account out. @param keep the stored name (sessionHash) of a session that goes on @returns how many ended */
export async function endSessions(db: Database, accountId: number, keep?: string): Promise<number> {
  const all = db.deleteFrom('sessions').where('account_id', '=', accountId);
  const ended = keep === undefined ? all : all.where('id_hash', '!=', keep);
  return Number((await ended.executeTakeFirst()).numDeletedRows);
}

const DEVICE = ['id_hash', 'remembered', 'created_at', 'seen_at', 'address', 'agent', 'provider'] as const;

/** What is shown of a session. */
export type Device = Pick<Selectable<Tables['sessions']>, (typeof DEVICE)[number]>;

/** Scripts that sign in again and again make very many; nobody reads more. Those used last are there. */
const MAX_LISTED = 200;

/** The sessions of an account that still count, the one used last first. */
export async function listSessions(
  { db, config, now }: Pick<SessionStoreOptions, 'db' | 'config' | 'now'>,
  accountId: number,
): Promise<Device[]> {
  const rows = await db
    .selectFrom('sessions')
    .select(DEVICE)
    .where('account_id', '=', accountId)
    .orderBy('seen_at', 'desc')
    .orderBy('id_hash')
    .limit(MAX_LISTED)
    .execute();
  return rows.filter((row) => isLive(row, config().session, now()));
}

/** Ends one session. @returns what it was; undefined when it was not there (any more), or is somebody else's */
export async function endOneSession(trx: Database, accountId: number, idHash: string): Promise<Device | undefined> {
  const found = trx.deleteFrom('sessions').where('id_hash', '=', idHash).where('account_id', '=', accountId);
  return found.returning(DEVICE).executeTakeFirst();
}

/** Ends those that were begun with one provider. Of sessions from before version 0.2 it is not known what with. */
export async function endSessionsBegunWith(
  db: Database,
  accountId: number,
  { provider, keep = '' }: { provider: string; keep?: string | undefined },
): Promise<number> {
  const ended = db
    .deleteFrom('sessions')
    .where('account_id', '=', accountId)
    .where((eb) => eb.or([eb('provider', 'is', null), eb('provider', '=', provider)]))
    .where('id_hash', '!=', keep);
  return Number((await ended.executeTakeFirst()).numDeletedRows);
}

/** Removes sessions that no longer count. */
export async function sweepSessions(db: Database, now: number): Promise<void> {
  await sweep(db, { table: 'sessions', key: 'id_hash', expires: 'expires_at' }, now);
}
