// sync_profile_from_provider: name and address follow Bitbucket, except where somebody has set them here.
import { recordEvent } from '../audit/record.ts';
import { isOnFor } from '../config/fields.ts';
import type { Account, Database } from '../db/tables.ts';
import type { Services } from '../services.ts';
import type { Person } from './sign-in.ts';
import type { AccountChange } from './store.ts';
import { forgetPendingLinks } from './pending-links.ts';
import { findAccount, findAccountByEmail, updateAccount } from './store.ts';

/** @returns the account as it is now */
export async function syncProfile(services: Services, person: Person, account: Account): Promise<Account> {
  if (Object.keys(await changeFor(services, person, account)).length === 0) return account;
  try {
    return await services.db.transaction().execute(async (trx) => {
      // Read anew: an administrator may have set something here meanwhile.
      const current = await findAccount(trx, account.id);
      if (!current) return account;
      const change = await changeFor({ ...services, db: trx }, person, current);
      if (change.email !== undefined) await forgetPendingLinks(trx, account.id);
      await updateAccount(trx, account.id, { name: current.name, ...change });
      const details = { changed: Object.keys(change).filter((key) => key !== 'email_verified') };
      const event = { action: 'profile_synced', account, target: person.provider, details } as const;
      await recordEvent(services, trx, { ...event, actor: null });
      return { ...current, ...change };
    });
  } catch (error) {
    // Somebody else has got the address at this moment. That is no reason to keep this person out.
    if (!services.database.dialect.isUniqueViolation(error)) throw error;
    return account;
  }
}

async function changeFor(
  { db, config }: Services,
  { provider, profile }: Person,
  account: Account,
): Promise<AccountChange> {
  const { sync_profile_from_provider: sync, sync_profile_attributes: attributes } = config().omniauth;
  if (!isOnFor(sync, provider)) return {};
  const name = attributes.includes('name') && account.name_set_here === 0 ? profile.displayName : account.name;
  // Without an address that Bitbucket has confirmed the one here stays: it was verified once.
  const email = attributes.includes('email') && account.email_set_here === 0 ? profile.email : null;
  return {
    ...(name === account.name ? {} : { name }),
    ...(email === null || email === account.email || (await isTaken(db, email, account))
      ? {}
      : { email, email_verified: 1 }),
  };
}

async function isTaken(db: Database, email: string, account: Account): Promise<boolean> {
  const owner = await findAccountByEmail(db, email);
  return owner !== undefined && owner.id !== account.id;
}
