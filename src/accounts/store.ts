// Reads and writes accounts and identities. No other file writes these tables.
import { prepared } from '../db/prepared.ts';
import type { Account, AccountState, Database, Identity, NewAccount, Transaction } from '../db/tables.ts';

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

export async function listIdentities(db: Database, accountId: number): Promise<Identity[]> {
  return identitiesOf(db, accountId);
}

export async function listUsernames(db: Database, state: AccountState): Promise<string[]> {
  const rows = await db.selectFrom('accounts').select('username').where('state', '=', state).orderBy('id').execute();
  return rows.map((row) => row.username);
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

export async function insertIdentity(trx: Transaction, identity: Omit<Identity, 'id'>): Promise<void> {
  await trx.insertInto('identities').values(identity).execute();
}

/** Notes that an identity was used and what its owner is called at the provider now. */
export async function updateIdentity(db: Database, id: number, now: number, displayName: string): Promise<void> {
  await db
    .updateTable('identities')
    .set({ last_used_at: now, display_name: displayName })
    .where('id', '=', id)
    .execute();
}

/** Lets a waiting account in. @returns false when it was not waiting (any more) */
export async function approveAccount(trx: Transaction, id: number): Promise<boolean> {
  const waiting = trx.updateTable('accounts').where('id', '=', id).where('state', '=', 'waiting');
  return (await waiting.set({ state: 'active' }).executeTakeFirst()).numUpdatedRows === 1n;
}

export async function setPasswordHash(db: Database, id: number, hash: string): Promise<void> {
  await db.updateTable('accounts').set({ password_hash: hash }).where('id', '=', id).execute();
}
