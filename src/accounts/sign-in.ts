// Who comes in with a Bitbucket identity: the rules as pure decisions, and the account they lead to.
import type { BitbucketProfile } from '../bitbucket/profile.ts';
import type { Config } from '../config/schema.ts';
import type { Account, AccountState, Database, Identity, Transaction } from '../db/tables.ts';
import type { ErrorCode } from '../errors.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import * as store from './store.ts';
import { baseUsername, freeUsername } from './usernames.ts';

const MAX_RACES = 20;

type Policy = Pick<Config['omniauth'], 'allow_single_sign_on' | 'block_auto_created_users'>;

/**
 * May an identity that nobody has yet get an account? The identity is (provider, uuid) alone. Names and e-mail addresses
 * never lead to an account: they change hands.
 */
function mayCreate(
  provider: string,
  emailOwner: Account | undefined,
  policy: Policy,
): { create: AccountState } | { refuse: ErrorCode } {
  if (emailOwner) return { refuse: 'email_taken' };
  const allowed = policy.allow_single_sign_on;
  if (!(Array.isArray(allowed) ? allowed.includes(provider) : allowed)) return { refuse: 'signup_disabled' };
  return { create: policy.block_auto_created_users ? 'waiting' : 'active' };
}

/** Why an account may not come in. One that waits or is blocked stays so, whichever way somebody proves that it is theirs. */
export function obstacleFor(account: Account): ErrorCode | undefined {
  if (account.state === 'active') return undefined;
  return account.state === 'waiting' ? 'pending_approval' : 'blocked';
}

/**
 * Finds or makes the account of a Bitbucket identity.
 * @throws AppError with the reason when this person does not come in; a new account that waits is made all the same
 */
export async function signIn(services: Services, provider: string, profile: BitbucketProfile): Promise<Account> {
  const { db } = services;
  const { dialect } = services.database;
  const person = { provider, profile };
  // Nearly everybody has been here before; then nothing is written that would be worth waiting for the disk.
  const known = await enterKnown(db, services, person);
  if (known) return known;
  const { account, isNew } = await again(
    () => db.transaction().execute((trx) => enterNew(trx, services, person)),
    (error) => dialect.isUniqueViolation(error) || dialect.isConflict(error),
  );
  if (isNew) services.log.info({ account_id: account.id, provider, state: account.state }, 'account made');
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

interface Person {
  provider: string;
  profile: BitbucketProfile;
}

/** @returns undefined when nobody has this identity yet */
async function enterKnown(
  db: Database,
  { now }: Services,
  { provider, profile }: Person,
): Promise<Account | undefined> {
  const known = await store.findIdentityOwner(db, provider, profile.uuid);
  if (!known) return undefined;
  const { account, identityId } = known;
  const obstacle = obstacleFor(account);
  if (obstacle) throw refusal(account, obstacle);
  await store.updateIdentity(db, identityId, now(), profile.displayName);
  return account;
}

async function enterNew(
  trx: Transaction,
  services: Services,
  person: Person,
): Promise<{ account: Account; isNew: boolean }> {
  const { config, now, database } = services;
  const { provider, profile } = person;
  // One at a time per identity: between two reads another first sign-in could make the account, whose e-mail address
  // would then look like somebody else's.
  await database.dialect.lock(trx, `identity ${provider} ${profile.uuid}`);
  const known = await enterKnown(trx, services, person);
  if (known) return { account: known, isNew: false };
  const emailOwner = profile.email === null ? undefined : await store.findAccountByEmail(trx, profile.email);
  const decision = mayCreate(provider, emailOwner, config().omniauth);
  if ('refuse' in decision) throw new AppError(decision.refuse);
  return { account: await create(trx, { ...person, state: decision.create, now: now() }), isNew: true };
}

async function create(
  trx: Transaction,
  { provider, profile, state, now }: Person & { state: AccountState; now: number },
): Promise<Account> {
  const account = await store.insertAccount(trx, {
    username: await freeUsername(trx, baseUsername([profile.username, profile.nickname])),
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
  await store.insertIdentity(trx, identity);
  return account;
}
