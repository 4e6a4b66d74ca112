// Membership of `allowed_workspaces` kept fresh: what each arrival tells is kept, and what follows when it is no more.
import { recordEvent } from '../audit/record.ts';
import type { Config, ProviderConfig } from '../config/schema.ts';
import type { Account, Identity } from '../db/tables.ts';
import type { Services } from '../services.ts';
import { endSessionsBegunWith } from '../web/account-sessions.ts';
import { endWhatWasBegun } from './begun.ts';
import { parseGroups, readGroups } from './groups.ts';
import { forgetTokens, keepTokens, needsTokens } from './provider-tokens.ts';
import type { Arrival } from './providers.ts';
import { clientOf } from './providers.ts';
import { findAccount, findIdentity, updateMembership } from './store.ts';
import { isShutOutWithin, LOST } from './ways-in.ts';

/** Why access has ended; the reason of the event. */
export type EndedBecause =
  /** Bitbucket names no admitted workspace any more. */
  | 'not_member'
  /** Bitbucket does not let us ask for this person any more: 401 with a new token, or 403. */
  | 'access_refused'
  /** There is nothing to ask with: the grant was taken back, or ran out, or cannot be read. */
  | 'grant_lost'
  /** Bitbucket has not answered for longer than the grace. */
  | 'unconfirmed';

/** What to keep of somebody who has just come in, or connected, with an identity. The caller has checked membership. */
export async function noteArrival(services: Services, identityId: number, came: KeptOfArrival): Promise<void> {
  const provider = services.config().omniauth.providers.find(({ name }) => name === came.provider);
  if (!provider || !needsTokens(provider)) return;
  const groups = came.workspaces && (await groupsAtArrival(services, identityId, { ...came, provider }));
  const { accessToken, refreshToken, expiresIn, scopes } = came.tokens;
  const { at = services.now() } = came;
  await services.db.transaction().execute(async (trx) => {
    const member = groups ? { groups: JSON.stringify(groups), confirmed_at: at } : {};
    // Gone meanwhile: an administrator has unlinked it. Then there is no row to keep tokens for, either. And what was
    // told a while ago is news of an identity only that nobody has been asked for since.
    const neverAsked = came.at === undefined ? undefined : 0;
    if (!(await updateMembership(trx, identityId, { ...member, checked_at: at }, neverAsked))) return;
    const refresh = refreshToken === undefined ? {} : { refreshToken };
    const expiresInSeconds = Math.max(0, expiresIn - Math.ceil((services.now() - at) / 1000));
    await keepTokens(trx, services, { identityId }, { accessToken, expiresInSeconds, scopes, ...refresh });
  });
}

type KeptOfArrival = Pick<Arrival, 'tokens' | 'workspaces'> & {
  provider: string;
  /** When Bitbucket has told it, where that was not just now. */
  at?: number;
  deadline?: number | undefined;
};

async function groupsAtArrival(
  { db, http }: Services,
  identityId: number,
  { provider, tokens, workspaces = [], deadline }: Omit<KeptOfArrival, 'provider'> & { provider: ProviderConfig },
): Promise<string[]> {
  const identity = await findIdentity(db, identityId);
  const known = parseGroups(identity?.groups ?? '[]');
  const { accessToken } = tokens;
  return readGroups({ provider, client: clientOf(provider, http), accessToken, workspaces, known, deadline });
}

export interface EndOfAccess {
  account: Pick<Account, 'id' | 'username'>;
  identity: Identity;
  because: EndedBecause;
}

/**
 * Ends what somebody has by an identity whose membership is over: its tokens, its groups, and what was begun with it. Has
 * the account no way in that is open any more, then all its sessions end, whatever they were begun with. Its password and
 * its access tokens are not touched: as long as the membership is lost they open nothing (see ways-in.ts), and with it
 * they come back. Who runs the server may let such a person in by a one-time link, perhaps to mend exactly this.
 * @returns false when the person has come in anew meanwhile, and nothing was done
 */
export async function endAccess(services: Services, { account, identity, because }: EndOfAccess): Promise<boolean> {
  const ended = await services.db.transaction().execute(async (trx) => {
    const lost = { groups: '[]', confirmed_at: LOST };
    if (!(await updateMembership(trx, identity.id, lost, identity.checked_at))) return undefined;
    await forgetTokens(trx, { identityId: identity.id });
    const owner = await findAccount(trx, account.id);
    const shut_out = owner !== undefined && (await isShutOutWithin(trx, services, owner));
    const begunWith = shut_out ? undefined : identity.provider;
    const sessions = await endWhatWasBegun(trx, services, { accountId: account.id, begunWith });
    const details = { sessions, shut_out, groups: parseGroups(identity.groups) };
    const event = { action: 'membership_lost', reason: because, actor: null, account } as const;
    await recordEvent(services, trx, { ...event, target: identity.provider, details });
    return { shut_out };
  });
  // A sign-in by password that was let through before this was written, and has written its session since. One that
  // comes later looks itself (see startPasswordSession).
  if (ended?.shut_out) await endSessionsBegunWith(services.db, account.id, { provider: 'password' });
  return ended !== undefined;
}

/** Providers whose people are asked for again and again. */
export function asksForMembership({ omniauth }: Config): ProviderConfig[] {
  return omniauth.providers.filter(({ allowed_workspaces }) => allowed_workspaces !== undefined);
}
