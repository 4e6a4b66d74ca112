// The regular form: username or e-mail address and password.
import type { Request } from 'express';
import type { Account, Database } from '../db/tables.ts';
import type { ErrorCode } from '../errors.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Limit, Limits } from '../web/limits.ts';
import { addressKey } from '../web/limits.ts';
import type { Web } from '../web/web.ts';
import { startSession } from '../web/web.ts';
import { findDevice } from './device-cookie.ts';
import type { SignInEvent } from './events.ts';
import { markOfPassword, needsRehash, rehashPassword, verifyPassword } from './passwords.ts';
import { forgetInitialPassword, ROOT } from './root.ts';
import { obstacleFor, refusal } from './sign-in.ts';
import * as store from './store.ts';
import { emailKey } from './store.ts';
import { isShutOut } from './ways-in.ts';

/**
 * To the visitor a wrong password is like an unknown name, and a right one that opens nothing like a wrong one. The owner
 * of the account is told of the try, and the audit log of the reason.
 */
export class WrongPassword extends AppError {
  readonly account: Account | undefined;
  readonly reason: ErrorCode;

  constructor(account: Account | undefined, reason: ErrorCode = 'invalid_credentials') {
    super('invalid_credentials');
    this.account = account;
    this.reason = reason;
  }
}

/** What the event of a refused try says of it, beside what the visitor is told. */
export function aboutTry(error: unknown): Pick<SignInEvent, 'account' | 'reason'> {
  return error instanceof WrongPassword ? { account: error.account, reason: error.reason } : {};
}

export interface Credentials {
  login: string;
  password: string;
  address: string | undefined;
  /** The device cookie, as it came. */
  deviceCookie: string | undefined;
  /** Whether a provider has just admitted whoever asks, and connecting it is what they ask for: that ends a lost membership. */
  isAdmitted?: boolean;
}

/**
 * Answers the same, and takes as long, for a wrong password, an unknown name, an account without a password, a blocked
 * one and one whose membership is lost: the form tells nobody which accounts exist.
 * @throws AppError `invalid_credentials`, `rate_limited`, or `pending_approval` once the password was right
 */
export async function passwordSignIn(services: Services, limits: Limits, given: Credentials): Promise<Account> {
  const { password_per_minute } = services.config().rate_limits;
  await limits.take({ key: `password:${addressKey(given.address)}`, max: password_per_minute, windowSeconds: 60 });
  const account = await requireRightPassword(services, limits, given);
  const obstacle = obstacleFor(account);
  if (obstacle) throw refusal(account, obstacle);
  return tidyUp(services, account, given.password);
}

async function requireRightPassword(services: Services, limits: Limits, given: Credentials): Promise<Account> {
  const { db, log, config, keys } = services;
  // PostgreSQL takes no NUL in a text. It is replaced, not dropped: what was typed must not become somebody's name.
  const login = emailKey(given.login.trim()).replaceAll('\0', '\uFFFD');
  const account = await findByLogin(db, login);
  // One counter per account, whichever of its names was typed, and one of its own for each browser that its owner has
  // used before. Taken before the check: parallel tries cannot slip through.
  const device = account && findDevice(given.deviceCookie, account, keys.deviceCookie);
  const limit: Limit = {
    key: device ? `password-device:${account.id}:${device}` : `password-account:${account?.id ?? login.slice(0, 200)}`,
    max: config().rate_limits.password_per_account,
    windowSeconds: 15 * 60,
  };
  await limits.take(limit);
  const checking = verifyPassword(account?.password_hash ?? null, given.password, log);
  const right = await checking.catch(async (error: unknown) => {
    await limits.giveBack(limit); // nothing was checked
    throw error;
  });
  if (!account || !right) throw new WrongPassword(account);
  await requireMayEnter(services, account, given);
  await limits.clear(limit);
  return account;
}

/** Asked when the password is right only: whoever knows it may notice by the time it takes that there is such an account. */
async function requireMayEnter(services: Services, account: Account, { isAdmitted }: Credentials): Promise<void> {
  if (account.state === 'blocked') throw new WrongPassword(account, 'blocked');
  if (!isAdmitted && (await isShutOut(services, account))) throw new WrongPassword(account, 'not_member');
}

/** A password hashed with costs of the past is hashed anew; root's first password need not lie around any longer. */
async function tidyUp({ db, config, now, log }: Services, account: Account, password: string): Promise<Account> {
  await store.notePasswordUsed(db, account.id, now());
  if (account.username === ROOT) forgetInitialPassword(config().data_dir);
  const from = account.password_hash ?? '';
  if (!needsRehash(from)) return account;
  const password_hash = await rehashPassword(password, from);
  const renewed = await store.replacePasswordHash(db, account.id, { from, to: password_hash });
  if (renewed) return { ...account, password_hash };
  // Another sign-in at this moment was first; or the password has been changed.
  const current = await store.findAccount(db, account.id);
  if (!current || !(await verifyPassword(current.password_hash, password, log))) throw new WrongPassword(account);
  return current;
}

async function findByLogin(db: Database, login: string): Promise<Account | undefined> {
  return login.includes('@') ? store.findAccountByEmail(db, login) : store.findAccountByUsername(db, login);
}

/**
 * Starts the session of somebody whose password was right. Since it was checked it may have been changed, or the membership
 * lost: either ends the sessions there are once it is written, so it finds this one, or is seen here.
 * @throws WrongPassword
 */
export async function startPasswordSession(
  { services }: Web,
  req: Request,
  account: Account,
  rememberMe: boolean,
): Promise<void> {
  await startSession(req, account, { rememberMe, provider: 'password' });
  const now = await store.findAccount(services.db, account.id);
  const isSame = now && markOfPassword(now.password_hash) === markOfPassword(account.password_hash);
  if (isSame && !(await isShutOut(services, now))) return;
  await new Promise<void>((resolve, reject) => {
    req.logOut((error: unknown) => (error ? reject(error) : resolve()));
  });
  throw new WrongPassword(account);
}
