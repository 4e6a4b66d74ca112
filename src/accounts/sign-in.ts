// Who comes in with a Bitbucket identity: the rules as pure decisions, and the account they lead to.
import { recordEvent } from '../audit/record.ts';
import type { BitbucketProfile } from '../bitbucket/profile.ts';
import { isOnFor } from '../config/fields.ts';
import type { Config } from '../config/schema.ts';
import type { Account, AccountState, Database, Transaction } from '../db/tables.ts';
import type { ErrorCode } from '../errors.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import { syncProfile } from './profile-sync.ts';
import * as store from './store.ts';
import { tieConsents } from './token-holders.ts';
import { baseUsername, freeUsername } from './usernames.ts';

const MAX_RACES = 20;

type Policy = Config['omniauth'];

/** Somebody came with an e-mail address of an account here. Nothing is linked before they prove that the account is theirs. */
export class EmailTaken extends AppError {
  readonly owner: Account;

  constructor(owner: Account) {
    super('email_taken', { account: owner });
    this.owner = owner;
  }
}

/**
 * What becomes of an identity that nobody has yet. The identity is (provider, uuid) alone: names and e-mail addresses
 * change hands, so an address leads to an account only where an administrator allows it and both sides have verified it.
 * @param emailOwner the account with the address that Bitbucket has confirmed
 */
function decide(
  provider: string,
  emailOwner: Account | undefined,
  policy: Policy,
): { link: Account } | { create: AccountState } {
  if (emailOwner) {
    if (isOnFor(policy.auto_link_user, provider) && emailOwner.email_verified === 1) return { link: emailOwner };
    throw new EmailTaken(emailOwner);
  }
  if (!isOnFor(policy.allow_single_sign_on, provider)) throw new AppError('signup_disabled');
  return { create: policy.block_auto_created_users ? 'waiting' : 'active' };
}

/** Why an account may not come in. One that waits or is blocked stays so, whichever way somebody proves that it is theirs. */
export function obstacleFor(account: Account): ErrorCode | undefined {
  if (account.state === 'active') return undefined;
  return account.state === 'waiting' ? 'pending_approval' : 'blocked';
}

export interface Person {
  provider: string;
  profile: BitbucketProfile;
}

export interface SignedIn {
  account: Account;
  identityId: number;
  /** The identity was connected just now, by the e-mail address: its owner has done nothing for it and is told. */
  joined?: true;
}

/**
 * Finds or makes the account of a Bitbucket identity.
 * @throws AppError with the reason when this person does not come in; a new account that waits is made all the same
 */
export async function signIn(services: Services, person: Person): Promise<SignedIn> {
  const { db } = services;
  const { dialect } = services.database;
  // Nearly everybody has been here before; then nothing is written that would be worth waiting for the disk.
  const known = await enterKnown(db, services, person);
  const found =
    known ??
    (await again(
      () => db.transaction().execute((trx) => enterNew(trx, services, person)),
      (error) => dialect.isUniqueViolation(error) || dialect.isConflict(error),
    ));
  const obstacle = obstacleFor(found.account);
  if (obstacle) throw refusal(found.account, obstacle);
  return { ...found, account: await syncProfile(services, person, found.account) };
}

/** What a sign-in would come to, by the same rules, without doing it. */
export async function foresee(
  { db, config }: Services,
  { provider, profile }: Person,
): Promise<{ outcome: 'comes_in' | 'linked' | 'account_made' | 'account_waits' | ErrorCode; account?: Account }> {
  const known = await store.findIdentityOwner(db, provider, profile.uuid);
  if (known) return { outcome: obstacleFor(known.account) ?? 'comes_in', account: known.account };
  const emailOwner = profile.email === null ? undefined : await store.findAccountByEmail(db, profile.email);
  try {
    const decision = decide(provider, emailOwner, config().omniauth);
    if ('create' in decision) return { outcome: decision.create === 'waiting' ? 'account_waits' : 'account_made' };
    return { outcome: obstacleFor(decision.link) ?? 'linked', account: decision.link };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { outcome: error.code };
  }
}

/** Who waits is told the name to give an administrator. It is shown only to whoever has just proved to own the account. */
export function refusal(account: Account | undefined, code: ErrorCode): AppError {
  if (!account || code !== 'pending_approval') return new AppError(code, { account });
  const sentence = `Your account ${account.username} was made. An administrator has to approve it before you can come in.`;
  return new AppError(code, { sentence, account });
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

/** @returns undefined when nobody has this identity yet */
async function enterKnown(
  db: Database,
  { now }: Services,
  { provider, profile }: Person,
): Promise<SignedIn | undefined> {
  const known = await store.findIdentityOwner(db, provider, profile.uuid);
  if (known && !obstacleFor(known.account)) await store.updateIdentity(db, known.identityId, now(), namesOf(profile));
  return known;
}

async function enterNew(trx: Transaction, services: Services, person: Person): Promise<SignedIn> {
  const { config, database } = services;
  const { provider, profile } = person;
  // One at a time per identity: between two reads another first sign-in could make the account, whose e-mail address
  // would then look like somebody else's.
  await database.dialect.lock(trx, `identity ${provider} ${profile.uuid}`);
  const known = await enterKnown(trx, services, person);
  if (known) return known;
  const emailOwner = profile.email === null ? undefined : await store.findAccountByEmail(trx, profile.email);
  const decision = decide(provider, emailOwner, config().omniauth);
  if ('create' in decision) return create(trx, services, { ...person, state: decision.create });
  const account = decision.link;
  const identityId = await connect(trx, services, { ...person, account });
  const event = { action: 'identity_connected', reason: 'auto_link_user', account, target: provider } as const;
  await recordEvent(services, trx, { ...event, actor: null });
  return { account, identityId, joined: true };
}

/** Connects an identity that nobody has to an account. @returns its id */
export async function connect(
  trx: Transaction,
  { now }: Services,
  { provider, profile, account }: Person & { account: Account },
): Promise<number> {
  const id = await store.insertIdentity(trx, {
    account_id: account.id,
    provider,
    extern_uid: profile.uuid,
    ...namesOf(profile),
    created_at: now(),
    last_used_at: now(),
  });
  await tieConsents(trx, { id, accountId: account.id, provider, externUid: profile.uuid });
  return id;
}

async function create(
  trx: Transaction,
  services: Services,
  { provider, profile, state }: Person & { state: AccountState },
): Promise<SignedIn> {
  const account = await store.insertAccount(trx, {
    username: await freeUsername(trx, baseUsername([profile.username, profile.nickname])),
    name: profile.displayName,
    email: profile.email,
    state,
    admin: 0,
    external: services.config().omniauth.external_providers.includes(provider) ? 1 : 0,
    password_hash: null,
    created_at: services.now(),
  });
  const identityId = await connect(trx, services, { provider, profile, account });
  const event = { action: 'account_created', account, target: provider, reason: state } as const;
  await recordEvent(services, trx, { ...event, actor: null });
  return { account, identityId };
}

function namesOf(profile: BitbucketProfile): store.IdentityNames {
  return {
    display_name: profile.displayName,
    username: profile.username ?? profile.nickname ?? null,
    avatar_url: profile.avatarUrl ?? null,
  };
}
