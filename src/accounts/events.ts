// What is told of every sign-in: one line in the log, one count in the metrics.
import type { Request } from 'express';
import type { Account } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Web } from '../web/web.ts';

export interface SignInEvent {
  /** `password`, or the name of a provider; undefined when the request belongs to no flow. */
  provider: string | undefined;
  /** From `performance.now()`. */
  startedAt: number;
}

export function noteSignedIn(web: Web, req: Request, event: SignInEvent, account: Account): void {
  web.services.log.info({ ...who(req), provider: event.provider, account_id: account.id }, 'signed in');
  count(web, event, 'ok');
}

export function noteRefused(web: Web, req: Request, event: SignInEvent, error: unknown): void {
  const reason = error instanceof AppError ? error.code : 'internal';
  web.services.log.warn({ ...who(req), provider: event.provider, reason }, 'sign-in refused');
  count(web, event, reason);
}

/** Does what may be refused on the way to a sign-in, and tells of the refusal. */
export async function notingRefusal(web: Web, req: Request, event: SignInEvent, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    noteRefused(web, req, event, error);
    throw error;
  }
}

export function noteSignedOut(web: Web, req: Request, accountId: number | undefined): void {
  web.services.log.info({ ...who(req), account_id: accountId }, 'signed out');
}

function count(web: Web, { provider = 'none', startedAt }: SignInEvent, result: string): void {
  web.metrics.signIn(provider, result, (performance.now() - startedAt) / 1000);
}

function who(req: Request): { address: string | undefined; request_id: string } {
  return { address: req.ip, request_id: req.id };
}
