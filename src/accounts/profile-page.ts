// Profile → Account: who somebody is here, how they sign in, and what happened to their account.
import type { Request, RequestHandler, Response, Router } from 'express';
import { z } from 'zod';
import { recordEvent } from '../audit/record.ts';
import { accessTokensOf } from './access-tokens-page.ts';
import type { Account, Identity } from '../db/tables.ts';
import { browserHash, findBrowserId } from '../web/browser.ts';
import { answerDone, refuseForm, wantsJson, withJson } from '../web/answer.ts';
import { idIn, parseInput } from '../web/input.ts';
import { methodNotAllowed } from '../web/methods.ts';
import { initials } from '../web/page.ts';
import { checkReturnTo } from '../web/return-to.ts';
import { timeOf } from '../web/time.ts';
import type { Web } from '../web/web.ts';
import { parseGroups } from './groups.ts';
import { listNotices, noticesAsJson, seeNotices } from './notices.ts';
import { findPendingLink } from './pending-links.ts';
import { isRecent, requireAccount, requireRecentProof, requireUser } from './presence.ts';
import { disconnect } from './profile-identities.ts';
import { changePassword } from './profile-password.ts';
import type { Providers } from './providers.ts';
import { listIdentities, updateAccount } from './store.ts';
import { readName } from './typed-name.ts';
import type { Rules } from './ways-in.ts';
import { canDoWithout, hasLeft, isPasswordSignInOn, isSignInSource } from './ways-in.ts';

const PAGE = '/-/profile/account';

/** What a form of the page was refused for. */
export interface Refused {
  name?: string;
  password?: { sentence: string; field: 'current' | 'new' | 'again' };
}

export type ShowAccountPage = (req: Request, res: Response, refused?: Refused) => Promise<void>;

export function profileRoutes(router: Router, web: Web, { providers }: { providers: Providers }) {
  const user = requireUser(web);
  const recent = requireRecentProof(web, PAGE);
  const show = accountPage(web, providers);
  router.get(withJson(PAGE), user, (req, res) => show(req, res));
  router.post(withJson(PAGE), user, changeName(web, show));
  router.all(withJson(PAGE), methodNotAllowed('GET, POST'));

  router.post(`${PAGE}/password`, user, recent, changePassword(web, show));
  router.all(`${PAGE}/password`, methodNotAllowed('POST'));

  router.post(`${PAGE}/notices`, user, markNotices(web));
  router.all(`${PAGE}/notices`, methodNotAllowed('POST'));

  router.post(`${PAGE}/identities/:id/disconnect`, user, recent, disconnect(web, providers));
  router.all(`${PAGE}/identities/:id/disconnect`, methodNotAllowed('POST'));
}

function accountPage(web: Web, providers: Providers): ShowAccountPage {
  return async (req, res, refused = {}) => {
    const { site } = web;
    const shown = await describe(web, providers, req);
    if (wantsJson(req, site)) return void res.json(jsonOf(shown));
    web.render(req, res, 'profile/account', {
      title: 'Account',
      account: shown.account,
      notices: shown.notices,
      recent: shown.recent,
      identities: shown.identities,
      connectable: shown.connectable,
      password: shown.password,
      pending: shown.pending,
      confirmAddress: `${site.base}/users/confirm?return_to=${encodeURIComponent(site.base + PAGE)}`,
      accessTokens: await accessTokensOf(web, req),
      refused: { name: refused.name ?? null, password: refused.password ?? null },
    });
  };
}

async function describe(web: Web, providers: Providers, req: Request) {
  const { services } = web;
  const account = requireAccount(req);
  const { name, username, email, email_verified, password_hash } = account;
  const rules = { config: services.config(), settings: await services.settings.current() };
  const rows = await listIdentities(services.db, account.id);
  const identities = identitiesOf(providers, { account, identities: rows }, rules);
  return {
    account: { name, username, email, emailVerified: email_verified === 1 },
    notices: await listNotices(services, account),
    recent: isRecent(req, web),
    identities,
    connectable: (await providers.list()).map(({ name, label, icon }) => ({
      ...{ name, label, icon: icon ?? null },
      again: identities.some((identity) => identity.provider === name),
    })),
    password: {
      on: isPasswordSignInOn(rules.config, rules.settings),
      has: password_hash !== null,
      left: hasLeft(account, rows, rules.config),
    },
    pending: await pendingOf(web, providers, req),
  };
}

