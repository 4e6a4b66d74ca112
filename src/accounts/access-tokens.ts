// Personal access tokens, for scripts: the rules, and the only file that writes table `access_tokens`. A token is 256
// random bits behind a prefix by which secret scanners and we ourselves know it; stored is its SHA-256 alone.
import { createHash, randomBytes } from 'node:crypto';
import type { Request } from 'express';
import { recordEvent } from '../audit/record.ts';
import { prepared } from '../db/prepared.ts';
import type { AccessToken, Account, Database, Transaction } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';

/** What a token may do, with the words on its page. */
export const TOKEN_SCOPES = {
  read_user: 'Read who you are',
  read_projects: 'Read your projects',
  import: 'Start imports and follow them',
} as const;

export type TokenScope = keyof typeof TOKEN_SCOPES;

export const TOKEN_PREFIX = 'gatehouse-';
const FORM = /^gatehouse-[A-Za-z0-9_-]{43}$/;

export const MAX_TOKENS = 100;
const DAY_MS = 86_400_000;
/** So long an expired token is still listed: whoever looks why a script has stopped finds it. */
const KEPT_EXPIRED_MS = 30 * DAY_MS;
/** How exact "last used" is: a token in use is written at most this often. */
const USED_EVERY_MS = 60_000;

const tokenByHash = prepared((db, hash: string) =>
  db.selectFrom('access_tokens').selectAll().where('token_hash', '=', hash),
);

export interface NewToken {
  name: string;
  scopes: TokenScope[];
  /** Milliseconds since the epoch; null = never. */
  expiresAt: number | null;
}

/**
 * Makes a token. Parallel ones of one account wait for each other, so that they keep the limit together.
 * @returns the token itself, which nobody can ask for again, and its row
 * @throws AppError 400 when there are as many as one account may have
 */
export async function createAccessToken(
  services: Services,
  account: Account,
  { name, scopes, expiresAt }: NewToken,
  req: Request,
): Promise<{ token: string; row: AccessToken }> {
  const { db, database, now } = services;
  const token = TOKEN_PREFIX + randomBytes(32).toString('base64url');
  const row = await db.transaction().execute(async (trx) => {
    await database.dialect.lock(trx, `access tokens ${account.id}`);
    await deleteLongExpired(trx, account.id, now());
    if ((await listAccessTokens(trx, account.id)).length >= MAX_TOKENS) throw tooMany();
    const values = { account_id: account.id, name, token_hash: hashOf(token), scopes: scopes.join(' ') };
    const made = await trx
      .insertInto('access_tokens')
      .values({ ...values, created_at: now(), expires_at: expiresAt })
      .returningAll()
      .executeTakeFirstOrThrow();
    const expires = expiresAt === null ? null : new Date(expiresAt).toISOString();
    const event = { action: 'token_created', target: name, details: { id: made.id, scopes, expires } } as const;
    await recordEvent(services, trx, event, req);
    return made;
  });
  return { token, row };
}

function tooMany(): AppError {
  return new AppError('bad_request', {
    sentence: `An account has at most ${MAX_TOKENS} access tokens. Revoke one that is not needed any more.`,
  });
}

async function deleteLongExpired(trx: Transaction, accountId: number, now: number): Promise<void> {
  await trx
    .deleteFrom('access_tokens')
    .where('account_id', '=', accountId)
    .where('expires_at', '<', now - KEPT_EXPIRED_MS)
    .execute();
}

/** The newest first. */
export async function listAccessTokens(db: Database, accountId: number): Promise<AccessToken[]> {
  return db
    .selectFrom('access_tokens')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('id', 'desc')
    .limit(MAX_TOKENS)
    .execute();
}

/** @throws AppError 404 when it is not there (any more), or is somebody else's */
export async function revokeAccessToken(services: Services, account: Account, id: number, req: Request) {
  await services.db.transaction().execute(async (trx) => {
    const own = trx.deleteFrom('access_tokens').where('id', '=', id).where('account_id', '=', account.id);
    const revoked = await own.returning(['id', 'name']).executeTakeFirst();
    if (!revoked) throw new AppError('not_found');
    await recordEvent(services, trx, { action: 'token_revoked', target: revoked.name, details: { id } }, req);
  });
}

/** Takes all tokens of an account away, with the event of whoever has it done. @returns how many there were */
export async function deleteAccessTokens(trx: Transaction, accountId: number): Promise<number> {
  const all = trx.deleteFrom('access_tokens').where('account_id', '=', accountId);
  return Number((await all.executeTakeFirst()).numDeletedRows);
}

/** By its hash: how long the search takes tells something of the hash, and from that nobody gets to a token. */
export async function findAccessToken(db: Database, token: string): Promise<AccessToken | undefined> {
  return FORM.test(token) ? (await tokenByHash(db, hashOf(token)))[0] : undefined;
}

export function isExpired({ expires_at }: AccessToken, now: number): boolean {
  return expires_at !== null && now >= expires_at;
}

export async function noteTokenUsed({ db, now, log }: Services, token: AccessToken): Promise<void> {
  const at = now();
  if (token.last_used_at !== null && at - token.last_used_at < USED_EVERY_MS) return;
  try {
    await db.updateTable('access_tokens').set({ last_used_at: at }).where('id', '=', token.id).execute();
  } catch (error) {
    // A database that only reads still knows whose it is.
    log.error({ err: error }, 'the use of an access token could not be noted');
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
