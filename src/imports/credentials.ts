// What people have given this server to read their repositories with. No other file writes its table, but that connecting
// an identity ties consents to it (accounts/token-holders.ts). None of it is a way into an account here.
import type { Request } from 'express';
import { recordEvent } from '../audit/record.ts';
import type { Arrival } from '../accounts/providers.ts';
import { keepTokens } from '../accounts/provider-tokens.ts';
import type { ImportCredential } from '../db/import-tables.ts';
import type { Account, Database, Transaction } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { seal, unseal } from '../seal.ts';
import type { Services } from '../services.ts';
import { findIdentityOwner } from '../accounts/store.ts';
import { wakeImports } from './store.ts';

export const MAX_CREDENTIALS = 20;

/**
 * The newest first: what somebody has given last is what they mean.
 * @param provider only those of this one
 */
export async function listCredentials(db: Database, accountId: number, provider?: string): Promise<ImportCredential[]> {
  const own = db.selectFrom('import_credentials').selectAll().where('account_id', '=', accountId);
  const there = provider === undefined ? own : own.where('provider', '=', provider);
  return there.orderBy('id', 'desc').execute();
}

export async function findCredential(db: Database, id: number): Promise<ImportCredential | undefined> {
  return db.selectFrom('import_credentials').selectAll().where('id', '=', id).executeTakeFirst();
}

/** @throws AppError `not_found`, also for somebody else's */
export async function getOwnCredential(db: Database, accountId: number, id: number): Promise<ImportCredential> {
  const credential = await findCredential(db, id);
  if (credential?.account_id !== accountId) throw new AppError('not_found');
  return credential;
}

export interface Consent extends Pick<Arrival, 'profile' | 'tokens'> {
  account: Account;
  provider: string;
}

/** The consent of a person of Bitbucket. A second one of the same person renews the first: imports under way go on with it. */
export async function keepConsent(
  services: Services,
  { account, provider, profile, tokens }: Consent,
  req: Request,
): Promise<number> {
  const { db, database } = services;
  return db.transaction().execute(async (trx) => {
    await database.dialect.lock(trx, `import credentials ${account.id}`);
    const owner = await findIdentityOwner(trx, provider, profile.uuid);
    const { id, isNew } = await findOrInsert(trx, services, {
      account_id: account.id,
      identity_id: owner?.account.id === account.id ? owner.identityId : null,
      ...{ provider, kind: 'oauth', key: profile.uuid, email: null, label: profile.displayName },
    });
    const { accessToken, refreshToken, expiresIn: expiresInSeconds, scopes } = tokens;
    const refresh = refreshToken === undefined ? {} : { refreshToken };
    await keepTokens(trx, services, { credentialId: id }, { accessToken, expiresInSeconds, scopes, ...refresh });
    await wakeImports(trx, { accountId: account.id, provider, credentialId: id });
    if (!isNew) return id;
    const details = { extern_uid: profile.uuid, name: profile.displayName };
    await recordEvent(services, trx, { action: 'import_allowed', actor: account, target: provider, details }, req);
    return id;
  });
}

/** A token that a person has typed in. */
export interface TypedCredential {
  provider: string;
  kind: 'api_token' | 'access_token';
  email: string | null;
  token: string;
  label: string;
}

/**
 * A new token for the same e-mail, workspace or repository takes the place of the old one: imports go on with it.
 * @returns its id @throws AppError 400 when there are as many as one account may have
 */
export async function keepTyped(
  services: Services,
  account: Account,
  { token, ...typed }: TypedCredential,
  req: Request,
): Promise<number> {
  const { db, database, keys } = services;
  return db.transaction().execute(async (trx) => {
    await database.dialect.lock(trx, `import credentials ${account.id}`);
    const { id } = await findOrInsert(trx, services, {
      ...typed,
      account_id: account.id,
      identity_id: null,
      key: typed.label,
    });
    const sealed = seal(token, keys.providerTokens, placeOf(id));
    await trx.updateTable('import_credentials').set({ sealed }).where('id', '=', id).execute();
    await wakeImports(trx, { accountId: account.id, provider: typed.provider, credentialId: id });
    await recordEvent(services, trx, { action: 'import_allowed', actor: account, target: typed.label }, req);
    return id;
  });
}

async function findOrInsert(
  trx: Transaction,
  { now }: Services,
  row: Omit<ImportCredential, 'id' | 'created_at' | 'sealed'>,
): Promise<{ id: number; isNew: boolean }> {
  const own = trx.selectFrom('import_credentials').select('id').where('account_id', '=', row.account_id);
  const same = own.where('provider', '=', row.provider).where('kind', '=', row.kind).where('key', '=', row.key);
  const known = await same.executeTakeFirst();
  if (known) return { id: known.id, isNew: false };
  const count = await trx
    .selectFrom('import_credentials')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', row.account_id)
    .executeTakeFirstOrThrow();
  if (Number(count.count) >= MAX_CREDENTIALS)
    throw new AppError('bad_request', {
      sentence: `An account may keep ${MAX_CREDENTIALS} ways to read at Bitbucket. Forget one that is not needed any more.`,
    });
  const made = await trx
    .insertInto('import_credentials')
    .values({ ...row, sealed: null, created_at: now() })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { id: made.id, isNew: true };
}

/** Imports that use it stop and ask for another. */
export async function forgetCredential(
  services: Services,
  { id, account_id, label }: ImportCredential,
  req: Request,
): Promise<void> {
  await services.db.transaction().execute(async (trx) => {
    await trx.deleteFrom('import_credentials').where('id', '=', id).where('account_id', '=', account_id).execute();
    await recordEvent(services, trx, { action: 'import_disallowed', target: label }, req);
  });
}

/** @returns the token that was typed in; undefined when its key is gone */
export function openTyped({ keys }: Services, { id, sealed }: ImportCredential): string | undefined {
  return sealed === null ? undefined : unseal(sealed, keys.providerTokens, placeOf(id));
}

/** Bound to the row: in any other one it does not open. */
function placeOf(id: number): string {
  return `import_credentials ${id}`;
}
