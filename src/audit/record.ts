// The audit log: who did what to whom, with what result, from where. Every event is a row and a line in the log.
import type { Request } from 'express';
import { sql } from 'kysely';
import type { Account, Database, NoticeKind, Transaction } from '../db/tables.ts';
import type { Services } from '../services.ts';

/** What happens here and is worth knowing later; `docs/operations.md` lists them with their meaning. */
export const AUDIT_ACTIONS = {
  sign_in: 'Sign-in',
  sign_out: 'Sign-out',
  new_device: 'Sign-in from a new device',
  confirm: 'Proof of presence',
  account_created: 'Account made',
  account_approved: 'Account approved',
  account_rejected: 'Account rejected',
  account_blocked: 'Account blocked',
  account_unblocked: 'Account unblocked',
  account_deleted: 'Account deleted',
  account_changed: 'Account changed',
  admin_granted: 'Administrator made',
  admin_revoked: 'Administrator unmade',
  external_set: 'External changed',
  identity_connected: 'Identity connected',
  identity_disconnected: 'Identity disconnected',
  identity_changed: 'Identity corrected',
  password_changed: 'Password changed',
  profile_synced: 'Profile renewed from the provider',
  session_ended: 'Device signed out',
  sessions_ended: 'Signed out everywhere',
  token_created: 'Access token made',
  token_revoked: 'Access token revoked',
  membership_lost: 'Membership lost',
  provider_tokens_lost: 'Connection to the provider lost',
  settings_changed: 'Settings changed',
  configuration_reloaded: 'Configuration reloaded',
  sign_in_link_made: 'One-time link made',
  test_sign_in: 'Test sign-in',
  audit_exported: 'Audit log exported',
  import_allowed: 'Importing from Bitbucket allowed',
  import_disallowed: 'Importing from Bitbucket disallowed',
  import_started: 'Import started',
  import_ended: 'Import ended',
  project_deleted: 'Project deleted',
} as const;

export type AuditAction = keyof typeof AUDIT_ACTIONS;
export type AuditResult = 'ok' | 'refused' | 'failed';

/** Of these, once done, the person whose account it is gets a notice. */
export const NOTICED_CHANGES = [
  'new_device',
  'identity_connected',
  'identity_disconnected',
  'identity_changed',
  'account_changed',
  'password_changed',
  'token_created',
  'sign_in_link_made',
] as const satisfies AuditAction[];

/** And of these when they were refused, by action and reason. */
export const NOTICED_TRIES = [
  'sign_in invalid_credentials',
  'sign_in email_taken',
  'confirm invalid_credentials',
  'confirm wrong_identity',
  'identity_connected identity_taken',
] as const satisfies `${AuditAction} ${string}`[];

type Person = Pick<Account, 'id' | 'username'>;

export interface AuditEvent {
  action: AuditAction;
  /** Default `ok`. */
  result?: AuditResult;
  /** A word: an error code, or why it was done. */
  reason?: string | undefined;
  /** Who did it; by default whoever the request is signed in as. `null`: the server itself, or a stranger. */
  actor?: Person | null;
  /** Whom it is about; by default the actor. */
  account?: Person | undefined;
  /** What else it is about: the name of a provider, a setting, a token. */
  target?: string | undefined;
  /** What changed, or what a person needs to understand it. Never a secret. */
  details?: Record<string, unknown> | undefined;
}

/** Longer ones are cut: they are what a stranger sends. */
const MAX_AGENT = 300;

/**
 * Writes one event, and a line about it in the log.
 * @param where the transaction of the change, so that there is no change without its event; else services.db
 * @param req whose address, agent and id are noted; none for what the server or a command does by itself
 */
export async function recordEvent(
  services: Pick<Services, 'now' | 'log'>,
  where: Database,
  event: AuditEvent,
  req?: Request,
): Promise<void> {
  const row = rowOf(event, services.now(), req);
  await where.insertInto('audit_events').values(row).execute();
  const { action, result, reason, target, actor_id, account_id, address, request_id } = row;
  const fields = { audit: action, result, reason, target, actor_id, account_id, address, request_id };
  services.log[result === 'ok' ? 'info' : 'warn'](fields, AUDIT_ACTIONS[action].toLowerCase());
}

/** Only the event: for what the log tells in words of its own. */
export async function insertEvent(
  { now }: Pick<Services, 'now'>,
  where: Database,
  event: AuditEvent,
  req?: Request,
): Promise<void> {
  await where
    .insertInto('audit_events')
    .values(rowOf(event, now(), req))
    .execute();
}

/** What is undefined is null in the database, and left out of the log. */
export function rowOf(event: AuditEvent, at: number, req: Request | undefined) {
  const { action, result = 'ok', reason, target, details } = event;
  const actor = actorOf(event, req);
  const account = event.account ?? actor;
  const row = {
    ...{ at, action, result, reason, target, details: details && JSON.stringify(details), notice: noticeOf(event) },
    ...(actor ? { actor_id: actor.id, actor_name: actor.username } : undefined),
    ...(account ? { account_id: account.id, account_name: account.username } : undefined),
    ...(req
      ? { address: req.ip, request_id: req.id, agent: req.headers['user-agent']?.slice(0, MAX_AGENT) }
      : undefined),
  };
  const { actor_name, account_name, address, request_id } = row;
  const words = [action, reason, actor_name, account_name, target, address, request_id];
  return {
    ...row,
    search_text: words
      .filter((word) => word !== undefined)
      .join('\n')
      .toLowerCase(),
  };
}

function noticeOf({ action, result = 'ok', reason, details }: AuditEvent): NoticeKind | undefined {
  // Of a new name it is no news.
  if (action === 'account_changed' && !isChangeOfAddress(details)) return undefined;
  const [changes, tries]: [readonly string[], readonly string[]] = [NOTICED_CHANGES, NOTICED_TRIES];
  if (result === 'ok') return changes.includes(action) ? 'change' : undefined;
  return result === 'refused' && tries.includes(`${action} ${reason}`) ? 'try' : undefined;
}

/** Whether an `account_changed` is about the e-mail address. */
export function isChangeOfAddress(details: Record<string, unknown> | null | undefined): boolean {
  const changed = details?.['changed'];
  return Array.isArray(changed) && changed.includes('email');
}

function actorOf({ actor }: AuditEvent, req: Request | undefined): Person | undefined {
  return actor === undefined ? req?.user : (actor ?? undefined);
}

/** What stands for somebody whose account is gone: events of one account still belong together. */
function pseudonymOf(accountId: number): string {
  return `deleted-${accountId}`;
}

/** As `rowOf` makes it, of rows that are there. */
const searchText = sql<string>`lower(action || ' ' || coalesce(reason, '') || ' ' || coalesce(actor_name, '') || ' ' ||
  coalesce(account_name, '') || ' ' || coalesce(target, '') || ' ' || coalesce(address, '') || ' ' ||
  coalesce(request_id, ''))`;

/** The one change that rows ever see: of somebody who is deleted no name, address or device stays, nor is found. */
export async function forgetPerson(trx: Transaction, accountId: number): Promise<Person> {
  const username = pseudonymOf(accountId);
  const events = trx.updateTable('audit_events');
  const about = events.where('account_id', '=', accountId);
  await about.set({ account_name: username, details: null, address: null, agent: null, target: null }).execute();
  const by = events.where('actor_id', '=', accountId);
  await by.set({ actor_name: username, address: null, agent: null }).execute();
  for (const changed of [about, by]) await changed.set({ search_text: searchText }).execute();
  return { id: accountId, username };
}