/** The same for scripts. Access tokens have a list of their own. */
function jsonOf(shown: Awaited<ReturnType<typeof describe>>): Record<string, unknown> {
  const { account } = shown;
  return {
    name: account.name,
    username: account.username,
    email: account.email,
    email_verified: account.emailVerified,
    confirmed: shown.recent,
    password: shown.password,
    identities: shown.identities.map((identity) => ({
      id: identity.id,
      provider: identity.provider,
      label: identity.label,
      name: identity.name,
      username: identity.username,
      groups: identity.groups,
      connected_at: identity.since.iso,
      last_used_at: identity.lastUsed?.iso ?? null,
      on: identity.on,
      last_way_in: identity.isLastWay,
    })),
    connectable: shown.connectable.map(({ name, label }) => ({ name, label })),
    pending: shown.pending,
    notices: noticesAsJson(shown.notices),
  };
}

function identitiesOf(
  providers: Providers,
  person: { account: Account; identities: readonly Identity[] },
  rules: Rules,
) {
  const icons = new Map(providers.configured().map(({ name, icon }) => [name, icon]));
  return person.identities.map((identity) => ({
    id: identity.id,
    provider: identity.provider,
    label: providers.wayInWords(identity.provider),
    icon: icons.get(identity.provider) ?? null,
    on: isSignInSource(identity.provider, rules.config, rules.settings),
    name: identity.display_name,
    username: identity.username,
    initials: initials(identity.display_name),
    since: timeOf(identity.created_at),
    lastUsed: identity.last_used_at === 0 ? null : timeOf(identity.last_used_at),
    groups: parseGroups(identity.groups),
    isLastWay: !canDoWithout(identity, person, rules),
  }));
}

/** Somebody came with the address of this account in this browser and has since signed in to it by other means. */
async function pendingOf({ services, site }: Web, providers: Providers, req: Request) {
  const browser = findBrowserId(req, site);
  const link = browser === undefined ? undefined : await findPendingLink(services, browserHash(browser));
  if (link?.accountId !== requireAccount(req).id) return null;
  return { label: providers.wayInWords(link.provider), name: link.profile.displayName };
}

const nameForm = z.object({ name: z.string().max(1000) });

function changeName(web: Web, show: ShowAccountPage): RequestHandler {
  const { services, site } = web;
  return async (req, res) => {
    const account = requireAccount(req);
    const read = readName(parseInput(nameForm, req.body).name);
    if ('mistake' in read) {
      const sentence = read.mistake;
      return refuseForm(web, req, res, { sentence, again: () => show(req, res, { name: sentence }) });
    }
    const { name } = read;
    await services.db.transaction().execute(async (trx) => {
      await updateAccount(trx, account.id, { name, name_set_here: 1 });
      await recordEvent(services, trx, { action: 'account_changed', details: { changed: ['name'] } }, req);
    });
    const say = { title: 'Name changed', text: 'Signing in does not bring the old one back.' };
    await answerDone(web, req, res, { to: site.base + PAGE, say, json: { name } });
  };
}

const noticesForm = z.object({ up_to: z.string(), return_to: z.string().optional() });

function markNotices(web: Web): RequestHandler {
  const { services, site } = web;
  return async (req, res) => {
    const form = parseInput(noticesForm, req.body);
    await seeNotices(services, requireAccount(req), idIn(form.up_to));
    await answerDone(web, req, res, { to: checkReturnTo(form.return_to, site.base) ?? site.base + PAGE });
  };
}
