// Disconnecting an identity: never the last way in, and nothing that was begun with it goes on.
import type { Request, RequestHandler } from 'express';
import { readApplicationSettings } from '../application-settings.ts';
import type { AuditEvent } from '../audit/record.ts';
import { recordEvent } from '../audit/record.ts';
import type { Account, Identity } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { answerDone } from '../web/answer.ts';
import { idIn } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import { sessionHash } from '../web/session-store.ts';
import { renewSession } from '../web/web.ts';
import { endWhatWasBegun } from './begun.ts';
import { mailNotice } from './mail-notices.ts';
import { requireAccount } from './presence.ts';
import type { Providers } from './providers.ts';
import { deleteIdentity, findAccount, listIdentities } from './store.ts';
import { canDoWithout, lockAdministrators, requireAdministrator } from './ways-in.ts';

export function disconnect(web: Web, providers: Providers): RequestHandler {
  return async (req, res) => {
    const { services, site } = web;
    const account = requireAccount(req);
    const { provider, display_name } = await removeIdentity(web, req, idIn(req.params['id']));
    mailNotice(services, eventOf(account, provider), req);
    await renewSession(req);
    const text = `${providers.wayInWords(provider)}: ${display_name} does not open your account any more.`;
    await answerDone(web, req, res, { to: `${site.base}/-/profile/account`, say: { title: 'Disconnected', text } });
  };
}

function eventOf(account: Account, provider: string): AuditEvent {
  return { action: 'identity_disconnected', actor: account, target: provider };
}

async function removeIdentity({ services }: Web, req: Request, id: number): Promise<Identity> {
  const { id: accountId } = requireAccount(req);
  return services.db.transaction().execute(async (trx) => {
    // One at a time, also beside an administrator who takes away another way in of the same account.
    await lockAdministrators(trx, services);
    const account = await findAccount(trx, accountId);
    const identities = await listIdentities(trx, accountId);
    const identity = identities.find((candidate) => candidate.id === id);
    if (!account || !identity) throw new AppError('not_found');
    // What administrators have set is read now, not half a second ago.
    const rules = { config: services.config(), settings: await readApplicationSettings(trx) };
    if (!canDoWithout(identity, { account, identities }, rules)) throw new AppError('last_way_in');
    await deleteIdentity(trx, { id, accountId });
    const keep = sessionHash(req.sessionID);
    await endWhatWasBegun(trx, services, { accountId, keep, begunWith: identity.provider });
    if (account.admin === 1) await requireAdministrator(trx, services);
    const details = { extern_uid: identity.extern_uid, name: identity.display_name };
    await recordEvent(services, trx, { ...eventOf(account, identity.provider), details }, req);
    return identity;
  });
}
