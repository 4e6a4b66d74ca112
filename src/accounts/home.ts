// Home, and the answer to "who am I" for scripts.
import type { Request, RequestHandler } from 'express';
import type { Account } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { wantsJson } from '../web/error-page.ts';
import type { Web } from '../web/web.ts';
import type { Providers } from './providers.ts';
import { listIdentities, listUsernames } from './store.ts';

/** @returns the signed-in account. @throws AppError `unauthenticated` */
export function requireAccount(req: Request): Account {
  if (!req.user) throw new AppError('unauthenticated');
  return req.user;
}

export function showHome(web: Web, providers: Providers): RequestHandler {
  return async (req, res) => {
    if (!req.user && !wantsJson(req, web.site)) return res.redirect(303, `${web.site.base}/users/sign_in`);
    const account = requireAccount(req);
    const { db } = web.services;
    const identities = await listIdentities(db, account.id);
    const labels = new Map(providers.list().map(({ name, label }) => [name, label]));
    web.render(req, res, 'accounts/home', {
      title: 'Home',
      account: {
        name: account.name,
        username: account.username,
        email: account.email,
        state: account.state,
        admin: account.admin === 1,
        createdAt: timeOf(account.created_at),
      },
      identities: identities.map((identity) => ({
        provider: identity.provider,
        label: labels.get(identity.provider) ?? identity.provider,
        since: timeOf(identity.created_at),
        lastUsed: timeOf(identity.last_used_at),
      })),
      admin: account.admin === 1 ? { setUpDone: labels.size > 0, waiting: await listUsernames(db, 'waiting') } : null,
    });
  };
}

/** GET /api/v4/user, shaped like GitLab's answer of that name. */
export function showUser({ services }: Web): RequestHandler {
  return async (req, res) => {
    const account = requireAccount(req);
    const identities = await listIdentities(services.db, account.id);
    res.json({
      id: account.id,
      username: account.username,
      name: account.name,
      email: account.email,
      state: account.state,
      admin: account.admin === 1,
      identities: identities.map(({ provider, extern_uid }) => ({ provider, extern_uid })),
    });
  };
}

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

function timeOf(ms: number): { iso: string; text: string } {
  const date = new Date(ms);
  return { iso: date.toISOString(), text: `${DATE.format(date)} UTC` };
}
