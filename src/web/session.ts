// express-session with our store and cookie, and Passport's session on top.
import { sign, unsign } from 'cookie-signature';
import type { RequestHandler } from 'express';
import session from 'express-session';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Services } from '../services.ts';
import { DAY_MS, SessionStore } from './session-store.ts';
import { cookieOf } from './input.ts';
import { renewSession } from './web.ts';
import type { Site } from './site.ts';
import type { Passport } from './web.ts';
import { cookieName, cookieOptions } from './site.ts';

/** Who is signed in, and with which rights the session was begun. A number alone was written by version 0.1. */
export type SessionUser = number | { id: number; rights: string };

declare module 'express-session' {
  interface SessionData {
    passport?: { user?: SessionUser };
  }
}

/** Asked for by scripts of ours while nobody is there, perhaps: a page left open must not keep a session alive (SE-021). */
const BACKGROUND = /^\/(?:import\/[^/]+\/realtime_changes\.json|imports\/events)$/;

export function sessionCookieName(site: Site): string {
  return cookieName(site, 'gatehouse');
}

export function sessions(services: Services, site: Site, passport: Passport): RequestHandler[] {
  const { db, config, now, log, keys } = services;
  const cookie = cookieOptions(site);
  const remembered = () => ({ maxAge: config().session.remember_me_days * DAY_MS });
  return [
    onceOnly(
      log,
      session({
        name: sessionCookieName(site),
        secret: keys.sessionCookie,
        store: new SessionStore({ db, config, now, log, cookie }),
        // Without an age the cookie ends with the browser.
        cookie: (req) => ({ ...cookie, ...(req.rememberMe ? remembered() : {}) }),
        resave: false,
        saveUninitialized: false,
      }),
    ),
    // express-session goes on without a session when a store says it is away; then nobody may pass for a stranger.
    (req, _res, next) => {
      if (!req.session) throw new AppError('unavailable', { retryAfterSeconds: 5 });
      next();
    },
    async (req, _res, next) => {
      if (!BACKGROUND.test(req.path)) await (req.sessionStore as unknown as SessionStore).noteUse(req);
      next();
    },
    passport.session() as RequestHandler,
    renewOnNewRights,
    signAgain(site, keys.sessionCookie),
  ];
}

/**
 * Somebody was made administrator, or is none any more: a session id from before means nothing now. Not with a form that
 * is on its way: its token belongs to the old id. Which rights count is read anew at each request anyway.
 */
const renewOnNewRights: RequestHandler = async (req, _res, next) => {
  if (req.rightsChanged && req.method === 'GET') await renewSession(req);
  next();
};

/**
 * express-session tells of a write that failed at the end of a request by calling `next` a second time. The answer is
 * gone by then, and Express would take it for an error that nobody handled and cut the connection.
 */
function onceOnly(log: Log, middleware: RequestHandler): RequestHandler {
  return (req, res, next) => {
    let called = false;
    return middleware(req, res, (error?: unknown) => {
      if (called) return log.error({ err: error, request_id: req.id }, 'the session could not be written');
      called = true;
      next(error);
    });
  };
}

/** After a rotation of the key: a cookie that the old one signed is sent again, signed by the new one. */
function signAgain(site: Site, [newest = '', ...older]: string[]): RequestHandler {
  const name = sessionCookieName(site);
  return (req, res, next) => {
    const sent = cookieOf(req, name);
    if (older.length > 0 && req.user && sent !== undefined && unsign(sent.slice(2), newest) === false) {
      const { maxAge } = req.session.cookie;
      const options = { ...cookieOptions(site), ...(typeof maxAge === 'number' ? { maxAge } : {}) };
      res.cookie(name, `s:${sign(req.sessionID, newest)}`, options);
    }
    next();
  };
}
