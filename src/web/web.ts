// What the web machinery offers to features.
import type { Request } from 'express';
import type passport from 'passport';
import type { Account } from '../db/tables.ts';
import type { Services } from '../services.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { RenderPage } from './page.ts';
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

/**
 * Starts the session of an account. Passport gives it a new id, so that an id planted before means nothing, and saves
 * it before this resolves: nobody is told "signed in" on the strength of a session that was never written.
 */
export function startSession(req: Request, account: Account, rememberMe: boolean): Promise<void> {
  req.rememberMe = rememberMe;
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
  }
}
