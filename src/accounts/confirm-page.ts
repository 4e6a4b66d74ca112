// "Confirm that it is you": the page asked for before what changes how an account is entered.
import type { Request, RequestHandler, Response, Router } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { answerDone, wantsJson, withJson } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import { methodNotAllowed } from '../web/methods.ts';
import { checkReturnTo } from '../web/return-to.ts';
import type { Web } from '../web/web.ts';
import { CONFIRMED, confirmPresence, noteUnconfirmed } from './arrive.ts';
import { findDeviceCookie, rememberDevice } from './device-cookie.ts';
import { passwordSignIn, WrongPassword } from './password-sign-in.ts';
import { isRecent, requireAccount, requireUser } from './presence.ts';
import type { Providers } from './providers.ts';
import { listIdentities } from './store.ts';
import { isPasswordSignInOn, waysInOf } from './ways-in.ts';

const PAGE = '/users/confirm';

type ShowConfirmPage = (req: Request, res: Response, form: { returnTo: string; error: string | null }) => Promise<void>;

export function confirmRoutes(router: Router, web: Web, providers: Providers): void {
  const show = confirmPage(web, providers);
  const user = requireUser(web);
  router.get(withJson(PAGE), user, (req, res) =>
    show(req, res, { returnTo: wayBack(web, req.query['return_to']), error: null }),
  );
  router.post(withJson(PAGE), user, confirmWithPassword(web, show));
  router.all(withJson(PAGE), methodNotAllowed('GET, POST'));
}

function wayBack({ site }: Web, wish: unknown): string {
  return checkReturnTo(wish, site.base) ?? `${site.base}/-/profile/account`;
}

function confirmPage(web: Web, providers: Providers): ShowConfirmPage {
  return async (req, res, form) => {
    const { services, site, render } = web;
    const account = requireAccount(req);
    const rules = { config: services.config(), settings: await services.settings.current() };
    const identities = await listIdentities(services.db, account.id);
    const connected = new Set(identities.map(({ provider }) => provider));
    const open = (await providers.list()).filter(({ name }) => connected.has(name));
    const withPassword = waysInOf(account, identities, rules).some(
      ({ by, open: isOpen }) => by === 'password' && isOpen,
    );
    if (wantsJson(req, site)) {
      const names = open.map(({ name, label }) => ({ name, label }));
      const ways = { password: withPassword, providers: names };
      return void res.json({ username: account.username, confirmed: isRecent(req, web), ...ways });
    }
    render(req, res, 'accounts/confirm', {
      title: 'Confirm that it is you',
      form,
      username: account.username,
      withPassword,
      providers: open.map(({ name, label, icon }) => ({ name, label, icon: icon ?? null })),
    });
  };
}

const confirmForm = z.object({ password: z.string().min(1), return_to: z.string().optional() });

function confirmWithPassword(web: Web, show: ShowConfirmPage): RequestHandler {
  return async (req, res) => {
    const { services, site } = web;
    if (!isPasswordSignInOn(services.config(), await services.settings.current())) throw new AppError('not_found');
    const { password, return_to } = parseInput(confirmForm, req.body);
    const returnTo = wayBack(web, return_to);
    const given = { login: requireAccount(req).username, password, address: req.ip };
    try {
      const deviceCookie = findDeviceCookie(req, site);
      const account = await passwordSignIn(services, web.limits, { ...given, deviceCookie });
      await confirmPresence(web, req, { account, provider: 'password' });
      rememberDevice(req, res, web, { account, by: 'password' });
      await answerDone(web, req, res, { to: returnTo, say: CONFIRMED });
    } catch (error) {
      if (!(error instanceof WrongPassword)) throw error;
      await noteUnconfirmed(web, req, { provider: 'password', reason: 'invalid_credentials' });
      if (wantsJson(req, site)) throw error;
      res.status(error.status);
      await show(req, res, { returnTo, error: 'The password is not right.' });
    }
  };
}
