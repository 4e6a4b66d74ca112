// What an administrator does to somebody's identities: takes one away, or corrects whom it stands for.
import { deleteIdentity, findIdentityOwner, insertIdentity, listIdentities } from '../accounts/store.ts';
import { tieConsents } from '../accounts/token-holders.ts';
import type { Identity } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Change } from './account-changes.ts';
import { keepAdministrator, note, voidWhatCameBy } from './account-changes.ts';

/** Also the last way in: the page says that the person cannot sign in then. */
export async function disconnect(change: Change, identityId: number): Promise<Identity> {
  const identity = await getIdentity(change, identityId);
  await deleteIdentity(change.trx, { id: identityId, accountId: change.account.id });
  await voidWhatCameBy(change);
  await keepAdministrator(change);
  const { provider, extern_uid } = identity;
  await note(change, { action: 'identity_disconnected', target: provider, details: { extern_uid } });
  return identity;
}

/**
 * Lets another person at the provider be the owner of this account. The identity is made anew instead of changed, so
 * that tokens, groups and names of the former one go with it; it was never used, so it counts as no proven way in.
 * @throws AppError `identity_taken`
 */
export async function correct(
  change: Change,
  identityId: number,
  { provider, externUid }: { provider: string; externUid: string },
): Promise<void> {
  const { trx, services, account } = change;
  const old = await getIdentity(change, identityId);
  if (old.provider === provider && old.extern_uid === externUid) return;
  await services.database.dialect.lock(trx, `identity ${provider} ${externUid}`);
  if (await findIdentityOwner(trx, provider, externUid)) throw new AppError('identity_taken');
  await deleteIdentity(trx, { id: identityId, accountId: account.id });
  await voidWhatCameBy(change);
  const id = await insertIdentity(trx, {
    account_id: account.id,
    provider,
    extern_uid: externUid,
    display_name: account.name,
    created_at: services.now(),
    last_used_at: 0,
  });
  await tieConsents(trx, { id, accountId: account.id, provider, externUid });
  await keepAdministrator(change);
  const details = { from: `${old.provider} ${old.extern_uid}`, to: `${provider} ${externUid}` };
  await note(change, { action: 'identity_changed', target: provider, details });
}

/** Somebody else's is as absent as one that is not there. */
async function getIdentity({ trx, account }: Change, id: number): Promise<Identity> {
  const identity = (await listIdentities(trx, account.id)).find((candidate) => candidate.id === id);
  if (!identity) throw new AppError('not_found');
  return identity;
}
