// Who works on which import: taken by lease, in fair turns, and given back. A worker that died, or was paused for longer
// than its lease, writes nothing beside the one that took over.
import type { Updateable } from 'kysely';
import type { Import, ImportStatus, ImportTables } from '../db/import-tables.ts';
import type { Database, Transaction } from '../db/tables.ts';
import { LONGEST_WAIT_MS } from './credential-waits.ts';
import { ACTIVE, CANCELLED } from './store.ts';

/** The right to work on an import. Whoever takes it next has a higher fence, and then this one is worth nothing. */
export interface Lease {
  importId: number;
  fence: number;
}

/** Somebody else works on the import now, or it is gone: whoever finds that out stops and writes nothing more. */
export class LeaseLost extends Error {
  constructor() {
    super('somebody else works on this import now, or it is gone');
  }
}

/** Without a sign of life for so long, a worker counts as dead and somebody else takes its imports. */
export const LEASE_MS = 30_000;

/**
 * Imports that could go on at this moment. A lease, or a wait, that ends later than any could is from before the clock
 * was set right. Who waits without a time waits for its person; see `wakeImports`.
 */
function due(db: Database, now: number) {
  return db
    .selectFrom('imports')
    .where((eb) => eb.or([eb('lease_until', '<=', now), eb('lease_until', '>', now + LEASE_MS)]))
    .where(({ eb, or, and }) =>
      or([
        eb('status', 'in', ['queued', 'running']),
        and([
          eb('status', '=', 'waiting'),
          or([eb('waiting_until', '<=', now), eb('waiting_until', '>', now + LONGEST_WAIT_MS)]),
        ]),
      ]),
    );
}

/** How many imports of each person are worked on at this moment. */
async function countRunning(db: Database, now: number): Promise<Map<number, number>> {
  const rows = await db
    .selectFrom('imports')
    .select((eb) => ['account_id', eb.fn.countAll<number | string>().as('count')])
    .where('status', '=', 'running')
    .where('lease_until', '>', now)
    .groupBy('account_id')
    .execute();
  return new Map(rows.map((row) => [row.account_id, Number(row.count)]));
}

/**
 * The imports to take next, best first: of those people whose imports are worked on least, who were served longest ago.
 * Of one person, the oldest first. At most one of each person: the next one is asked for after that.
 * @param only this one, if it is due, and no other
 */
export async function listDueImports(db: Database, now: number, only?: number): Promise<Import[]> {
  if (only !== undefined) return due(db, now).selectAll('imports').where('imports.id', '=', only).execute();
  const waiting = await due(db, now)
    .select((eb) => ['imports.account_id', eb.fn.min('imports.id').as('first')])
    .groupBy('imports.account_id')
    .execute();
  if (waiting.length === 0) return [];
  const running = await countRunning(db, now);
  const served = await db
    .selectFrom('imports')
    .select((eb) => ['account_id', eb.fn.max('claimed_at').as('at')])
    .groupBy('account_id')
    .execute();
  const servedAt = new Map(served.map((row) => [row.account_id, Number(row.at)]));
  const ranked = waiting
    .map(({ account_id: id, first }) => ({
      first: Number(first),
      busy: running.get(id) ?? 0,
      at: servedAt.get(id) ?? 0,
    }))
    .sort((a, b) => a.busy - b.busy || a.at - b.at || a.first - b.first);
  const ids = ranked.slice(0, 100).map(({ first }) => first);
  const rows = await db.selectFrom('imports').selectAll().where('id', 'in', ids).execute();
  return ids.flatMap((id) => rows.find((row) => row.id === id) ?? []);
}

/** Takes the lease. @returns undefined when somebody else was faster, or it is not to be worked on any more */
export async function claimImport(db: Database, found: Import, now: number): Promise<Import | undefined> {
  return db
    .updateTable('imports')
    .set({
      status: 'running',
      waiting_until: null,
      reason: null,
      started_at: found.started_at ?? now,
      claimed_at: now,
      lease_until: now + LEASE_MS,
      fence: found.fence + 1,
    })
    .where('id', '=', found.id)
    .where('fence', '=', found.fence)
    .where('status', '=', found.status)
    .returningAll()
    .executeTakeFirst();
}

/** What a worker learns when it shows that it lives. */
export interface Orders {
  cancel: boolean;
  /** What Bitbucket was asked with was forgotten, or disconnected. */
  forgotten: boolean;
}

/** Extends the lease. @throws LeaseLost */
export async function renewLease(db: Database, { importId, fence }: Lease, now: number): Promise<Orders> {
  const held = db.updateTable('imports').where('id', '=', importId).where('fence', '=', fence);
  const renewed = await held
    .set({ lease_until: now + LEASE_MS })
    .where('status', '=', 'running')
    .executeTakeFirst();
  if (renewed.numUpdatedRows !== 1n) throw new LeaseLost();
  const asked = db.selectFrom('imports').select(['cancel_asked', 'credential_id']).where('id', '=', importId);
  const row = await asked.executeTakeFirst();
  if (!row) throw new LeaseLost();
  return { cancel: row.cancel_asked === 1, forgotten: row.credential_id === null };
}

/**
 * Writes in one transaction, if this lease still counts. A worker that was paused for longer than its lease writes
 * nothing beside the one that took over.
 * @param hasProgressed ends a row of tries in vain. @throws LeaseLost
 */
export async function whileHolding<T>(
  db: Database,
  { importId, fence }: Lease,
  {
    calls,
    hasProgressed = false,
    work,
  }: { calls: number; hasProgressed?: boolean; work: (trx: Transaction) => Promise<T> },
): Promise<T> {
  return db.transaction().execute(async (trx) => {
    const held = trx.updateTable('imports').where('id', '=', importId).where('fence', '=', fence);
    const inVain = hasProgressed ? { tries: 0, waited_ms: 0 } : {};
    const counted = held.set((eb) => ({ ...inVain, api_calls: eb('api_calls', '+', calls) }));
    if ((await counted.executeTakeFirst()).numUpdatedRows !== 1n) throw new LeaseLost();
    return work(trx);
  });
}

/** How a turn ended; what is not named stays. */
export type TurnEnd = Pick<Updateable<ImportTables['imports']>, 'reason' | 'waiting_until' | 'tries' | 'waited_ms'> & {
  status: ImportStatus;
};

/**
 * Gives the lease back. What was to be cancelled in the last moment, when its worker did not ask any more, does not go on
 * or wait. @returns how it ended; undefined when the lease does not count any more: then nothing was written
 */
export async function endTurn(
  trx: Transaction,
  { importId, fence }: Lease,
  { end, calls, now }: { end: TurnEnd; calls: number; now: number },
): Promise<TurnEnd | undefined> {
  const held = trx.updateTable('imports').where('id', '=', importId).where('fence', '=', fence);
  const given = held.set((eb) => ({ lease_until: 0, api_calls: eb('api_calls', '+', calls) }));
  const row = await given.returning('cancel_asked').executeTakeFirst();
  if (!row) return undefined;
  const isCancelled = row.cancel_asked === 1 && ACTIVE.includes(end.status);
  const ended: TurnEnd = isCancelled ? { status: 'cancelled', reason: CANCELLED } : end;
  const finished_at = ACTIVE.includes(ended.status) ? null : now;
  const stage = ended.status === 'done' || ended.status === 'partial' ? { stage: null } : {};
  await held.set({ ...ended, ...stage, finished_at }).execute();
  return ended;
}
