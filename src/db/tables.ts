// The data model on one screen. Times are milliseconds since the epoch (UTC), flags are 0 or 1: plain integers mean the
// same to SQLite and PostgreSQL. Secrets a browser holds (session id, state, browser id) are stored as SHA-256 only.
import type { Generated, Insertable, Kysely, Selectable, Transaction as KyselyTransaction } from 'kysely';

export interface Tables {
  accounts: AccountsTable;
  identities: IdentitiesTable;
  sessions: SessionsTable;
  flows: FlowsTable;
  limits: LimitsTable;
}

export type AccountState = 'active' | 'waiting' | 'blocked';

/** People. Ids are never used twice, so nothing of a deleted account can reach a new one. */
interface AccountsTable {
  id: Generated<number>;
  username: string;
  name: string;
  /** A verified address or null. */
  email: string | null;
  /** `email` with ASCII letters lower-cased: the only rule by which two addresses count as the same. Unique. */
  email_key: string | null;
  state: AccountState;
  admin: number;
  /** PHC string of argon2id, or null for somebody who signs in with a provider only. */
  password_hash: string | null;
  created_at: number;
}

/** Who somebody is at a provider. (provider, extern_uid) is the key; names are for display and change at will. */
interface IdentitiesTable {
  id: Generated<number>;
  account_id: number;
  provider: string;
  /** Bitbucket's uuid, with braces. */
  extern_uid: string;
  display_name: string;
  created_at: number;
  last_used_at: number;
}

/** Sessions of express-session. Rows exist for signed-in browsers only. */
interface SessionsTable {
  id_hash: string;
  account_id: number | null;
  /** JSON of what express-session keeps, without its cookie. */
  data: string;
  /** Grows with every write; a write that knew an older one is refused. */
  version: number;
  /** 1 = "remember me". */
  remembered: number;
  created_at: number;
  seen_at: number;
  /** When the row may be swept away; whether it still counts is decided from the other times at each use. */
  expires_at: number;
}

/** Started sign-ins: one row per click, used once. */
interface FlowsTable {
  /** From the answer until the end of the sign-in with a word in front, so that no second answer finds it. */
  state_hash: string;
  browser_hash: string;
  provider: string;
  purpose: 'sign_in';
  /** PKCE verifier. Worthless without the code and the consumer's secret, and gone after ten minutes. */
  code_verifier: string;
  return_to: string | null;
  remember_me: number;
  expires_at: number;
}

/** Counters of the rate limits. */
interface LimitsTable {
  key: string;
  count: number;
  resets_at: number;
}

export type Database = Kysely<Tables>;
/** What must survive a power failure is written in one of these; see `sqliteDialect`. */
export type Transaction = KyselyTransaction<Tables>;
export type Account = Selectable<AccountsTable>;
export type NewAccount = Insertable<AccountsTable>;
export type Identity = Selectable<IdentitiesTable>;
export type Flow = Selectable<FlowsTable>;
