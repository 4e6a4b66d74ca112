// Cross-site request forgery: every POST must come from a page of ours, in the same browser and the same session.
// Whoever asks by an access token has no session to misuse and does not get here (accounts/token-auth.ts).
import type { Request, RequestHandler, Response } from 'express';
import { doubleCsrf } from 'csrf-csrf';
import { AppError } from '../errors.ts';
import { browserId, findBrowserId } from './browser.ts';
import type { Site } from './site.ts';
import { cookieName, cookieOptions } from './site.ts';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface Csrf {
  /** Refuses a POST that does not come from a page of ours. */
  protect: RequestHandler;
  /** The token for this page's forms; sets the cookies it needs. */
  token(req: Request, res: Response): string;
}

export function createCsrf(site: Site, secrets: string[]): Csrf {
  const { validateRequest, generateCsrfToken } = doubleCsrf({
    getSecret: () => secrets,
    // Bound to the browser and to its session: a token from before sign-in or from another account's session is void.
    getSessionIdentifier: (req) =>
      `${findBrowserId(req, site) ?? ''}:${req.session.passport?.user ? req.sessionID : ''}`,
    cookieName: cookieName(site, 'gatehouse-csrf'),
    cookieOptions: cookieOptions(site),
    getCsrfTokenFromRequest: (req) => {
      const field = (req.body as Record<string, unknown> | undefined)?.['_csrf'];
      return typeof field === 'string' ? field : req.headers['x-csrf-token'];
    },
  });

  return {
    protect: (req, _res, next) => {
      if (READS.has(req.method)) return next();
      if (!isSameOrigin(req, site) || !validateRequest(req)) throw new AppError('csrf');
      next();
    },
    token: (req, res) => {
      browserId(req, res, site);
      return generateCsrfToken(req, res);
    },
  };
}

/**
 * Browsers say where a request comes from: Sec-Fetch-Site, older ones Origin. With neither (scripts) the token decides.
 * @see https://www.w3.org/TR/fetch-metadata/
 */
function isSameOrigin(req: Request, site: Site): boolean {
  const fetchSite = req.headers['sec-fetch-site'];
  if (fetchSite !== undefined) return fetchSite === 'same-origin';
  const { origin } = req.headers;
  return origin === undefined || origin === site.origin;
}
