// Signing in and out: every route of this feature in one table.
import type { Request, RequestHandler, Response, Router } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { browserHash, findBrowserId } from '../web/browser.ts';
import { wantsJson } from '../web/error-page.ts';
import { parseInput } from '../web/input.ts';
import { methodNotAllowed, refusePrefetch } from '../web/methods.ts';
import { checkReturnTo } from '../web/return-to.ts';
import { sessionCookieName } from '../web/session.ts';
import { cookieOptions } from '../web/site.ts';
import type { Web } from '../web/web.ts';
import { endSession, startSession } from '../web/web.ts';
import { finishDance, isTicked, startDance } from './dance.ts';
import { findDeviceCookie, rememberDevice } from './device-cookie.ts';
import { noteRefused, noteSignedIn, noteSignedOut } from './events.ts';
import type { Flows } from './flows.ts';
import { showHome, showUser } from './home.ts';
import { passwordSignIn } from './password-sign-in.ts';
import type { Providers } from './providers.ts';
import type { ShowSignInPage } from './sign-in-page.ts';
import { forgetSignedOut, rememberSignedOut, signInPage } from './sign-in-page.ts';

export interface Accounts {
  providers: Providers;
  flows: Flows;
}

export function accountRoutes(router: Router, web: Web, { providers, flows }: Accounts): void {
  router.get('/', showHome(web, providers));
  router.all('/', methodNotAllowed('GET'));

  router.get('/api/v4/user', showUser(web));
  router.all('/api/v4/user', methodNotAllowed('GET'));

  const showPage = signInPage(web, providers);
  router.get('/users/sign_in', showSignIn(web, showPage));
  router.post('/users/sign_in', signInWithPassword(web, showPage));
  router.all('/users/sign_in', methodNotAllowed('GET, POST'));

  // Before GET, which Express would let answer HEAD too: a HEAD request must not use up a code.
  router.head('/users/auth', methodNotAllowed('GET'));
  router.get('/users/auth', refusePrefetch, finishDance(web, providers, flows));
  router.all('/users/auth', methodNotAllowed('GET'));

  router.post('/users/auth/:provider', refusePrefetch, startDance(web, providers));
  router.all('/users/auth/:provider', (req) => {
    providers.get(req.params.provider);
    throw new AppError('method_not_allowed', { allow: 'POST' });
  });

  router.post('/users/sign_out', signOut(web, flows));
  router.all('/users/sign_out', methodNotAllowed('POST'));
}

/** Mounted before the CSRF check: with nobody signed in there is nothing to protect, and no error page to show. */
export function signedOutAlready({ site }: Web): RequestHandler {
  return (req, res, next) => {
    if (req.method !== 'POST' || req.user) return next();
    res.redirect(303, `${site.base}/users/sign_in`);
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
  return (req, res) => {
    if (req.user) return res.redirect(303, `${web.site.base}/`);
    showPage(req, res);
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
    if (!web.services.config().password_sign_in) throw new AppError('not_found');
    const form = parseInput(signInForm, req.body);
    const returnTo = checkReturnTo(form.return_to, web.site.base);
    const rememberMe = isTicked(form.remember_me);
    const event = { provider: 'password', startedAt: performance.now() };
    try {
      const deviceCookie = findDeviceCookie(req, web.site);
      const account = await passwordSignIn(web.services, web.limits, { ...form, address: req.ip, deviceCookie });
      await startSession(req, account, rememberMe);
      rememberDevice(req, res, web, account);
      noteSignedIn(web, req, event, account);
      forgetSignedOut(req, res, web.site);
      res.redirect(303, returnTo ?? `${web.site.base}/`);
    } catch (error) {
      noteRefused(web, req, event, error);
      if (!(error instanceof AppError) || error.code !== 'invalid_credentials' || wantsJson(req, web.site)) throw error;
      res.status(error.status);
      showPage(req, res, { login: form.login, rememberMe, returnTo: returnTo ?? '', error: error.message });
    }
  };
}

function signOut(web: Web, flows: Flows): RequestHandler {
  return async (req: Request, res: Response) => {
    const { site } = web;
    const browser = findBrowserId(req, site);
    const accountId = req.user?.id;
    if (browser !== undefined) await flows.forget(browserHash(browser));
    await endSession(req);
    noteSignedOut(web, req, accountId);
    res.clearCookie(sessionCookieName(site), cookieOptions(site));
    if (site.https) res.set('Clear-Site-Data', '"cache", "storage"');
    rememberSignedOut(res, site);
    res.redirect(303, `${site.base}/users/sign_in`);
  };
}
