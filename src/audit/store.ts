// Reads the audit log, and removes what is older than the retention allows. record.ts writes it, and forgets there who is deleted.
import type { Expression, SqlBool } from 'kysely';
import { sql } from 'kysely';
import { prepared } from '../db/prepared.ts';
import { codesInWords } from './words.ts';
import { sweep } from '../db/sweep.ts';
import type { AuditRow, Database, NoticeKind } from '../db/tables.ts';

export interface AuditFilter {
  /** Part of a name, action, reason (as code or in words), target, address or request id. */
  search?: string | undefined;
  action?: string | undefined;
  result?: string | undefined;
  /** What this account did, or what was done to it. */
  accountId?: number | undefined;
  time?: Time | undefined;
}

/** A stretch of time, from and before, in milliseconds since the epoch; and the ids that its events have. */
export interface Time {
  from: number;
  to: number;
  firstId: number;
  lastId: number;
}

interface Page {
  /** Only events older than this id. */
  before?: number | undefined;
  limit: number;
}

export interface Events {
  /** Newest first. */
  events: AuditRow[];
  /** There may be more before this id; undefined when all were looked at. */
  next: number | undefined;
}

/** An index to go along, from the newest event to the oldest; undefined is all events. */
type Walk = ['actor_id' | 'account_id' | 'action' | 'result', string | number] | undefined;

/** From the first id to before the last one. */
interface Ids {
  first: number;
  before: number;
}

/**
 * What no index knows is looked for in so many events at a time: with SQLite everybody waits meanwhile, however long the
 * log has become. There may be fewer events than asked for then, even none, and a `next` all the same.
 */
const LOOKED_AT = 10_000;

/** A page is asked for by the `next` of the one before: nothing shifts meanwhile. */
export async function listEvents(db: Database, filter: AuditFilter, { before, limit }: Page): Promise<Events> {
  const walks = walksOf(filter);
  const { firstId = 0, lastId = Number.MAX_SAFE_INTEGER - 1 } = filter.time ?? {};
  const ids: Ids = { first: firstId, before: Math.min(before ?? Infinity, lastId + 1) };
  const end = await findEnd(db, filter, ids);
  const looked: Ids = { ...ids, first: Math.max(ids.first, end) };
  // Two walks along an index each: with OR, SQLite would read and sort all that an administrator ever did.
  const found = await Promise.all(
    walks.map((walk) =>
      along(db, walk, looked)
        .selectAll()
        .where((eb) => eb.and(conditionsOf(filter, walk)))
        .limit(limit + 1)
        .execute(),
    ),
  );
  const byId = new Map(found.flat().map((row) => [row.id, row]));
  const events = [...byId.values()].sort((a, b) => b.id - a.id);
  // One more than asked for tells whether there are more.
  if (events.length > limit) return { events: events.slice(0, limit), next: events[limit - 1]?.id };
  return { events, next: end === 0 ? undefined : end };
}

function walksOf({ accountId, action, result }: AuditFilter): Walk[] {
  if (accountId !== undefined)
    return [
      ['actor_id', accountId],
      ['account_id', accountId],
    ];
  if (action !== undefined) return [['action', action]];
  return [result === undefined ? undefined : ['result', result]];
}

function along(db: Database, walk: Walk, { first, before }: Ids) {
  const events = db.selectFrom('audit_events').where('id', '>=', first).where('id', '<', before).orderBy('id', 'desc');
  return walk === undefined ? events : events.where(walk[0], '=', walk[1]);
}

/** What is looked for in each event of a walk, written so that no other index is taken: that one would be read whole. */
function conditionsOf({ search, action, result, time }: AuditFilter, walk: Walk): Expression<SqlBool>[] {
  const conditions: Expression<SqlBool>[] = [];
  if (action !== undefined && walk?.[0] !== 'action') conditions.push(sql`coalesce(action, '') = ${action}`);
  if (result !== undefined && walk?.[0] !== 'result') conditions.push(sql`coalesce(result, '') = ${result}`);
  if (time !== undefined) conditions.push(sql`+at >= ${time.from} and +at < ${time.to}`);
  if (search !== undefined) conditions.push(isFound(search));
  return conditions;
}

