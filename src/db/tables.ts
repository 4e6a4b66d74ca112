// The data model on one screen. Times are milliseconds since the epoch (UTC), flags are 0 or 1: plain integers mean the
// same to SQLite and PostgreSQL. Secrets a browser holds (session id, state, browser id) are stored as SHA-256 only.
import type { Generated, Insertable, Kysely, Selectable, Transaction as KyselyTransaction } from 'kysely';
import type { ImportTables } from './import-tables.ts';
import type { ProjectTables } from './project-tables.ts';

export interface Tables extends ImportTables, ProjectTables {
  accounts: AccountsTable;
  identities: IdentitiesTable;
  sessions: SessionsTable;
  flows: FlowsTable;
  limits: LimitsTable;
  provider_tokens: ProviderTokensTable;
  access_tokens: AccessTokensTable;
  pending_links: PendingLinksTable;
  sign_in_links: SignInLinksTable;
  settings: SettingsTable;
  audit_events: AuditEventsTable;
}

export type AccountState = 'active' | 'waiting' | 'blocked';

/** People. Ids are never used twice, so nothing of a deleted account can reach a new one. */
interface AccountsTable {
  id: Generated<number>;
  username: string;
  name: string;
  email: string | null;
  /** 1 = it was proved that the address is theirs. Only then is it shown by the API and leads to an account. */
  email_verified: Generated<number>;
  /** `email` with ASCII letters lower-cased: the only rule by which two addresses count as the same. Unique. */
  email_key: string | null;
  state: AccountState;
  admin: number;
  /** 1 = somebody from outside, who sees what was shared with them only. */
  external: Generated<number>;
  /** 1 = set here, by the person or an administrator: a sign-in does not bring Bitbucket's name back. */
  name_set_here: Generated<number>;
  email_set_here: Generated<number>;
  /** PHC string of argon2id, or null for somebody who signs in with a provider only. */
  password_hash: string | null;
  /** The last sign-in with the password: it is known to work. */
  password_used_at: number | null;
  /** When their last session was begun, whatever by; null = they have never come in. */
  last_sign_in_at: number | null;
  /** Notices up to this event of the audit log have been read. */
  seen_event_id: Generated<number>;
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
  /** Bitbucket's name or nickname for the person: for display. */
  username: string | null;
  avatar_url: string | null;
  /** JSON: what `allowed_workspaces` is about and groups are named by, `["ws", "ws:owner"]`. */
  groups: Generated<string>;
  /**
   * When membership was last asked for, with whatever result, and when it was last confirmed: 0 = never, -1 = lost, until
   * the person comes in again. See membership.ts.
   */
  checked_at: Generated<number>;
  confirmed_at: Generated<number>;
  created_at: number;
  last_used_at: number;
}

/** Tokens of an identity, or of a consent to import, where a feature needs them. */
interface ProviderTokensTable {
  /** `identity 7` or `credential 7`: one of the two columns below, as one key. */
  holder: string;
  identity_id: number | null;
  credential_id: number | null;
  /** Access and refresh token, see seal.ts; bound to this row. */
  sealed: string;
  /** Space-separated, as granted. */
  scopes: string;
  /** When the access token ends. */
  expires_at: number;
  /** Grows with every refresh. */
  version: number;
  /** One refresh at a time: until then somebody is at it. */
  refreshing_until: number;
}

/** Personal access tokens. */
interface AccessTokensTable {
  id: Generated<number>;
  account_id: number;
  name: string;
  token_hash: string;
  /** Space-separated. */
  scopes: string;
  created_at: number;
  /** null = never. */
  expires_at: number | null;
  last_used_at: number | null;
}

/** Somebody came with an e-mail address of an account here: until they prove that it is theirs, nothing is linked. */
interface PendingLinksTable {
  browser_hash: string;
  /** The account to prove. */
  account_id: number;
  provider: string;
  /** JSON of the profile they came with. */
  profile: string;
  /** Their tokens and workspaces, where a feature needs them; sealed (see seal.ts) and bound to this row. */
  arrival: string | null;
  expires_at: number;
}

/** One-time sign-in links of `gatehouse admin link`. */
interface SignInLinksTable {
  token_hash: string;
  account_id: number;
  expires_at: number;
}

/** What administrators set in the panel (application-settings.ts), and what Bitbucket takes away (announced-changes.ts). */
interface SettingsTable {
  key: string;
  /** JSON. */
  value: string;
  updated_at: number;
  /** User name. */
  updated_by: string;
}

/** What was done with an account, or what somebody tried and was refused. */
export type NoticeKind = 'change' | 'try';

/** The audit log. Rows are written once; retention removes old ones, and of people who are deleted a pseudonym stays. */
interface AuditEventsTable {
  id: Generated<number>;
  at: number;
  action: string;
  result: string;
  /** A word: an error code, or why. */
  reason: string | null;
  /** Who did it; null for the server itself and for strangers. */
  actor_id: number | null;
  actor_name: string | null;
  /** Whom it is about. */
  account_id: number | null;
  account_name: string | null;
  /** What else it is about: a provider, a setting, a token's name. */
  target: string | null;
  /** JSON with what changed. */
  details: string | null;
  address: string | null;
  agent: string | null;
  request_id: string | null;
  /** What a search looks at, in lower case: one column is read instead of seven. */
  search_text: string;
  /** Whether its owner is told of it in the pages; null = no. */
  notice: NoticeKind | null;
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
  /** Where it was begun: for the list of devices. */
  address: string | null;
  agent: string | null;
  /** What was signed in with: `password`, a provider, or `link`. */
  provider: string | null;
  /** When the row may be swept away; whether it still counts is decided from the other times at each use. */
  expires_at: number;
}

/** What a started dance is for: signing in, connecting an identity, proving to be there, a try that changes nothing, importing. */
export type FlowPurpose = 'sign_in' | 'link' | 'confirm' | 'test' | 'import';

/** Started dances: one row per click, used once. */
interface FlowsTable {
  /** From the answer until the end of the sign-in with a word in front, so that no second answer finds it. */
  state_hash: string;
  browser_hash: string;
  provider: string;
  purpose: FlowPurpose;
  /** Who started it, for every purpose but signing in: nobody else may finish it. */
  account_id: number | null;
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
export type NewIdentity = Insertable<IdentitiesTable>;
export type AccessToken = Selectable<AccessTokensTable>;
export type AuditRow = Selectable<AuditEventsTable>;
export type ProviderTokens = Selectable<ProviderTokensTable>;
export type Flow = Selectable<FlowsTable>;
