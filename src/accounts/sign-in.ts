// Who comes in with a Bitbucket identity: the rules as a pure decision, then one transaction.
import type { BitbucketProfile } from '../bitbucket/profile.ts';
import type { Config } from '../config/schema.ts';
import type { Account, AccountState, Database, Identity } from '../db/tables.ts';
import type { ErrorCode } from '../errors.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import * as store from './store.ts';
import { baseUsername, freeUsername } from './usernames.ts';

const MAX_RACES = 20;

type Policy = Pick<Config['omniauth'], 'allow_single_sign_on' | 'block_auto_created_users'>;

export interface Facts {
  provider: string;
  /** The account that this identity belongs to. */
  owner: Account | undefined;
  /** The account that has the identity's verified e-mail address already. */
  emailOwner: Account | undefined;
}

export type Decision = { enter: Account } | { create: AccountState } | { refuse: ErrorCode };

/** The identity is (provider, uuid) alone. Names and e-mail addresses never lead to an account: they change hands. */
export function decide({ provider, owner, emailOwner }: Facts, policy: Policy): Decision {
  if (owner) return mayEnter(owner);
  if (emailOwner) return { refuse: 'email_taken' };
  const allowed = policy.allow_single_sign_on;
  if (!(Array.isArray(allowed) ? allowed.includes(provider) : allowed)) return { refuse: 'signup_disabled' };
  return { create: policy.block_auto_created_users ? 'waiting' : 'active' };
}

/** An account that waits or is blocked stays so, whichever way somebody proves that it is theirs. */
export function mayEnter(account: Account): Decision {
  if (account.state === 'active') return { enter: account };
  return { refuse: account.state === 'waiting' ? 'pending_approval' : 'blocked' };
}

/**
 * Finds or makes the account of a Bitbucket identity.
 * @throws AppError with the reason when this person does not come in; a new account that waits is made all the same
 */
export async function signIn(services: Services, provider: string, profile: BitbucketProfile): Promise<Account> {
  const once = () => services.db.transaction().execute((trx) => signInOnce(trx, services, provider, profile));
  const account = await again(once, (error) => services.database.dialect.isUniqueViolation(error));
  if (account.state === 'waiting') throw refusal(account, 'pending_approval');
  return account;
}

/** Who waits is told the name to give an administrator. It is shown only to whoever has just proved to own the account. */
export function refusal(account: Account | undefined, code: ErrorCode): AppError {
  if (!account || code !== 'pending_approval') return new AppError(code);
  const sentence = `Your account ${account.username} was made. An administrator has to approve it before you can come in.`;
  return new AppError(code, { sentence });
}

/** First sign-ins at the same moment want the same row or the same user name; whoever comes second finds it taken next time. */
async function again<T>(work: () => Promise<T>, isRace: (error: unknown) => boolean): Promise<T> {
  for (let left = MAX_RACES; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || !isRace(error)) throw error;
    }
  }
}

async function signInOnce(
  db: Database,
  { config, now, log, database }: Services,
  provider: string,
  profile: BitbucketProfile,
): Promise<Account> {
  // One at a time per identity: between two reads another first sign-in could make the account, whose e-mail address
  // would then look like somebody else's.
  await database.dialect.lock(db, `identity ${provider} ${profile.uuid}`);
  const identity = await store.findIdentity(db, provider, profile.uuid);
  const owner = identity && (await store.findAccount(db, identity.account_id));
  const emailOwner = owner || profile.email === null ? undefined : await store.findAccountByEmail(db, profile.email);
  const decision = decide({ provider, owner, emailOwner }, config().omniauth);
  if ('refuse' in decision) throw refusal(owner, decision.refuse);
  if ('create' in decision) {
    const account = await create(db, { provider, profile, state: decision.create, now: now() });
    log.info({ account_id: account.id, provider, state: account.state }, 'account made');
    return account;
  }
  if (identity) await store.updateIdentity(db, identity.id, now(), profile.displayName);
  return decision.enter;
}

interface NewPerson {
  provider: string;
  profile: BitbucketProfile;
  state: AccountState;
  now: number;
}

async function create(db: Database, { provider, profile, state, now }: NewPerson): Promise<Account> {
  const account = await store.insertAccount(db, {
    username: await freeUsername(db, baseUsername([profile.username, profile.nickname])),
    name: profile.displayName,
    email: profile.email,
    state,
    admin: 0,
    password_hash: null,
    created_at: now,
  });
  const identity: Omit<Identity, 'id'> = {
    account_id: account.id,
    provider,
    extern_uid: profile.uuid,
    display_name: profile.displayName,
    created_at: now,
    last_used_at: now,
  };
  await store.insertIdentity(db, identity);
  return account;
}
