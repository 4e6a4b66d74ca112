// The web application: middleware in order, then one line per feature. Nothing listens here.
import type { Express } from 'express';
import express, { Router } from 'express';
import passportModule from 'passport';
import { Flows } from './accounts/flows.ts';
import { Providers } from './accounts/providers.ts';
import { accountRoutes, keepAddressSecret, signedOutAlready } from './accounts/routes.ts';
import { findAccount } from './accounts/store.ts';
import type { Services } from './services.ts';
import { loadAssets } from './web/assets.ts';
import { useClientAddress } from './web/client-address.ts';
import { createCsrf } from './web/csrf.ts';
import { errorPages, notFound } from './web/error-page.ts';
import { healthRoutes } from './web/health.ts';
import { requireHost } from './web/hosts.ts';
import { readBody, readCookies } from './web/input.ts';
import { Limits } from './web/limits.ts';
import { knownMethods } from './web/methods.ts';
import { createMetrics } from './web/metrics.ts';
import { pageRenderer, useViews } from './web/page.ts';
import { requestLog } from './web/request-log.ts';
import { securityHeaders } from './web/security-headers.ts';
import { sessions } from './web/session.ts';
import type { Site } from './web/site.ts';
import { siteOf } from './web/site.ts';
import type { Passport, Web } from './web/web.ts';

export function createApp(services: Services): Express {
  const { config, db, keys, log, now } = services;
  const site = siteOf(config());
  const passport = createPassport(services);
  const flows = new Flows(services);
  const providers = new Providers(services, site, flows, passport);
  const csrf = createCsrf(site, keys.csrf);
  const assets = loadAssets(site.base);
  const render = pageRenderer({ site, assets, csrf });
  const metrics = createMetrics(config);
  const web: Web = { services, site, passport, render, limits: new Limits(db, now), metrics };

  const router = Router({ strict: true, caseSensitive: true });
  healthRoutes(router, services);
  router.get('/-/metrics', metrics.serve);
  router.use(assets.serve); // for any host: the page that names the right one needs its stylesheet
  router.use(requireHost(site), knownMethods, readCookies);
  router.use('/users/auth', keepAddressSecret);
  router.use(sessions(services, site, passport), readBody, noStore);
  router.use('/users/sign_out', signedOutAlready(web));
  router.use(csrf.protect);
  accountRoutes(router, web, { providers, flows });
  router.use(notFound);

  const app = expressApp(site, config().trusted_proxies);
  app.use(requestLog(log, site), metrics.observe, securityHeaders(site, config));
  app.use(site.base === '' ? '/' : site.base, router);
  app.use(notFound, errorPages(services, site, render));
  return app;
}

function expressApp(site: Site, trustedProxies: string[]): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.enable('case sensitive routing').enable('strict routing');
  app.set('env', 'production'); // whatever NODE_ENV says: no stack in a page
  app.set('query parser', 'simple');
  // Only for the client's address. What X-Forwarded-Host and -Proto say is never used:
  app.set('trust proxy', trustedProxies);
  // whether we are on https is known from external_url, so a proxy that forgets a header cannot lose the cookie.
  Object.defineProperty(app.request, 'secure', { configurable: true, get: () => site.https });
  useClientAddress(app);
  useViews(app);
  return app;
}

/** One Passport per app, not the module's own: two apps in one process do not share strategies. */
function createPassport({ db }: Services): Passport {
  const passport = new passportModule.Passport();
  passport.serializeUser((account, done) => done(null, account.id));
  passport.deserializeUser((id: unknown, done) => {
    if (typeof id !== 'number') return done(null, false);
    // Asked at each request: a blocked or deleted person is out at once.
    findAccount(db, id).then((account) => done(null, account?.state === 'active' ? account : false), done);
  });
  return passport;
}

const noStore: express.RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'no-store');
  next();
};
