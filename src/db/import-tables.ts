// How far imports are, what they could not bring, and with what they read: the third screen of the data model. Same rules
// as in tables.ts.
import type { Generated, Selectable } from 'kysely';

export interface ImportTables {
  imports: ImportsTable;
  import_stages: ImportStagesTable;
  import_failures: ImportFailuresTable;
  import_log: ImportLogTable;
  import_credentials: ImportCredentialsTable;
  credential_waits: CredentialWaitsTable;
}

export type ImportStatus = 'queued' | 'running' | 'waiting' | 'partial' | 'failed' | 'cancelled' | 'done';

/** One run of bringing a project here or up to date. */
interface ImportsTable {
  id: Generated<number>;
  project_id: number;
  account_id: number;
  /** With what it reads; null = it was forgotten since. */
  credential_id: number | null;
  status: ImportStatus;
  /** Name of the stage under way. */
  stage: string | null;
  /** 1 = only what changed since `since`. */
  resync: number;
  since: number | null;
  /** A sentence for people: why it waits, failed or was cancelled. */
  reason: string | null;
  waiting_until: number | null;
  cancel_asked: Generated<number>;
  /** Whoever holds the lease may write; `fence` grows each time it is taken, so that a late one is found out. */
  lease_until: Generated<number>;
  fence: Generated<number>;
  /** When its last turn began: who was served longest ago comes first. */
  claimed_at: Generated<number>;
  /** Turns that ended without any progress, one after the other, and how long was waited between them. */
  tries: Generated<number>;
  waited_ms: Generated<number>;
  api_calls: Generated<number>;
  /** JSON `{expected, found, missing[]}`. */
  verification: string | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
}

interface ImportStagesTable {
  import_id: number;
  /** Order of the stages. */
  position: number;
  name: string;
  status: 'pending' | 'running' | 'done';
  done: Generated<number>;
  total: number | null;
  skipped: Generated<number>;
  /** Where to go on: the address of the first unfinished page, a number, an oid; each stage knows its own. */
  cursor: string | null;
}

interface ImportFailuresTable {
  id: Generated<number>;
  import_id: number;
  stage: string;
  /** `pull_request`, `comment`, `commit`, `lfs_object`, `attachment`, … */
  kind: string;
  /** Which one; (import, kind, key) is unique. */
  key: string;
  source_url: string | null;
  /** In plain words. */
  reason: string;
  retryable: number;
  /** 1 = asked for again: the next turn tries this one item. */
  retry: Generated<number>;
  at: number;
}

/** What happened, in words. */
interface ImportLogTable {
  id: Generated<number>;
  import_id: number;
  at: number;
  text: string;
}

/**
 * What a person may read at a provider with, for importing: their consent (its tokens are in `provider_tokens`), an API
 * token with e-mail, or an access token of a repository, project or workspace. None of them is a way in here.
 */
interface ImportCredentialsTable {
  id: Generated<number>;
  account_id: number;
  /** A consent of a Bitbucket account that is connected ends with that connection. */
  identity_id: number | null;
  provider: string;
  kind: 'oauth' | 'api_token' | 'access_token';
  /** What it is one of a kind by, for its owner: the uuid of who has consented, the e-mail, the workspace or repository. */
  key: string;
  /** For an API token: the Atlassian account's address. */
  email: string | null;
  /** The token that was typed in, sealed and bound to the row; see seal.ts. null for a consent. */
  sealed: string | null;
  /** Whose name, or what the person calls it. */
  label: string;
  created_at: number;
}

/** Until when a credential has to wait, for all workers. */
interface CredentialWaitsTable {
  credential_id: number;
  until: number;
}

export type Import = Selectable<ImportsTable>;
export type ImportStage = Selectable<ImportStagesTable>;
export type ImportFailure = Selectable<ImportFailuresTable>;
export type ImportCredential = Selectable<ImportCredentialsTable>;
