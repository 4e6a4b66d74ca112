// What the web machinery offers to features.
import type { Request } from 'express';
import type passport from 'passport';
import type { Account } from '../db/tables.ts';
import type { Services } from '../services.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { RenderPage } from './page.ts';
import type { SessionInfo, SessionStore } from './session-store.ts';
import type { Site } from './site.ts';

/** Passport of one app; the module's own would be shared by all apps of a process. */
export type Passport = InstanceType<typeof passport.Passport>;

export interface Web {
  services: Services;
  site: Site;
  passport: Passport;
  render: RenderPage;
  limits: Limits;
  metrics: Metrics;
}

/** How a session begins. */
export interface NewSession {
  rememberMe: boolean;
  /** What was signed in with: `password`, a provider, or `link`. */
  provider: string;
}

/**
 * Starts the session of an account. Passport gives it a new id, so that an id planted before means nothing, and saves
 * it before this resolves: nobody is told "signed in" on the strength of a session that was never written.
 */
export function startSession(req: Request, account: Account, { rememberMe, provider }: NewSession): Promise<void> {
  req.rememberMe = rememberMe;
  req.newSession = { provider };
  return logIn(req, account);
}

/**
 * Gives the session of whoever is signed in a new id, after a change of what it may do or how it is proved.
 * @param proof that the person is there: from then on it counts as begun at that time
 * @throws AppError `unauthenticated` when the session was ended meanwhile
 */
export async function renewSession(req: Request, proof?: { provider: string; at: number }): Promise<void> {
  const info = sessionInfo(req);
  if (!req.user || !info) return;
  req.rememberMe = info.remembered;
  req.newSession = {
    provider: proof?.provider ?? info.provider,
    createdAt: proof?.at ?? info.createdAt,
    renews: true,
  };
  try {
    await logIn(req, req.user);
  } catch (error) {
    // No cookie for an id that leads nowhere: a request beside this one may have brought the browser a good one.
    Object.assign(req, { session: undefined, user: undefined });
    throw error;
  }
}

/** What is known of the session of this request; undefined for strangers and for requests with a token. */
export function sessionInfo(req: Request): SessionInfo | undefined {
  return req.session && (req.sessionStore as unknown as SessionStore).infoOf(req.session);
}

function logIn(req: Request, account: Account): Promise<void> {
  return new Promise((resolve, reject) => {
    req.logIn(account, (error: unknown) => (error ? reject(error) : resolve()));
  });
}

export function endSession(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.destroy((error: unknown) => (error ? reject(error) : resolve()));
  });
}

declare module 'express-serve-static-core' {
  interface Request {
    /** Whether the session about to start outlives the browser. */
    rememberMe?: boolean;
    /** What the store notes of the session about to start; `createdAt` when it replaces another one. */
    newSession?: { provider: string | null; createdAt?: number; renews?: true };
    /** The account has other rights than when this session was begun. */
    rightsChanged?: boolean;
  }
}
