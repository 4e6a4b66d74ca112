// The regular form: username or e-mail address and password.
import type { Account, Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Limit, Limits } from '../web/limits.ts';
import { addressKey } from '../web/limits.ts';
import { findDevice } from './device-cookie.ts';
import { hashPassword, needsRehash, verifyPassword } from './passwords.ts';
import { forgetInitialPassword, ROOT } from './root.ts';
import { obstacleFor, refusal } from './sign-in.ts';
import * as store from './store.ts';
import { emailKey } from './store.ts';

export interface Credentials {
  login: string;
  password: string;
  address: string | undefined;
  /** The device cookie, as it came. */
  deviceCookie: string | undefined;
}

/**
 * Answers the same, and takes as long, for a wrong password, an unknown name, an account without a password and a
 * blocked one: the form tells nobody which accounts exist.
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

async function requireRightPassword(
  { db, log, config, keys }: Services,
  limits: Limits,
  given: Credentials,
): Promise<Account> {
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
  if (!account || !right || account.state === 'blocked') throw new AppError('invalid_credentials');
  await limits.clear(limit);
  return account;
}

/** A password hashed with costs of the past is hashed anew; root's first password need not lie around any longer. */
async function tidyUp({ db, config }: Services, account: Account, password: string): Promise<Account> {
  if (account.username === ROOT) forgetInitialPassword(config().data_dir);
  if (!needsRehash(account.password_hash ?? '')) return account;
  const password_hash = await hashPassword(password);
  await store.setPasswordHash(db, account.id, password_hash);
  return { ...account, password_hash };
}

async function findByLogin(db: Database, login: string): Promise<Account | undefined> {
  return login.includes('@') ? store.findAccountByEmail(db, login) : store.findAccountByUsername(db, login);
}
