// Setting and changing one's password: all other devices are signed out by it.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { AuditEvent } from '../audit/record.ts';
import { recordEvent } from '../audit/record.ts';
import type { Account } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { endSessions } from '../web/account-sessions.ts';
import { answerDone, refuseForm } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import { sessionHash } from '../web/session-store.ts';
import type { Web } from '../web/web.ts';
import { renewSession } from '../web/web.ts';
import { noteUnconfirmed } from './arrive.ts';
import { findDeviceCookie, rememberDevice } from './device-cookie.ts';
import { endWhatWasBegun } from './begun.ts';
import { mailNotice } from './mail-notices.ts';
import { passwordSignIn, WrongPassword } from './password-sign-in.ts';
import { hashPassword, markOfPassword, weaknessOf } from './passwords.ts';
import { requireAccount } from './presence.ts';
import type { Refused, ShowAccountPage } from './profile-page.ts';
import { findAccount, updateAccount } from './store.ts';
import { isPasswordSignInOn } from './ways-in.ts';

const passwordForm = z.object({
  current_password: z.string().optional(),
  new_password: z.string(),
  new_password_again: z.string(),
});
type PasswordForm = z.output<typeof passwordForm>;

export function changePassword(web: Web, show: ShowAccountPage): RequestHandler {
  return async (req, res) => {
    const { services, site } = web;
    if (!isPasswordSignInOn(services.config(), await services.settings.current())) throw new AppError('not_found');
    const form = parseInput(passwordForm, req.body);
    const account = requireAccount(req);
    const refuse = (password: NonNullable<Refused['password']>) =>
      refuseForm(web, req, res, { sentence: password.sentence, again: () => show(req, res, { password }) });
    const weakness = weaknessOfNew(form, account);
    if (weakness) return refuse(weakness);
    const proved = await proveCurrent(web, req, form, account);
    if (!proved) return refuse({ sentence: 'The current password is not right.', field: 'current' });
    const changed = await storePassword(web, req, { account: proved, password: form.new_password });
    await goOnAlone(web, req, res, changed);
    const title = account.password_hash === null ? 'Password set' : 'Password changed';
    const say = { title, text: 'All your other devices were signed out.' };
    await answerDone(web, req, res, { to: `${site.base}/-/profile/account`, say });
  };
}

function weaknessOfNew({ new_password, new_password_again }: PasswordForm, account: Account): Refused['password'] {
  if (new_password !== new_password_again) return { sentence: 'The new passwords are not the same.', field: 'again' };
  const sentence = weaknessOf(new_password, account.username);
  return sentence === undefined ? undefined : { sentence, field: 'new' };
}

/** A wrong one counts as a try of the regular form: a session that somebody has taken over is no place to guess. */
async function proveCurrent(
  web: Web,
  req: Request,
  { current_password = '' }: PasswordForm,
  account: Account,
): Promise<Account | undefined> {
  if (account.password_hash === null) return account;
  const given = { login: account.username, password: current_password, address: req.ip };
  try {
    return await passwordSignIn(web.services, web.limits, { ...given, deviceCookie: findDeviceCookie(req, web.site) });
  } catch (error) {
    if (!(error instanceof WrongPassword)) throw error;
    await noteUnconfirmed(web, req, { provider: 'password', reason: 'invalid_credentials' });
    return undefined;
  }
}

async function storePassword(
  { services }: Web,
  req: Request,
  { account, password }: { account: Account; password: string },
): Promise<Account> {
  const password_hash = await hashPassword(password);
  const event: AuditEvent = { action: 'password_changed', reason: account.password_hash === null ? 'set' : 'changed' };
  await services.db.transaction().execute(async (trx) => {
    await services.database.dialect.lock(trx, `account ${account.id}`);
    const before = await findAccount(trx, account.id);
    // The current one was right when it was checked; of two changes at the same moment the second would not know it.
    if (!before || markOfPassword(before.password_hash) !== markOfPassword(account.password_hash))
      throw new AppError('invalid_credentials');
    await endWhatWasBegun(trx, services, { accountId: account.id, keep: sessionHash(req.sessionID) });
    await updateAccount(trx, account.id, { password_hash });
    await recordEvent(services, trx, event, req);
  });
  mailNotice(services, event, req);
  return { ...account, password_hash };
}

/**
 * This session gets a new id, and stays the only one: a sign-in with the old password that was checked before the change
 * and has written its session since does not see the new one yet, so it is ended here (see startPasswordSession).
 */
async function goOnAlone(web: Web, req: Request, res: Response, account: Account): Promise<void> {
  await renewSession(req);
  await endSessions(web.services.db, account.id, sessionHash(req.sessionID));
  rememberDevice(req, res, web, { account, by: 'password' });
}
