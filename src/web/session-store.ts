// Sessions in our database for express-session. Every write is check-and-set: it says which version it knew.
import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { CookieOptions, SessionData } from 'express-session';
import session from 'express-session';
import type { Selectable } from 'kysely';
import type { Config } from '../config/schema.ts';
import { prepared } from '../db/prepared.ts';
import type { Database, Tables } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';

type Callback = (error?: unknown) => void;
type Session = SessionData & { req?: Request };

/** What we know of a stored session while a request holds it. */
type Known = Pick<
  Selectable<Tables['sessions']>,
  'version' | 'data' | 'remembered' | 'created_at' | 'seen_at' | 'provider'
>;

const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;
/** How exact the idle time is: a session in use is written at most this often. */
const SEEN_EVERY_MS = MINUTE_MS;

const sessionByHash = prepared((db, idHash: string) =>
  db.selectFrom('sessions').selectAll().where('id_hash', '=', idHash),
);

export interface SessionInfo {
  /** When the person last proved to be there: a session under a new id keeps it. */
  createdAt: number;
  remembered: boolean;
  /** What was signed in with: `password`, a provider, or `link`. */
  provider: string | null;
}

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
  /** Sessions under a new id whose row still has the old name (a hash). */
  readonly #renewed = new WeakMap<object, string>();

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

  /** In a transaction: not even a power failure brings a session back that was ended. */
  override destroy(id: string, done: Callback = () => undefined): void {
    this.#options.db
      .transaction()
      .execute((trx) => trx.deleteFrom('sessions').where('id_hash', '=', sessionHash(id)).execute())
      .then(() => done(), done);
  }

  /** At sign-in. A stranger's session was never stored, so there is none to end. */
  override regenerate(req: Request, done: Callback): void {
    const isStored = this.#known.has(req.session);
    const renews = req.newSession?.renews === true;
    if (isStored && !renews) return super.regenerate(req, done);
    const before = sessionHash(req.sessionID);
    this.generate(req);
    if (isStored) this.#renewed.set(req.session, before);
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
    const [row] = await sessionByHash(db, sessionHash(id));
    if (!row || !isLive(row, this.#options.config().session, now())) return null;
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
    if (!known && data === '{}') return; // it also saves whatever got a new id; of a stranger there is nothing to keep
    const row: Known = known
      ? { ...known, version: known.version + 1, data, seen_at: now() }
      : { ...this.#begun(value), version: 1, data, seen_at: now() };
    const stored = { ...row, account_id: accountOf(value), expires_at: expiryOf(row, this.#options.config().session) };
    const before = known ? undefined : this.#renewed.get(value);
    if (before !== undefined) {
      await this.#rename(before, { id_hash: sessionHash(id), ...stored });
    } else if (!known) {
      await db
        .insertInto('sessions')
        .values({ id_hash: sessionHash(id), ...stored, ...deviceOf(value) })
        .execute();
    } else {
      const same = db.updateTable('sessions').where('id_hash', '=', sessionHash(id));
      const unchanged = same.where('version', '=', known.version);
      const { numUpdatedRows } = await unchanged.set(stored).executeTakeFirst();
      if (numUpdatedRows === 0n) return log.info('a session that had ended or changed meanwhile was not written back');
    }
    this.#known.set(value, row);
  }

  /**
   * A session gets a new id in one step: it was there until now. Ended meanwhile (by a change of password, on the list of
   * devices), it does not come back under another name.
   */
  async #rename(before: string, row: Partial<Selectable<Tables['sessions']>>): Promise<void> {
    const stored = this.#options.db.updateTable('sessions').set(row).where('id_hash', '=', before);
    if ((await stored.executeTakeFirst()).numUpdatedRows === 0n) throw new AppError('unauthenticated');
  }

  /** A session under a new id goes on as the one it replaces: by a change of rights nobody stays longer. */
  #begun(value: Session): Pick<Known, 'remembered' | 'created_at' | 'provider'> {
    const { createdAt, provider } = value.req?.newSession ?? {};
    const remembered = value.cookie.originalMaxAge === null ? 0 : 1;
    return { remembered, created_at: createdAt ?? this.#options.now(), provider: provider ?? null };
  }

  /** What is known of the session of a request: since when it proves that the person is there, and how. */
  infoOf(value: object): SessionInfo | undefined {
    const known = this.#known.get(value);
    return known && { createdAt: known.created_at, remembered: known.remembered === 1, provider: known.provider };
  }

  /**
   * Notes that a session is in use; apart from reading it, because not every request is a person's doing. Not by the
   * method `touch` of a store: where there is one, express-session holds back the last byte of every answer until it is
   * done, and each answer takes two writes to the network.
   */
  async noteUse(req: Request): Promise<void> {
    const { db, now, log, config } = this.#options;
    const row = this.#known.get(req.session);
    if (!row || now() - row.seen_at < SEEN_EVERY_MS) return;
    const seen = { ...row, seen_at: now() };
    try {
      await db
        .updateTable('sessions')
        .set({ seen_at: seen.seen_at, expires_at: expiryOf(seen, config().session) })
        .where('id_hash', '=', sessionHash(req.sessionID))
        .where('seen_at', '<', seen.seen_at)
        .execute();
    } catch (error) {
      // A database that only reads still knows who is signed in.
      log.error({ err: error }, 'the session could not be written');
    }
    this.#known.set(req.session, seen);
  }

  #cookie(remembered: boolean): CookieOptions & { originalMaxAge: number | null } {
    const maxAge = this.#options.config().session.remember_me_days * DAY_MS;
    return { ...this.#options.cookie, originalMaxAge: remembered ? maxAge : null };
  }
}

type Lifetimes = Config['session'];
type Times = Pick<Known, 'remembered' | 'created_at' | 'seen_at'>;

/** Unused too long or simply too old, whichever comes first. "Remember me" stretches both to its own days. */
function expiryOf(row: Times, lifetimes: Lifetimes): number {
  const end = row.created_at + absoluteMs(row, lifetimes);
  if (row.remembered === 1) return end;
  return Math.min(end, row.seen_at + lifetimes.idle_minutes * MINUTE_MS);
}

/**
 * Whether a session still counts. One from the future was made when the clock was wrong by more than a session lives; it
 * would outlive every limit.
 */
export function isLive(row: Times, lifetimes: Lifetimes, now: number): boolean {
  return now < expiryOf(row, lifetimes) && row.created_at - now <= absoluteMs(row, lifetimes);
}

function absoluteMs({ remembered }: Times, { absolute_hours, remember_me_days }: Lifetimes): number {
  return remembered === 1 ? remember_me_days * DAY_MS : absolute_hours * 60 * MINUTE_MS;
}

function accountOf({ passport }: SessionData): number | null {
  const user = passport?.user;
  return (typeof user === 'object' ? user.id : user) ?? null;
}

/** Longer ones are cut: they are what a stranger sends. */
const MAX_AGENT = 300;

/** For the list of devices. */
function deviceOf({ req }: Session): { address: string | null; agent: string | null } {
  return { address: req?.ip ?? null, agent: req?.headers['user-agent']?.slice(0, MAX_AGENT) ?? null };
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

/** The name under which a session is stored, and may be shown: nobody gets from it to the id. */
export function sessionHash(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}
