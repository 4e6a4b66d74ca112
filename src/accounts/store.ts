// Reads and writes accounts and identities. No other file writes these tables.
import { prepared } from '../db/prepared.ts';
import type { Account, AccountState, Database, Identity, NewAccount, NewIdentity, Transaction } from '../db/tables.ts';

const accountById = prepared((db, id: number) => db.selectFrom('accounts').selectAll().where('id', '=', id));

const identitiesOf = prepared((db, accountId: number) =>
  db.selectFrom('identities').selectAll().where('account_id', '=', accountId).orderBy('id'),
);

/** The one rule by which two e-mail addresses are the same: equal after lower-casing ASCII letters. No Unicode folding. */
export function emailKey(email: string): string {
  return email.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

export async function findAccount(db: Database, id: number): Promise<Account | undefined> {
  return (await accountById(db, id))[0];
}

export async function findAccountByUsername(db: Database, username: string): Promise<Account | undefined> {
  return db.selectFrom('accounts').selectAll().where('username', '=', username).executeTakeFirst();
}

export async function findAccountByEmail(db: Database, email: string): Promise<Account | undefined> {
  return db.selectFrom('accounts').selectAll().where('email_key', '=', emailKey(email)).executeTakeFirst();
}

export async function findIdentityOwner(
  db: Database,
  provider: string,
  externUid: string,
): Promise<{ account: Account; identityId: number } | undefined> {
  const row = await db
    .selectFrom('identities')
    .innerJoin('accounts', 'accounts.id', 'identities.account_id')
    .selectAll('accounts')
    .select('identities.id as identityId')
    .where('provider', '=', provider)
    .where('extern_uid', '=', externUid)
    .executeTakeFirst();
  if (!row) return undefined;
  const { identityId, ...account } = row;
  return { account, identityId };
}

export async function findIdentity(db: Database, id: number): Promise<Identity | undefined> {
  return db.selectFrom('identities').selectAll().where('id', '=', id).executeTakeFirst();
}

/**
 * Identities of a provider that were not asked for since `dueBefore`, of active accounts that somebody uses: with a
 * session or an access token. Those asked for longest ago first.
 */
export async function listMembersToCheck(
  db: Database,
  { provider, dueBefore, now, limit }: { provider: string; dueBefore: number; now: number; limit: number },
): Promise<Identity[]> {
  return (
    db
      .selectFrom('identities')
      .innerJoin('accounts', 'accounts.id', 'identities.account_id')
      .selectAll('identities')
      .where('provider', '=', provider)
      .where('state', '=', 'active')
      // A time in the future is from before the clock was set right.
      .where((eb) => eb.or([eb('checked_at', '<=', dueBefore), eb('checked_at', '>', now)]))
      .where('confirmed_at', '>=', 0)
      // Made by an administrator and not used yet: nobody has come in with it, so there is nothing to lose.
      .where('last_used_at', '>', 0)
      .where(({ or, exists, selectFrom }) => {
        const sessions = selectFrom('sessions')
          .select('sessions.account_id')
          .whereRef('account_id', '=', 'accounts.id');
        const tokens = selectFrom('access_tokens')
          .select('access_tokens.id')
          .whereRef('account_id', '=', 'accounts.id');
        return or([
          exists(sessions.where('sessions.expires_at', '>', now)),
          exists(tokens.where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))),
        ]);
      })
      .orderBy('checked_at')
      .limit(limit)
      .execute()
  );
}

/** Whose identity it is, by its id. */
export async function findOwnerOfIdentity(
  db: Database,
  identityId: number,
): Promise<{ account: Pick<Account, 'id' | 'username'>; identity: Pick<Identity, 'provider'> } | undefined> {
  const row = await db
    .selectFrom('identities')
    .innerJoin('accounts', 'accounts.id', 'identities.account_id')
    .select(['accounts.id', 'accounts.username', 'provider'])
    .where('identities.id', '=', identityId)
    .executeTakeFirst();
  return row && { account: { id: row.id, username: row.username }, identity: { provider: row.provider } };
}

export async function listIdentities(db: Database, accountId: number): Promise<Identity[]> {
  return identitiesOf(db, accountId);
}

export async function listUsernames(db: Database, state: AccountState): Promise<string[]> {
  const rows = await db.selectFrom('accounts').select('username').where('state', '=', state).orderBy('id').execute();
  return rows.map((row) => row.username);
}

/** Of several accounts, by their ids. */
export async function usernamesById(db: Database, ids: number[]): Promise<Map<number, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('accounts').select(['id', 'username']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, username }) => [id, username]));
}

export async function hasAccounts(db: Database): Promise<boolean> {
  return (await db.selectFrom('accounts').select('id').limit(1).executeTakeFirst()) !== undefined;
}

