// Home, and the answer to "who am I" for scripts.
import type { RequestHandler } from 'express';
import type { Account } from '../db/tables.ts';
import { wantsJson } from '../web/answer.ts';
import { timeOf } from '../web/time.ts';
import type { Web } from '../web/web.ts';
import { listNotices, noticesAsJson } from './notices.ts';
import { requireAccount } from './presence.ts';
import type { Providers } from './providers.ts';
import { listIdentities, listUsernames } from './store.ts';
import { waysInOf } from './ways-in.ts';

export function showHome(web: Web, providers: Providers): RequestHandler {
  return async (req, res) => {
    if (!req.user && !wantsJson(req, web.site)) return res.redirect(303, `${web.site.base}/users/sign_in`);
    const account = requireAccount(req);
    const { db } = web.services;
    const notices = await listNotices(web.services, account);
    const waiting = account.admin === 1 ? await listUsernames(db, 'waiting') : [];
    if (wantsJson(req, web.site)) {
      const user = await userAsJson(web, account);
      return void res.json({
        ...user,
        created_at: timeOf(account.created_at).iso,
        waiting,
        notices: noticesAsJson(notices),
      });
    }
    const identities = await listIdentities(db, account.id);
    const rules = { config: web.services.config(), settings: await web.services.settings.current() };
    const labels = new Map(providers.configured().map(({ name, label }) => [name, label]));
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
      ways: waysInOf(account, identities, rules).map(({ by, open, usedAt, identity }) => ({
        label: identity ? (labels.get(by) ?? by) : 'Username and password',
        open,
        since: identity ? timeOf(identity.created_at) : null,
        // 0: an administrator has corrected it, and nobody came in with it yet.
        lastUsed: usedAt ? timeOf(usedAt) : null,
        isPassword: identity === undefined,
      })),
      importSources: (await providers.importSources()).map(({ name, label }) => ({ name, label })),
      notices,
      admin: account.admin === 1 ? { signIn: await stateOfSignIn(providers), waiting } : null,
    });
  };
}

/** Whether people can sign in with a provider: not set up, set up but switched off for everybody, or on. */
async function stateOfSignIn(providers: Providers): Promise<'none' | 'off' | 'on'> {
  if (providers.configured().length === 0) return 'none';
  return (await providers.list()).length > 0 ? 'on' : 'off';
}

/** GET /api/v4/user, shaped like GitLab's answer of that name. */
export function showUser(web: Web): RequestHandler {
  return async (req, res) => {
    res.json(await userAsJson(web, requireAccount(req)));
  };
}

async function userAsJson({ services }: Web, account: Account) {
  const identities = await listIdentities(services.db, account.id);
  return {
    id: account.id,
    username: account.username,
    name: account.name,
    email: account.email_verified === 1 ? account.email : null,
    state: account.state,
    admin: account.admin === 1,
    identities: identities.map(({ provider, extern_uid }) => ({ provider, extern_uid })),
  };
}
