// "An account with this e-mail exists": who came with what, kept for ten minutes until they prove that account.
import { createHash } from 'node:crypto';
import type { BitbucketProfile } from '../bitbucket/profile.ts';
import { sweep } from '../db/sweep.ts';
import type { Account, Database, Transaction } from '../db/tables.ts';
import { seal, unseal } from '../seal.ts';
import type { Services } from '../services.ts';
import { needsTokens } from './provider-tokens.ts';
import type { Arrival } from './providers.ts';
import type { Person } from './sign-in.ts';

const LIFETIME_MS = 10 * 60_000;

export interface PendingLink extends Person {
  /** Id of the account to prove. */
  accountId: number;
  /** What came along, and when, where a feature needs it. */
  arrival?: Kept | undefined;
}

type Kept = Pick<Arrival, 'tokens' | 'workspaces'> & { at: number };

/** Keeps it for the browser that came, one at a time: the proof must come from there. */
export async function offerProof(
  services: Services,
  browserHash: string,
  { provider, profile, account, tokens, workspaces }: Arrival & { provider: string; account: Account },
): Promise<void> {
  const { db, now, config, keys } = services;
  const isNeeded = config().omniauth.providers.some((one) => one.name === provider && needsTokens(one));
  const arrival: Kept = { tokens, workspaces, at: now() };
  const row = {
    account_id: account.id,
    provider,
    profile: JSON.stringify(profile),
    arrival: isNeeded ? seal(JSON.stringify(arrival), keys.providerTokens, placeOf(browserHash)) : null,
    expires_at: now() + LIFETIME_MS,
  };
  await db
    .insertInto('pending_links')
    .values({ browser_hash: browserHash, ...row })
    .onConflict((conflict) => conflict.column('browser_hash').doUpdateSet(row))
    .execute();
}

/** Bound to the row: in any other one it does not open. */
function placeOf(browserHash: string): string {
  return `pending_links ${browserHash}`;
}

export async function findPendingLink(
  { db, now, keys }: Pick<Services, 'db' | 'now' | 'keys'>,
  browserHash: string,
): Promise<PendingLink | undefined> {
  const row = await db
    .selectFrom('pending_links')
    .selectAll()
    .where('browser_hash', '=', browserHash)
    .where('expires_at', '>', now())
    .executeTakeFirst();
  if (!row) return undefined;
  const profile = JSON.parse(row.profile) as BitbucketProfile;
  // Without its key it counts as not kept.
  const kept = row.arrival === null ? undefined : unseal(row.arrival, keys.providerTokens, placeOf(browserHash));
  const arrival = kept === undefined ? undefined : (JSON.parse(kept) as Kept);
  return { accountId: row.account_id, provider: row.provider, profile, arrival };
}

/**
 * Uses it up. Of two proofs at the same moment one gets true; none does when the identity that the page named is not the
 * one that waits now.
 */
export async function takePendingLink(
  trx: Transaction,
  browserHash: string,
  { accountId, provider, profile }: PendingLink,
): Promise<boolean> {
  const taken = trx
    .deleteFrom('pending_links')
    .where('browser_hash', '=', browserHash)
    .where('account_id', '=', accountId)
    .where('provider', '=', provider)
    .where('profile', '=', JSON.stringify(profile));
  return (await taken.executeTakeFirst()).numDeletedRows === 1n;
}

/** What a form says it is about: who came, without a name that means anything elsewhere. */
export function markOf({ accountId, provider, profile }: PendingLink): string {
  return createHash('sha256').update(`${accountId} ${provider} ${profile.uuid}`).digest('base64url');
}

/** At sign-out: whoever comes next to this browser is somebody else. */
export async function forgetPendingLinkOf(db: Database, browserHash: string): Promise<void> {
  await db.deleteFrom('pending_links').where('browser_hash', '=', browserHash).execute();
}

/** A proof that was offered before an identity was disconnected or an account changed hands means nothing any more. */
export async function forgetPendingLinks(db: Database, accountId: number): Promise<void> {
  await db.deleteFrom('pending_links').where('account_id', '=', accountId).execute();
}

export async function sweepPendingLinks(db: Database, now: number): Promise<void> {
  await sweep(db, { table: 'pending_links', key: 'browser_hash', expires: 'expires_at' }, now);
}