/** By the text itself, or by the words that the pages have for an action or a reason. */
function isFound(search: string): Expression<SqlBool> {
  const { actions, reasons } = codesInWords(search);
  const isOneOf = (column: string, codes: string[]) =>
    codes.length === 0 ? sql`` : sql` or coalesce(${sql.ref(column)}, '') in (${sql.join(codes)})`;
  return sql`(search_text like ${patternOf(search)} escape '\\'${isOneOf('action', actions)}${isOneOf('reason', reasons)})`;
}

/** @returns the id where this look ends: only events before it are left; 0 when none are */
async function findEnd(db: Database, filter: AuditFilter, ids: Ids): Promise<number> {
  const walks = walksOf(filter).filter((walk) => conditionsOf(filter, walk).length > 0);
  const ends = walks.map(async (walk) => {
    const lookedAt = LOOKED_AT / walks.length;
    const left = await along(db, walk, ids).select('id').offset(lookedAt).limit(1).executeTakeFirst();
    return left ? left.id + 1 : 0;
  });
  return Math.max(0, ...(await Promise.all(ends)));
}

/**
 * Ids grow with time, but for clocks that were set or differ; so all events of that time are read, from the index alone
 * (`+` keeps the walk along the ids out of it).
 */
export async function findTime(db: Database, from = 0, to = Number.MAX_SAFE_INTEGER): Promise<Time> {
  const { first, last } = await db
    .selectFrom('audit_events')
    .select([sql<number | null>`min(+id)`.as('first'), sql<number | null>`max(+id)`.as('last')])
    .where('at', '>=', from)
    .where('at', '<', to)
    .executeTakeFirstOrThrow();
  return { from, to, firstId: first ?? 1, lastId: last ?? 0 };
}

/** LIKE with what stands anywhere in the text, and nothing in it a wildcard. */
export function patternOf(search: string): string {
  return `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
}

/** @returns the id of the account that was called so when something happened, also when it is gone; the latest one */
export async function findAccountInEvents(db: Database, username: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('audit_events')
    .select('account_id')
    .where('account_name', '=', username)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.account_id ?? undefined;
}

/** @param keepDays 0 = for ever */
export async function sweepEvents(db: Database, now: number, keepDays: number): Promise<void> {
  if (keepDays === 0) return;
  await sweep(db, { table: 'audit_events', key: 'id', expires: 'at' }, now - keepDays * 86_400_000);
}

/** Of each kind. */
const MAX_NOTICED = 50;

const noticedAfter = prepared((db, accountId: number, notice: NoticeKind, after: number) =>
  db
    .selectFrom('audit_events')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('notice', '=', notice)
    .where('id', '>', after)
    .orderBy('id', 'desc')
    .limit(MAX_NOTICED),
);

/** What an account's owner should know of since an event, newest first. */
export async function listNoticed(db: Database, accountId: number, after: number): Promise<AuditRow[]> {
  // Apart: else whoever got in could push that out of the list by wrong passwords.
  const kinds = [noticedAfter(db, accountId, 'change', after), noticedAfter(db, accountId, 'try', after)];
  return (await Promise.all(kinds)).flat().sort((a, b) => b.id - a.id);
}

export async function newestEventId(db: Database): Promise<number> {
  const newest = db.selectFrom('audit_events').select('id').orderBy('id', 'desc').limit(1);
  return (await newest.executeTakeFirst())?.id ?? 0;
}

/** Whether an account has signed in before, as far back as the log goes. */
export async function hasSignedIn(db: Database, accountId: number): Promise<boolean> {
  const [before] = await signInOf(db, accountId);
  return before !== undefined;
}

/** Along the events of the account, newest first, whatever they are: those of one action are most of the log. */
const signInOf = prepared((db, accountId: number) =>
  db
    .selectFrom('audit_events')
    .select('id')
    .where('account_id', '=', accountId)
    .where(sql<SqlBool>`coalesce(action, '') = 'sign_in' and coalesce(result, '') = 'ok'`)
    .orderBy('id', 'desc')
    .limit(1),
);
