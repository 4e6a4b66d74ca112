// What is told of every sign-in: an event of the audit log, a line in the log, a count in the metrics.
import type { Request } from 'express';
import type { AuditEvent } from '../audit/record.ts';
import { insertEvent } from '../audit/record.ts';
import { hasSignedIn } from '../audit/store.ts';
import type { Account } from '../db/tables.ts';
import type { ErrorCode } from '../errors.ts';
import { AppError } from '../errors.ts';
import type { Web } from '../web/web.ts';
import { mailNotice } from './mail-notices.ts';
import { noteLastSignIn } from './store.ts';

export interface SignInEvent {
  /** `password`, or the name of a provider; undefined when the request belongs to no flow. */
  provider: string | undefined;
  /** From `performance.now()`. */
  startedAt: number;
  /** Whose account somebody tried to enter, where that is known and the error does not say it. */
  account?: Pick<Account, 'id' | 'username'> | undefined;
  /** Why it was refused, where the visitor is told less. */
  reason?: ErrorCode | undefined;
  /** Nobody has signed in to that account in this browser before. */
  newDevice?: boolean;
}

/** These say nothing of a person, and a flood of them must not fill the database. */
const NOT_AUDITED = new Set<ErrorCode | 'internal'>(['rate_limited', 'unavailable', 'internal', 'invalid_state']);

export async function noteSignedIn(web: Web, req: Request, event: SignInEvent, account: Account): Promise<void> {
  web.services.log.info({ ...who(req), provider: event.provider, account_id: account.id }, 'signed in');
  count(web, event, 'ok');
  if (event.newDevice) await noteNewDevice(web, req, event, account);
  const { db, log, now } = web.services;
  await noteLastSignIn(db, account.id, now()).catch((error: unknown) => {
    log.error({ err: error, request_id: req.id }, 'the last sign-in could not be noted');
  });
  await audit(web, req, { action: 'sign_in', actor: account, target: event.provider });
}

/** Where somebody signs in for the first time every device is new, and nothing to be told of. */
async function noteNewDevice(web: Web, req: Request, { provider }: SignInEvent, account: Account): Promise<void> {
  const { db, log } = web.services;
  const before = await hasSignedIn(db, account.id).catch((error: unknown) => {
    log.error({ err: error, request_id: req.id }, 'the audit log could not be read');
    return false;
  });
  if (before) await audit(web, req, { action: 'new_device', actor: account, target: provider });
}

export async function noteRefused(web: Web, req: Request, event: SignInEvent, error: unknown): Promise<void> {
  const reason = event.reason ?? (error instanceof AppError ? error.code : 'internal');
  web.services.log.warn({ ...who(req), provider: event.provider, reason }, 'sign-in refused');
  count(web, event, reason);
  if (NOT_AUDITED.has(reason)) return;
  const { provider } = event;
  const account = event.account ?? (error instanceof AppError ? error.options.account : undefined);
  await audit(web, req, { action: 'sign_in', result: 'refused', reason, actor: null, account, target: provider });
}

/** Does what may be refused on the way to a sign-in, and tells of the refusal. */
export async function notingRefusal(web: Web, req: Request, event: SignInEvent, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    await noteRefused(web, req, event, error);
    throw error;
  }
}

export async function noteSignedOut(web: Web, req: Request, account: Account | undefined): Promise<void> {
  web.services.log.info({ ...who(req), account_id: account?.id }, 'signed out');
  if (account) await audit(web, req, { action: 'sign_out', actor: account });
}

/** What has happened has happened: a log that cannot be written does not undo it, and hides no other error. */
async function audit({ services }: Web, req: Request, event: AuditEvent): Promise<void> {
  try {
    await insertEvent(services, services.db, event, req);
    mailNotice(services, event, req);
  } catch (error) {
    services.log.error({ err: error, request_id: req.id, action: event.action }, 'the audit log could not be written');
  }
}

function count(web: Web, { provider = 'none', startedAt }: SignInEvent, result: string): void {
  web.metrics.signIn(provider, result, (performance.now() - startedAt) / 1000);
}

function who(req: Request): { address: string | undefined; request_id: string } {
  return { address: req.ip, request_id: req.id };
}
