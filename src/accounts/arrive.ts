// Coming back from Bitbucket: what the callback does with who came, by what the flow was started for.
import type { Request } from 'express';
import { recordEvent } from '../audit/record.ts';
import type { Account, Transaction } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { browserHash, findBrowserId } from '../web/browser.ts';
import { tell } from '../web/flash.ts';
import type { Web } from '../web/web.ts';
import { endSession, renewSession, startSession } from '../web/web.ts';
import type { Arrive, Came } from './dance.ts';
import { rememberDevice } from './device-cookie.ts';
import { noteSignedIn } from './events.ts';
import type { Flows } from './flows.ts';
import { mailNotice } from './mail-notices.ts';
import { offerProof } from './pending-links.ts';
import { noteArrival } from './membership.ts';
import { forgetSignedOut } from './sign-in-page.ts';
import { requireAccount } from './presence.ts';
import { connect, EmailTaken, signIn } from './sign-in.ts';
import { findIdentityOwner } from './store.ts';

/** What importing, which stands above the accounts, makes of somebody's coming. */
export interface Importing {
  /** They have come with a consent to import. */
  arrive: Arrive;
  /** They have signed in; should that have opened their repositories as well, nothing more has to be asked. */
  noteSignIn: (req: Request, account: Account, came: Came) => Promise<void>;
}

export function arriveToSignIn(web: Web, flows: Flows, { noteSignIn }: Pick<Importing, 'noteSignIn'>): Arrive {
  return async (req, res, came) => {
    const { provider, profile, flow, startedAt, returnTo } = came;
    const browser = browserHash(findBrowserId(req, web.site) ?? '');
    const { account, identityId, joined } = await signIn(web.services, { provider, profile }).catch(
      async (error: unknown) => {
        if (error instanceof EmailTaken) await offerProof(web.services, browser, { ...came, account: error.owner });
        throw error;
      },
    );
    if (joined) mailNotice(web.services, { action: 'identity_connected', actor: null, account, target: provider }, req);
    await flows.finish(flow.state_hash);
    await noteArrival(web.services, identityId, { ...came, deadline: req.deadline });
    await startSession(req, account, { rememberMe: flow.remember_me === 1, provider });
    await requireStillTheirs(web, req, { provider, profile, account });
    await noteSignIn(req, account, came);
    const newDevice = !rememberDevice(req, res, web, { account, by: 'provider' });
    await noteSignedIn(web, req, { provider, startedAt, newDevice }, account);
    forgetSignedOut(req, res, web.site);
    res.redirect(303, returnTo ?? `${web.site.base}/`);
  };
}

/**
 * While Bitbucket was asked, the identity may have been disconnected, and sessions ended with it. This one was written
 * since: whoever disconnects ends the sessions there are, so either they found this one, or it is seen here.
 */
async function requireStillTheirs(
  { services }: Web,
  req: Request,
  { provider, profile, account }: Pick<Came, 'provider' | 'profile'> & { account: Account },
): Promise<void> {
  const owner = await findIdentityOwner(services.db, provider, profile.uuid);
  if (owner?.account.id === account.id) return;
  await endSession(req);
  throw new AppError('invalid_state');
}

/** "Connect": the identity becomes one more way into the account of whoever started it. */
export function arriveToLink(web: Web, flows: Flows): Arrive {
  return async (req, res, came) => {
    const account = requireAccount(req);
    await flows.finish(came.flow.state_hash);
    const identityId = await linkIdentity(web, req, account, came);
    await noteArrival(web.services, identityId, { ...came, deadline: req.deadline });
    await renewSession(req);
    await tell(req, 'Connected', `${came.profile.displayName} opens your account from now on.`);
    res.redirect(303, came.returnTo ?? `${web.site.base}/-/profile/account`);
  };
}

export interface NewLink extends Pick<Came, 'provider' | 'profile'> {
  /** What has to hold at that moment, too; throws otherwise. */
  claim?: (trx: Transaction) => Promise<void>;
}

/**
 * @returns the id of the identity, also when it was connected already
 * @throws AppError `identity_taken` when it opens another account
 */
export async function linkIdentity(
  { services }: Web,
  req: Request,
  account: Account,
  { provider, profile, claim }: NewLink,
): Promise<number> {
  const { db, database } = services;
  const event = { action: 'identity_connected', actor: account, target: provider } as const;
  try {
    const { identityId, isNew } = await db.transaction().execute(async (trx) => {
      await database.dialect.lock(trx, `identity ${provider} ${profile.uuid}`);
      await claim?.(trx);
      const known = await findIdentityOwner(trx, provider, profile.uuid);
      if (known && known.account.id !== account.id) throw new AppError('identity_taken');
      if (known) return { identityId: known.identityId, isNew: false };
      const identityId = await connect(trx, services, { provider, profile, account });
      await recordEvent(services, trx, { ...event, details: whoIs(profile) }, req);
      return { identityId, isNew: true };
    });
    if (isNew) mailNotice(services, event, req);
    return identityId;
  } catch (error) {
    if (error instanceof AppError) {
      const refused = { ...event, result: 'refused', reason: error.code } as const;
      await recordEvent(services, db, refused, req);
      mailNotice(services, refused, req);
    }
    throw database.dialect.isUniqueViolation(error) ? new AppError('identity_taken', { cause: error }) : error;
  }
}

/** "Confirm that it is you": an identity of the account proves that its owner is there. */
export function arriveToConfirm(web: Web, flows: Flows): Arrive {
  return async (req, res, came) => {
    const { provider, profile, flow, returnTo } = came;
    const account = requireAccount(req);
    const owner = await findIdentityOwner(web.services.db, provider, profile.uuid);
    await flows.finish(flow.state_hash);
    if (owner?.account.id !== account.id) {
      await noteUnconfirmed(web, req, { provider, reason: 'wrong_identity' });
      throw new AppError('wrong_identity');
    }
    await noteArrival(web.services, owner.identityId, { ...came, deadline: req.deadline });
    await confirmPresence(web, req, { account, provider });
    await tell(req, CONFIRMED.title, CONFIRMED.text);
    res.redirect(303, returnTo ?? `${web.site.base}/-/profile/account`);
  };
}

/** The session goes on under a new id, and counts as begun now. What asked for the proof was not done, and is not done now. */
export async function confirmPresence(
  web: Web,
  req: Request,
  { account, provider }: { account: Account; provider: string },
): Promise<void> {
  await renewSession(req, { provider, at: web.services.now() });
  await recordEvent(web.services, web.services.db, { action: 'confirm', actor: account, target: provider }, req);
}

/** Said on the page that the person is led back to. */
export const CONFIRMED = {
  title: 'Confirmed',
  text: 'Nothing has been done yet: press again what you were about to do. You are not asked for the next 15 minutes.',
};

/** Somebody at a signed-in browser could not prove to be its owner: the owner should know. */
export async function noteUnconfirmed(
  { services }: Web,
  req: Request,
  { provider, reason }: { provider: string; reason: 'wrong_identity' | 'invalid_credentials' },
): Promise<void> {
  const event = { action: 'confirm', result: 'refused', reason, target: provider } as const;
  await recordEvent(services, services.db, event, req);
  mailNotice(services, event, req);
}

function whoIs({ uuid, displayName }: Came['profile']): Record<string, unknown> {
  return { extern_uid: uuid, name: displayName };
}
