// What an administrator does to somebody's account: each change in one transaction with its event, and never one that
// leaves the server without an administrator. Commands may call these as well, without a request.
import type { Request } from 'express';
import { forgetPerson, recordEvent } from '../audit/record.ts';
import type { AuditEvent } from '../audit/record.ts';
import { deleteAccessTokens } from '../accounts/access-tokens.ts';
import { endWhatWasBegun } from '../accounts/begun.ts';
import { mailNotice } from '../accounts/mail-notices.ts';
import { forgetPendingLinks } from '../accounts/pending-links.ts';
import type { AccountChange } from '../accounts/store.ts';
import { changeState, deleteAccount, deleteIdentities, findAccount, updateAccount } from '../accounts/store.ts';
import { isShutOutWithin, lockAdministrators, requireAdministrator } from '../accounts/ways-in.ts';
import type { Account, AccountState, Transaction } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { removeDeletedFiles } from '../projects/deleted.ts';
import { deleteProjectsOf, lockImports } from '../projects/records.ts';
import type { Services } from '../services.ts';
import { endSessions } from '../web/account-sessions.ts';
import { sessionHash } from '../web/session-store.ts';

/** A change under way. */
export interface Change {
  trx: Transaction;
  services: Services;
  /** Whom it is about, as the transaction sees them. */
  account: Account;
  /** Whose administrator does it; none for a command. */
  req: Request | undefined;
  /** What was noted of it; its owner is told once it is done. */
  noted: AuditEvent[];
}

/**
 * Does one change of an account. One at a time on all processes: whoever has just lost the right to do it is refused,
 * however long ago the form was opened.
 * @throws AppError `not_found` when the account is gone, or the one who asks is no administrator any more
 */
export async function changeAccount<T>(
  services: Services,
  { accountId, req }: { accountId: number; req?: Request },
  work: (change: Change) => Promise<T>,
): Promise<T> {
  const { account, noted, result } = await services.db.transaction().execute(async (trx) => {
    await lockAdministrators(trx, services);
    if (req) await requireStillAdmin(trx, req);
    const account = await findAccount(trx, accountId);
    if (!account) throw new AppError('not_found');
    const noted: AuditEvent[] = [];
    return { account, noted, result: await work({ trx, services, account, req, noted }) };
  });
  for (const event of noted) mailNotice(services, event, req, account);
  if (noted.some(({ action }) => action === 'account_deleted')) await removeDeletedFiles(services);
  return result;
}

/** To be asked under the lock. */
export async function requireStillAdmin(trx: Transaction, { user }: Request): Promise<void> {
  const actor = user && (await findAccount(trx, user.id));
  if (actor?.admin !== 1 || actor.state !== 'active') throw new AppError('not_found');
}

/** Lets somebody in who waits. */
export async function approve(change: Change): Promise<void> {
  await moveTo(change, { from: ['waiting'], to: 'active' });
  await note(change, { action: 'account_approved' });
}

/** Deletes an account that waits. Its name is free again, and who it belonged to may come again. */
export async function reject(change: Change): Promise<void> {
  if (!(await deleteAll(change, 'waiting'))) throw new AppError('changed_meanwhile');
  await note(change, { action: 'account_rejected' });
}

/** Ends everything at once: sessions, what is under way at Bitbucket, proofs that were offered. */
export async function block(change: Change): Promise<void> {
  await voidWaysIn(change);
  await moveTo(change, { from: ['active', 'waiting'], to: 'blocked' });
  await keepAdministrator(change);
  await note(change, { action: 'account_blocked' });
}

/** A session that began at the very moment of the blocking does not come to life again. */
export async function unblock(change: Change): Promise<void> {
  await endSessions(change.trx, change.account.id);
  await moveTo(change, { from: ['blocked'], to: 'active' });
  await note(change, { action: 'account_unblocked' });
}

export async function makeAdmin(change: Change): Promise<void> {
  if (change.account.state !== 'active' || change.account.admin === 1) throw new AppError('changed_meanwhile');
  await updateAccount(change.trx, change.account.id, { admin: 1 });
  await note(change, { action: 'admin_granted' });
}

export async function unmakeAdmin(change: Change): Promise<void> {
  const { trx, services, account } = change;
  if (account.admin === 0) throw new AppError('changed_meanwhile');
  // Whose membership was lost before has come in as administrator only.
  if (await isShutOutWithin(trx, services, { ...account, admin: 0 })) await voidWaysIn(change);
  await updateAccount(trx, account.id, { admin: 0 });
  await keepAdministrator(change);
  await note(change, { action: 'admin_revoked' });
}

