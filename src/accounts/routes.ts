// Signing in and out: every route of this feature in one table.
import type { Request, RequestHandler, Response, Router } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { browserHash, findBrowserId } from '../web/browser.ts';
import { answerDone, wantsJson } from '../web/answer.ts';
import { isTicked, parseInput } from '../web/input.ts';
import { methodNotAllowed, refusePrefetch } from '../web/methods.ts';
import { checkReturnTo } from '../web/return-to.ts';
import { sessionCookieName } from '../web/session.ts';
import { cookieOptions } from '../web/site.ts';
import type { Web } from '../web/web.ts';
import { endSession } from '../web/web.ts';
import { accessTokenRoutes } from './access-tokens-page.ts';
import type { Importing } from './arrive.ts';
import { arriveToConfirm, arriveToLink, arriveToSignIn } from './arrive.ts';
import { confirmRoutes } from './confirm-page.ts';
import { finishDance, startDance } from './dance.ts';
import { findDeviceCookie, rememberDevice } from './device-cookie.ts';
import { deviceRoutes } from './devices.ts';
import type { SignInEvent } from './events.ts';
import { noteRefused, noteSignedIn, noteSignedOut } from './events.ts';
import type { Flows } from './flows.ts';
import { showHome, showUser } from './home.ts';
import { linkRoutes } from './link-page.ts';
import { ownEventRoutes } from './own-events.ts';
import { aboutTry, passwordSignIn, startPasswordSession } from './password-sign-in.ts';
import { forgetPendingLinkOf } from './pending-links.ts';
import { profileRoutes } from './profile-page.ts';
import type { Providers } from './providers.ts';
import type { ShowSignInPage } from './sign-in-page.ts';
import { forgetSignedOut, rememberSignedOut, signInPage } from './sign-in-page.ts';
import { requireScope } from './token-auth.ts';
import { arriveToTest } from './test-sign-in.ts';
import { isPasswordSignInOn } from './ways-in.ts';

export interface Accounts {
  providers: Providers;
  flows: Flows;
  importing: Importing;
}

export function accountRoutes(router: Router, web: Web, { providers, flows, importing }: Accounts): void {
  router.get('/', showHome(web, providers));
  router.all('/', methodNotAllowed('GET'));

  router.get('/api/v4/user', requireScope('read_user'), showUser(web));
  router.all('/api/v4/user', methodNotAllowed('GET'));

  const showPage = signInPage(web, providers);
  const arrive = {
    sign_in: arriveToSignIn(web, flows, importing),
    link: arriveToLink(web, flows),
    confirm: arriveToConfirm(web, flows),
    test: arriveToTest(web, flows),
    import: importing.arrive,
  };
  router.get('/users/sign_in', showSignIn(web, showPage));
  router.post('/users/sign_in', signInWithPassword(web, showPage));
  router.all('/users/sign_in', methodNotAllowed('GET, POST'));

  // Before GET, which Express would let answer HEAD too: a HEAD request must not use up a code.
  router.head('/users/auth', methodNotAllowed('GET'));
  router.get('/users/auth', refusePrefetch, finishDance(web, { providers, flows, arrive }));
  router.all('/users/auth', methodNotAllowed('GET'));

  router.post('/users/auth/:provider', refusePrefetch, startDance(web, providers));
  router.all('/users/auth/:provider', async (req) => {
    await providers.get(req.params.provider);
    throw new AppError('method_not_allowed', { allow: 'POST' });
  });

  confirmRoutes(router, web, providers);
  linkRoutes(router, web, providers);
  profileRoutes(router, web, { providers });

  router.post('/users/sign_out', signOut(web, flows));
  router.all('/users/sign_out', methodNotAllowed('POST'));

  deviceRoutes(router, web, providers);
  accessTokenRoutes(router, web);
  ownEventRoutes(router, web, providers);
}

/** Mounted before the CSRF check: with nobody signed in there is nothing to protect, and no error page to show. */
export function signedOutAlready(web: Web): RequestHandler {
  return async (req, res, next) => {
    if (req.method !== 'POST' || req.user) return next();
    await answerDone(web, req, res, { to: `${web.site.base}/users/sign_in` });
  };
}

/**
 * Whatever lies below the callback may be opened with a code in its address (Bitbucket matches the registered callback
 * as a prefix), so nothing there is stored, and no address there is told to anybody.
 */
export const keepAddressSecret: RequestHandler = (_req, res, next) => {
  res.set({ 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' });
  next();
};

function showSignIn(web: Web, showPage: ShowSignInPage): RequestHandler {
  return async (req, res) => {
    if (req.user) return res.redirect(303, `${web.site.base}/`);
    await showPage(req, res);
  };
}

const signInForm = z.object({
  login: z.string().max(500),
  password: z.string().min(1),
  remember_me: z.string().optional(),
  return_to: z.string().optional(),
});

function signInWithPassword(web: Web, showPage: ShowSignInPage): RequestHandler {
  return async (req, res) => {
    const settings = await web.services.settings.current();
    if (!isPasswordSignInOn(web.services.config(), settings)) throw new AppError('not_found');
    const form = parseInput(signInForm, req.body);
    const returnTo = checkReturnTo(form.return_to, web.site.base);
    const rememberMe = isTicked(form.remember_me);
    const event: SignInEvent = { provider: 'password', startedAt: performance.now() };
    try {
      const deviceCookie = findDeviceCookie(req, web.site);
      const account = await passwordSignIn(web.services, web.limits, { ...form, address: req.ip, deviceCookie });
      await startPasswordSession(web, req, account, rememberMe);
      const newDevice = !rememberDevice(req, res, web, { account, by: 'password' });
      await noteSignedIn(web, req, { ...event, newDevice }, account);
      forgetSignedOut(req, res, web.site);
      await answerDone(web, req, res, { to: returnTo ?? `${web.site.base}/` });
    } catch (error) {
      await noteRefused(web, req, { ...event, ...aboutTry(error) }, error);
      if (!(error instanceof AppError) || error.code !== 'invalid_credentials' || wantsJson(req, web.site)) throw error;
      res.status(error.status);
      await showPage(req, res, { login: form.login, rememberMe, returnTo: returnTo ?? '', error: error.message });
    }
  };
}

function signOut(web: Web, flows: Flows): RequestHandler {
  return async (req: Request, res: Response) => {
    const { site } = web;
    const browser = findBrowserId(req, site);
    const account = req.user;
    if (browser !== undefined) {
      await flows.forget(browserHash(browser));
      await forgetPendingLinkOf(web.services.db, browserHash(browser));
    }
    await endSession(req);
    await noteSignedOut(web, req, account);
    res.clearCookie(sessionCookieName(site), cookieOptions(site));
    if (site.https) res.set('Clear-Site-Data', '"cache", "storage"');
    rememberSignedOut(res, site);
    await answerDone(web, req, res, { to: `${site.base}/users/sign_in` });
  };
}
