// Who tokens of a provider are kept for, and which consumer they came through.
import type { ProviderConfig } from '../config/schema.ts';
import type { Account, Database, Transaction } from '../db/tables.ts';
import { findAccount, findOwnerOfIdentity } from './store.ts';

/** Whose tokens: an identity's, for checks of membership, or those of a consent to import (`import_credentials`). */
export type Holder = { identityId: number } | { credentialId: number };

/** The consumer that people give their consent to for importing: one of its own where there is one. */
export function importConsumer(provider: ProviderConfig): Pick<ProviderConfig, 'app_id' | 'app_secret'> {
  return provider.import ?? provider;
}

/** @returns whose account it is, and at which provider; undefined when the holder is gone */
export async function ownerOf(
  db: Database,
  holder: Holder,
): Promise<{ account: Pick<Account, 'id' | 'username'>; provider: string } | undefined> {
  if ('identityId' in holder) {
    const owner = await findOwnerOfIdentity(db, holder.identityId);
    return owner && { account: owner.account, provider: owner.identity.provider };
  }
  const credential = await db
    .selectFrom('import_credentials')
    .select(['account_id', 'provider'])
    .where('id', '=', holder.credentialId)
    .executeTakeFirst();
  const account = credential && (await findAccount(db, credential.account_id));
  return account && { account, provider: credential.provider };
}

/**
 * Consents that the person of an identity has given before it was connected belong to it from now on: they end when it is
 * disconnected, as those do that are given later.
 */
export async function tieConsents(
  trx: Transaction,
  identity: { id: number; accountId: number; provider: string; externUid: string },
): Promise<void> {
  await trx
    .updateTable('import_credentials')
    .set({ identity_id: identity.id })
    .where('account_id', '=', identity.accountId)
    .where('provider', '=', identity.provider)
    .where('kind', '=', 'oauth')
    .where('key', '=', identity.externUid)
    .execute();
}

/** As in `provider_tokens.holder`. */
export function keyOf(holder: Holder): string {
  return 'identityId' in holder ? `identity ${holder.identityId}` : `credential ${holder.credentialId}`;
}
