// A random id per browser, in a cookie of its own. It ties CSRF tokens and started sign-ins to the browser they were made
// in without a stored session: anonymous page views write nothing.
import { createHash, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { cookieOf } from './input.ts';
import type { Site } from './site.ts';
import { cookieName, cookieOptions } from './site.ts';

const FORM = /^[A-Za-z0-9_-]{22}$/;
const NAME = 'gatehouse-browser';

/** @returns the browser's id; a browser without one gets it with this answer */
export function browserId(req: Request, res: Response, site: Site): string {
  const known = findBrowserId(req, site);
  if (known !== undefined) return known;
  const id = randomBytes(16).toString('base64url');
  res.cookie(cookieName(site, NAME), id, cookieOptions(site));
  (req.cookies as Record<string, string>)[cookieName(site, NAME)] = id;
  return id;
}

export function findBrowserId(req: Request, site: Site): string | undefined {
  const id = cookieOf(req, cookieName(site, NAME));
  return id !== undefined && FORM.test(id) ? id : undefined;
}

/** What the database keeps instead of the id. */
export function browserHash(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}
