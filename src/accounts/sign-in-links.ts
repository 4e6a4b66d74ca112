// One-time sign-in links: made by `gatehouse admin` on the server, used once in a browser. No other file writes their table.
import { createHash, randomBytes } from 'node:crypto';
import { sweep } from '../db/sweep.ts';
import type { Database, Transaction } from '../db/tables.ts';

export const LINK_MINUTES = 15;
/** Where the token is given back. In the address it stands behind `#`: browsers send that part to nobody. */
export const LINK_PATH = '/users/one_time_sign_in';

/** @returns the token: 256 random bits, kept as hash only. A link made before for the same account ends with it. */
export async function makeSignInLink(trx: Transaction, accountId: number, now: number): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await trx.deleteFrom('sign_in_links').where('account_id', '=', accountId).execute();
  const row = { token_hash: hash(token), account_id: accountId, expires_at: now + LINK_MINUTES * 60_000 };
  await trx.insertInto('sign_in_links').values(row).execute();
  return token;
}

/** Uses a link up. Of two tries at the same moment one gets it: the DELETE is the check. @returns whose it was */
export async function takeSignInLink(trx: Transaction, token: string, now: number): Promise<number | undefined> {
  const row = await trx
    .deleteFrom('sign_in_links')
    .where('token_hash', '=', hash(token))
    .returningAll()
    .executeTakeFirst();
  // One that would last longer was made while the clock was ahead, and was set right since.
  const isValid = row && row.expires_at > now && row.expires_at <= now + 2 * LINK_MINUTES * 60_000;
  return isValid ? row.account_id : undefined;
}

/** Whoever has a link that was not used yet does not come in by it any more. */
export async function forgetSignInLinks(trx: Transaction, accountId: number): Promise<void> {
  await trx.deleteFrom('sign_in_links').where('account_id', '=', accountId).execute();
}

export async function sweepSignInLinks(db: Database, now: number): Promise<void> {
  await sweep(db, { table: 'sign_in_links', key: 'token_hash', expires: 'expires_at' }, now);
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
