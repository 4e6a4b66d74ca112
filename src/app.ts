// The web application: middleware in order, then one line per feature. Nothing listens here.
import type { RequestListener } from 'node:http';
import type { Express, Request } from 'express';
import express, { Router } from 'express';
import passportModule from 'passport';
import { Flows } from './accounts/flows.ts';
import { Providers } from './accounts/providers.ts';
import { adminRoutes } from './admin/routes.ts';
import { accountRoutes, keepAddressSecret, signedOutAlready } from './accounts/routes.ts';
import { signInLinkRoutes } from './accounts/sign-in-link-page.ts';
import { findAccount } from './accounts/store.ts';
import { authenticateByToken, forSessions } from './accounts/token-auth.ts';
import type { Account } from './db/tables.ts';
import { importing } from './imports/arrive.ts';
import { importRoutes, isForScripts } from './imports/routes.ts';
import { cloneRoutes } from './projects/clone.ts';
import { projectRoutes } from './projects/routes.ts';
import type { Services } from './services.ts';
import { loadAssets } from './web/assets.ts';
import { useClientAddress } from './web/client-address.ts';
import { createCsrf } from './web/csrf.ts';
import { errorPages, notFound } from './web/error-page.ts';
import { healthRoutes } from './web/health.ts';
import { plainTargets, requireHost } from './web/hosts.ts';
import { readBody, readCookies } from './web/input.ts';
import { Limits } from './web/limits.ts';
import { knownMethods } from './web/methods.ts';
import { createMetrics } from './web/metrics.ts';
import { pageRenderer, useViews } from './web/page.ts';
import { requestLog } from './web/request-log.ts';
import { securityHeaders } from './web/security-headers.ts';
import type { SessionUser } from './web/session.ts';
import { sessions } from './web/session.ts';
import type { Site } from './web/site.ts';
import { siteOf } from './web/site.ts';
import type { Passport, Web } from './web/web.ts';

/** What a server is given to answer requests with. */
export function createListener(services: Services): RequestListener {
  return plainTargets(createApp(services) as RequestListener);
}

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
  cloneRoutes(router, web);
  router.use(authenticateByToken(web, isForScripts));
  router.use(forSessions(sessions(services, site, passport)), readBody, noStore);
  router.use('/users/sign_out', signedOutAlready(web));
  // A script without token and cookie has nothing that could be misused: it is told to sign in.
  router.use(forSessions([(req, res, next) => (isStrangersCall(req) ? next() : csrf.protect(req, res, next))]));
  accountRoutes(router, web, { providers, flows, importing: importing(web, { flows, providers }) });
  signInLinkRoutes(router, web);
  importRoutes(router, web, { providers });
  projectRoutes(router, web, { providers });
  adminRoutes(router, web, { providers });
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
  passport.serializeUser((account, done) => done(null, { id: account.id, rights: rightsOf(account) }));
  passport.deserializeUser(
    (req: Request, stored: SessionUser, done: (error: unknown, account?: Account | false) => void) => {
      const { id, rights } = typeof stored === 'number' ? { id: stored, rights: undefined } : stored;
      // Asked at each request: a blocked or deleted person is out at once.
      findAccount(db, id).then((account) => {
        if (account?.state !== 'active') return done(null, false);
        req.rightsChanged = rights !== undefined && rights !== rightsOf(account);
        done(null, account);
      }, done);
    },
  );
  return passport;
}

/** What a session may do; when it differs from what the session was begun with, the session gets a new id. */
function rightsOf({ admin, external }: Account): string {
  return `${admin}${external}`;
}

function isStrangersCall({ path, user }: Request): boolean {
  return path.startsWith('/api/') && !user;
}

const noStore: express.RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'no-store');
  next();
};