export async function setExternal(change: Change, external: boolean): Promise<void> {
  if ((change.account.external === 1) === external) throw new AppError('changed_meanwhile');
  await updateAccount(change.trx, change.account.id, { external: external ? 1 : 0 });
  await note(change, { action: 'external_set', details: { external } });
}

/**
 * What is set here stays: a sign-in does not bring Bitbucket's name or address back. An address that an administrator
 * sets counts as verified: they could connect any identity to the account anyway, so no right is won by it, and without
 * it `auto_link_user` could not be used for accounts that were made before their owners come. One that stays as it was
 * counts only where they say so: whoever changes a name vouches for no address.
 * @param vouched that the address which is there is theirs
 * @returns false when everything was like that already
 */
export async function edit(
  change: Change,
  { name, email, vouched }: { name: string; email: string | null; vouched: boolean },
): Promise<boolean> {
  const { account, trx } = change;
  const changes: AccountChange = {
    ...(name === account.name ? {} : { name, name_set_here: 1 }),
    ...(email === account.email
      ? vouched && email !== null && account.email_verified === 0 && { email_verified: 1 }
      : { email, email_set_here: 1, email_verified: email === null ? 0 : 1 }),
  };
  const changed = (['name', 'email', 'email_verified'] as const).filter(
    (key) => key in changes && !(key === 'email_verified' && 'email' in changes),
  );
  if (changed.length === 0) return false;
  // The address decided who may prove this account; whoever was about to do so with the old one begins anew. First, as
  // linking does: it locks the proof, then the account.
  await forgetPendingLinks(trx, account.id);
  await updateAccount(trx, account.id, changes);
  // Which fields, not what stood in them: of a deleted account no address stays in the log.
  await note(change, { action: 'account_changed', details: { changed } });
  return true;
}

/** @returns how many sessions ended */
export async function signOutEverywhere(change: Change): Promise<number> {
  const { trx, services, account } = change;
  const sessions = await endWhatWasBegun(trx, services, { accountId: account.id });
  await note(change, { action: 'sessions_ended', details: { sessions } });
  return sessions;
}

/**
 * With identities, sessions, tokens and projects. The id is never given again, so nothing of it can reach somebody else.
 * @returns how many projects went with it
 */
export async function remove(change: Change): Promise<number> {
  const { trx, services, account } = change;
  await lockImports(trx, services, account.id);
  const projects = await deleteProjectsOf(trx, account.id, services.now());
  await deleteAll(change);
  await keepAdministrator(change);
  await note(
    { ...change, account: { ...account, ...(await forgetPerson(trx, account.id)) } },
    { action: 'account_deleted', details: { projects } },
  );
  return projects;
}

async function moveTo({ trx, account }: Change, states: Parameters<typeof changeState>[2]): Promise<void> {
  if (!(await changeState(trx, account.id, states))) throw new AppError('changed_meanwhile');
}

/** The account would take it all along, but by an order of its own (see begun.ts). @returns false when it was not there */
async function deleteAll(change: Change, state?: AccountState): Promise<boolean> {
  const { trx, account } = change;
  await deleteIdentities(trx, account.id);
  await voidWaysIn(change);
  await deleteAccessTokens(trx, account.id);
  return deleteAccount(trx, account.id, state);
}

/** Nothing that was begun before leads in any more. */
async function voidWaysIn({ trx, services, account }: Change): Promise<void> {
  await endWhatWasBegun(trx, services, { accountId: account.id });
}

/**
 * After ways in were taken or exchanged: whoever came by them is out, with the access tokens they may have made. Who does
 * it to their own account stays. A password stays, too: the page says so.
 */
export async function voidWhatCameBy({ trx, services, account, req }: Change): Promise<void> {
  const own = req !== undefined && req.user?.id === account.id;
  const keep = own ? sessionHash(req.sessionID) : undefined;
  await endWhatWasBegun(trx, services, { accountId: account.id, keep });
  if (!own) await deleteAccessTokens(trx, account.id);
}

/** After a change to an administrator. @throws AppError `last_administrator`, and the change is undone */
export async function keepAdministrator({ trx, services, account }: Change): Promise<void> {
  if (account.admin === 1) await requireAdministrator(trx, services);
}

/** Last, for it writes to the log as well: what is refused must not be told as done. */
export async function note(change: Change, event: Pick<AuditEvent, 'action' | 'target' | 'details'>): Promise<void> {
  const { services, trx, account, req, noted } = change;
  const by = req ? {} : ({ actor: null, reason: 'command_line' } as const);
  const whole = { ...event, ...by, account };
  await recordEvent(services, trx, whole, req);
  noted.push(whole);
}