export async function insertAccount(trx: Transaction, account: Omit<NewAccount, 'id' | 'email_key'>): Promise<Account> {
  const email = account.email ?? null;
  return trx
    .insertInto('accounts')
    .values({ ...account, email, email_key: email === null ? null : emailKey(email) })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function insertIdentity(trx: Transaction, identity: Omit<NewIdentity, 'id'>): Promise<number> {
  const row = await trx.insertInto('identities').values(identity).returning('id').executeTakeFirstOrThrow();
  return row.id;
}

/** What is shown of an identity; names change at will. */
export type IdentityNames = Pick<Identity, 'display_name' | 'username' | 'avatar_url'>;

/** Notes that an identity was used and what its owner is called at the provider now. */
export async function updateIdentity(db: Database, id: number, now: number, names: IdentityNames): Promise<void> {
  await db
    .updateTable('identities')
    .set({ last_used_at: now, ...names })
    .where('id', '=', id)
    .execute();
}

/** What is known of the membership behind an identity: see membership.ts. */
export type MembershipChange = Partial<Pick<Identity, 'groups' | 'checked_at' | 'confirmed_at'>>;

/** @param checkedAt changes it only if nobody has asked since @returns whether it was changed */
export async function updateMembership(
  db: Database,
  id: number,
  change: MembershipChange,
  checkedAt?: number,
): Promise<boolean> {
  const identity = db.updateTable('identities').set(change).where('id', '=', id);
  const unchanged = checkedAt === undefined ? identity : identity.where('checked_at', '=', checkedAt);
  return (await unchanged.executeTakeFirst()).numUpdatedRows === 1n;
}

/** Membership of these providers' people is not asked for any more. */
export async function forgetConfirmations(db: Database, providers: readonly string[]): Promise<void> {
  await db
    .updateTable('identities')
    .set({ confirmed_at: 0, groups: '[]' })
    .where('provider', 'in', providers)
    .where('confirmed_at', '!=', 0)
    .execute();
}

/** @returns false when it was not there (any more), or is somebody else's */
export async function deleteIdentity(
  trx: Transaction,
  { id, accountId }: { id: number; accountId: number },
): Promise<boolean> {
  const found = trx.deleteFrom('identities').where('id', '=', id).where('account_id', '=', accountId);
  return (await found.executeTakeFirst()).numDeletedRows === 1n;
}

/** All identities of an account that is about to be deleted. */
export async function deleteIdentities(trx: Transaction, accountId: number): Promise<void> {
  await trx.deleteFrom('identities').where('account_id', '=', accountId).execute();
}

export type AccountChange = Partial<
  Pick<
    Account,
    | 'name'
    | 'email'
    | 'email_verified'
    | 'state'
    | 'admin'
    | 'external'
    | 'name_set_here'
    | 'email_set_here'
    | 'password_hash'
    | 'password_used_at'
  >
>;

/** Changes an account. An e-mail address that another account has is refused by the database (isUniqueViolation). */
export async function updateAccount(trx: Transaction, id: number, change: AccountChange): Promise<void> {
  const { email } = change;
  const key = email === undefined ? {} : { email_key: email === null ? null : emailKey(email) };
  await trx
    .updateTable('accounts')
    .set({ ...change, ...key })
    .where('id', '=', id)
    .execute();
}

/**
 * With everything that is theirs: identities, sessions, tokens.
 * @param state only while it is in that state @returns false when nothing was deleted
 */
export async function deleteAccount(trx: Transaction, id: number, state?: AccountState): Promise<boolean> {
  const found = trx.deleteFrom('accounts').where('id', '=', id);
  const deleted = state === undefined ? found : found.where('state', '=', state);
  return (await deleted.executeTakeFirst()).numDeletedRows === 1n;
}

/** Not in a transaction: a power failure may cost that somebody's way in counts as proved a little earlier. */
export async function notePasswordUsed(db: Database, id: number, now: number): Promise<void> {
  await db.updateTable('accounts').set({ password_used_at: now }).where('id', '=', id).execute();
}

/** Not in a transaction, for the same reason. */
export async function noteLastSignIn(db: Database, id: number, now: number): Promise<void> {
  await db.updateTable('accounts').set({ last_sign_in_at: now }).where('id', '=', id).execute();
}

/** Lets a waiting account in. @returns false when it was not waiting (any more) */
export async function approveAccount(trx: Transaction, id: number): Promise<boolean> {
  return changeState(trx, id, { from: ['waiting'], to: 'active' });
}

/** @returns false when it was in none of these states (any more) */
export async function changeState(
  trx: Transaction,
  id: number,
  { from, to }: { from: AccountState[]; to: AccountState },
): Promise<boolean> {
  const found = trx.updateTable('accounts').where('id', '=', id).where('state', 'in', from);
  return (await found.set({ state: to }).executeTakeFirst()).numUpdatedRows === 1n;
}

/** A hash made with the costs of today takes the place of one that says the same. Not of another password set meanwhile. */
export async function replacePasswordHash(
  db: Database,
  id: number,
  hashes: { from: string; to: string },
): Promise<boolean> {
  const same = db.updateTable('accounts').where('id', '=', id).where('password_hash', '=', hashes.from);
  return (await same.set({ password_hash: hashes.to }).executeTakeFirst()).numUpdatedRows === 1n;
}

/** Notices up to this event have been read; what was read once stays so. */
export async function markSeen(db: Database, id: number, eventId: number): Promise<void> {
  const behind = db.updateTable('accounts').where('id', '=', id).where('seen_event_id', '<', eventId);
  await behind.set({ seen_event_id: eventId }).execute();
}
