// What follows from external_url: origin, path prefix, whether cookies are Secure, and their names.
import type { CookieOptions } from 'express';
import { isLoopback } from '../config/fields.ts';
import type { Config } from '../config/schema.ts';

export interface Site {
  /** `https://git.example.com` */
  origin: string;
  /** `git.example.com`, `localhost:3000`: what a browser sends as Host. */
  host: string;
  /** Path prefix of every route: '' or '/gate'. */
  base: string;
  https: boolean;
  loopback: boolean;
  /** The one redirect_uri, built from configuration and never from a request's Host. */
  callbackUrl: string;
}

export function siteOf(config: Config): Site {
  const url = new URL(config.external_url);
  const base = url.pathname.replace(/\/$/, '');
  return {
    origin: url.origin,
    host: url.host,
    base,
    https: url.protocol === 'https:',
    loopback: isLoopback(url.hostname),
    callbackUrl: `${url.origin}${base}/users/auth`,
  };
}

/** The `__Host-` prefix binds a cookie to this very host and to https (RFC 6265bis); browsers refuse it on plain http. */
export function cookieName(site: Site, name: string): string {
  return site.https ? `__Host-${name}` : name;
}

/** Lax, not Strict: the way back from Bitbucket is a cross-site navigation and must bring the cookies along. */
export function cookieOptions(site: Site): CookieOptions & { sameSite: 'lax'; path: string } {
  return { httpOnly: true, sameSite: 'lax', path: '/', secure: site.https };
}
