// Sessions in our database for express-session. Every write is check-and-set: it says which version it knew.
import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { CookieOptions, SessionData } from 'express-session';
import session from 'express-session';
import type { Selectable } from 'kysely';
import type { Config } from '../config/schema.ts';
import { prepared } from '../db/prepared.ts';
import { sweep } from '../db/sweep.ts';
import type { Database, Tables } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';

type Callback = (error?: unknown) => void;
type Session = SessionData & { passport?: { user?: number } };

/** What we know of a stored session while a request holds it. */
type Known = Pick<Selectable<Tables['sessions']>, 'version' | 'data' | 'remembered' | 'created_at' | 'seen_at'>;

const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;
/** How exact the idle time is: a session in use is written at most this often. */
const TOUCH_EVERY_MS = MINUTE_MS;

const sessionByHash = prepared((db, idHash: string) =>
  db.selectFrom('sessions').selectAll().where('id_hash', '=', idHash),
);

export interface SessionStoreOptions {
  db: Database;
  /** The attributes of the session cookie, for the few answers that send it again. */
  cookie: CookieOptions;
  config: () => Config;
  now: () => number;
  log: Log;
}

/**
 * express-session writes a session back when a request ends, however long ago it was read. With a plain store a slow
 * request that was in flight during sign-out brings the session back to life. Here such a write finds no row, or a row
 * of a newer version, and changes nothing.
 */
export class SessionStore extends session.Store {
  /** Makes a new session of a request; express-session puts it here. */
  declare generate: (req: Request) => void;
  readonly #options: SessionStoreOptions;
  /** Keyed by the object express-session hands around, so nothing of it can leak into the stored data. */
  readonly #known = new WeakMap<object, Known>();

  constructor(options: SessionStoreOptions) {
    super();
    this.#options = options;
  }

  override get(id: string, done: (error: unknown, session?: SessionData | null) => void): void {
    this.#read(id).then(
      (found) => done(null, found),
      // Whatever it is: express-session takes some error codes (ENOENT) for "no such session" and would sign people out.
      (error: unknown) => done(new AppError('unavailable', { cause: error, retryAfterSeconds: 5 })),
    );
  }

  override set(id: string, value: SessionData, done: Callback = () => undefined): void {
    this.#write(id, value).then(() => done(), done);
  }

  override touch(id: string, value: SessionData, done: Callback = () => undefined): void {
    this.#touch(id, value).then(() => done(), done);
  }

  /** In a transaction: not even a power failure brings a session back that was ended. */
  override destroy(id: string, done: Callback = () => undefined): void {
    this.#options.db
      .transaction()
      .execute((trx) => trx.deleteFrom('sessions').where('id_hash', '=', hash(id)).execute())
      .then(() => done(), done);
  }

  /** At sign-in. A stranger's session was never stored, so there is none to end. */
  override regenerate(req: Request, done: Callback): void {
    if (this.#known.has(req.session)) return super.regenerate(req, done);
    this.generate(req);
    done();
  }

  /** express-session makes a new object of what `get` gave; what we know of it moves along. */
  override createSession(req: Request, found: SessionData): session.Session & SessionData {
    const created = super.createSession(req, found);
    const known = this.#known.get(found);
    if (known) this.#known.set(created, known);
    return created;
  }

  async #read(id: string): Promise<SessionData | null> {
    const { db, now, log } = this.#options;
    const [row] = await sessionByHash(db, hash(id));
    if (!row || now() >= this.#expiry(row) || this.#isFromTheFuture(row)) return null;
    const data = parse(row.data);
    if (!data) {
      log.warn('a session record could not be read and was removed');
      await db.deleteFrom('sessions').where('id_hash', '=', row.id_hash).execute();
      return null;
    }
    const found = { ...data, cookie: this.#cookie(row.remembered === 1) } as SessionData;
    this.#known.set(found, row);
    return found;
  }

  async #write(id: string, value: SessionData): Promise<void> {
    const { db, now, log } = this.#options;
    const data = JSON.stringify({ ...value, cookie: undefined });
    const known = this.#known.get(value);
    if (known?.data === data) return; // express-session saves again at the end of a request that signed in
    const row: Known = known
      ? { ...known, version: known.version + 1, data, seen_at: now() }
      : {
          version: 1,
          data,
          remembered: value.cookie.originalMaxAge === null ? 0 : 1,
          created_at: now(),
          seen_at: now(),
        };
    const stored = { ...row, account_id: accountOf(value), expires_at: this.#expiry(row) };
    if (!known) {
      await db
        .insertInto('sessions')
        .values({ id_hash: hash(id), ...stored })
        .execute();
    } else {
      const unchanged = db.updateTable('sessions').where('id_hash', '=', hash(id)).where('version', '=', known.version);
      const { numUpdatedRows } = await unchanged.set(stored).executeTakeFirst();
      if (numUpdatedRows === 0n) return log.info('a session that had ended or changed meanwhile was not written back');
    }
    this.#known.set(value, row);
  }

  async #touch(id: string, value: SessionData): Promise<void> {
    const { db, now } = this.#options;
    const known = this.#known.get(value);
    if (!known || now() - known.seen_at < TOUCH_EVERY_MS) return;
    const row: Known = { ...known, seen_at: now() };
    await db
      .updateTable('sessions')
      .set({ seen_at: row.seen_at, expires_at: this.#expiry(row) })
      .where('id_hash', '=', hash(id))
      .where('seen_at', '<', row.seen_at)
      .execute();
  }

  /** Unused too long or simply too old, whichever comes first. "Remember me" stretches both to its own days. */
  #expiry(row: Known): number {
    const end = row.created_at + this.#absoluteMs(row);
    if (row.remembered === 1) return end;
    return Math.min(end, row.seen_at + this.#options.config().session.idle_minutes * MINUTE_MS);
  }

  /** Made when the clock was wrong by more than a session lives; it would outlive every limit. */
  #isFromTheFuture(row: Known): boolean {
    return row.created_at - this.#options.now() > this.#absoluteMs(row);
  }

  #absoluteMs(row: Known): number {
    const { absolute_hours, remember_me_days } = this.#options.config().session;
    return row.remembered === 1 ? remember_me_days * DAY_MS : absolute_hours * 60 * MINUTE_MS;
  }

  #cookie(remembered: boolean): CookieOptions & { originalMaxAge: number | null } {
    const maxAge = this.#options.config().session.remember_me_days * DAY_MS;
    return { ...this.#options.cookie, originalMaxAge: remembered ? maxAge : null };
  }
}

function accountOf(value: Session): number | null {
  return value.passport?.user ?? null;
}

function parse(data: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function hash(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}

/** Removes sessions that no longer count. */
export async function sweepSessions(db: Database, now: number): Promise<void> {
  await sweep(db, { table: 'sessions', key: 'id_hash', expires: 'expires_at' }, now);
}
