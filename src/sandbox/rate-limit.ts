// Bitbucket counts calls to the repositories family by the hour: 1,000 of one person, 60 of an address without credentials.
// https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/
import type { Request, RequestHandler, Response } from 'express';
import { identify } from './api-access.ts';
import type { Realm } from './realm.ts';

/** Calls of one caller since a moment. */
export interface CallWindow {
  startedAt: number;
  used: number;
}

export function limitCalls(realm: Realm): RequestHandler {
  return (request, response, next) => {
    const caller = identify(realm, request);
    // Credentials that are no good are refused later and count for nobody.
    if (caller === 'expired' || caller === 'unknown') return next();
    const isKnown = caller !== 'missing';
    const limit = isKnown ? realm.switches.hourlyLimit : realm.switches.anonymousHourlyLimit;
    if (limit === 0) return next();
    const window = openWindow(realm, isKnown ? caller.countedAs : `address ${addressOf(request)}`);
    const isOver = window.used >= limit;
    if (!isOver) window.used += 1;
    const secondsLeft = Math.max(1, Math.ceil((window.startedAt + windowMs(realm) - realm.now()) / 1000));
    tellLimits(realm, response, { limit, isKnown, remaining: limit - window.used, secondsLeft });
    if (!isOver) return next();
    if (realm.switches.retryAfter) response.set('Retry-After', String(secondsLeft));
    response.status(429).type('text/plain').send('Rate limit for this resource has been exceeded');
  };
}

function openWindow(realm: Realm, name: string): CallWindow {
  const known = realm.callWindows.get(name);
  if (known && known.startedAt + windowMs(realm) > realm.now()) return known;
  const window = { startedAt: realm.now(), used: 0 };
  realm.callWindows.set(name, window);
  return window;
}

interface Limits {
  limit: number;
  isKnown: boolean;
  remaining: number;
  /** `X-RateLimit-Reset` is a number of seconds and no point in time. */
  secondsLeft: number;
}

function tellLimits(realm: Realm, response: Response, { limit, isKnown, remaining, secondsLeft }: Limits): void {
  const { rateLimitHeaders, rateWindowSeconds } = realm.switches;
  if (rateLimitHeaders === 'none') return;
  response.set('X-RateLimit-Limit', isKnown ? String(limit) : `${limit}, ${limit};w=${rateWindowSeconds}`);
  if (isKnown) {
    response.set('X-RateLimit-Resource', 'api-repositories');
    response.set('X-RateLimit-NearLimit', String(remaining < limit / 5));
  }
  if (isKnown && rateLimitHeaders === 'near') return;
  response.set('X-RateLimit-Remaining', String(remaining));
  response.set('X-RateLimit-Reset', String(secondsLeft));
}

function windowMs(realm: Realm): number {
  return realm.switches.rateWindowSeconds * 1000;
}

function addressOf(request: Request): string {
  return request.socket.remoteAddress ?? '';
}
