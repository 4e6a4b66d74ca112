// One person, with everything an administrator may know and do.
import type { RequestHandler } from 'express';
import type { Providers } from '../accounts/providers.ts';
import { findAccount, listIdentities } from '../accounts/store.ts';
import { listEvents } from '../audit/store.ts';
import type { Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { countOwned } from '../projects/store.ts';
import { wantsJson } from '../web/answer.ts';
import { idIn } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import { describeAccount, describeIdentity, wordingOf } from './describe-account.ts';
import { describeEvent } from './describe-event.ts';
import { listAddress } from '../web/list-query.ts';

const LATEST_EVENTS = 20;

export function showUser(web: Web, providers: Providers): RequestHandler {
  const { db, now } = web.services;
  return async (req, res) => {
    const account = await findAccount(db, idIn(req.params['id']));
    if (!account) throw new AppError('not_found');
    const wording = await wordingOf(web.services, providers);
    const identities = await listIdentities(db, account.id);
    const user = {
      ...describeAccount(account, identities, wording),
      identities: identities.map((identity) => describeIdentity(identity, wording)),
      sessions: await countSessions(db, account.id, now()),
    };
    if (wantsJson(req, web.site)) return void res.json(user);
    const { events } = await listEvents(db, { accountId: account.id }, { limit: LATEST_EVENTS });
    web.render(req, res, 'admin/user', {
      title: account.name,
      user,
      path: `${web.site.base}/admin/users/${account.id}`,
      own: account.id === req.user?.id,
      providers: [...wording.labels].map(([name, label]) => ({ name, label })),
      events: events.map(describeEvent),
      eventsAddress: listAddress('/admin/audit_log', { account: `#${account.id}` }),
      projects: await countOwned(db, account.id),
    });
  };
}

/** Those that still count. */
async function countSessions(db: Database, accountId: number, now: number): Promise<number> {
  const row = await db
    .selectFrom('sessions')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  return row.count;
}
