// Who is asking, and whether they have just proved it: middleware for pages that need somebody.
import type { Request, RequestHandler } from 'express';
import type { Account } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { wantsJson } from '../web/answer.ts';
import { checkReturnTo } from '../web/return-to.ts';
import type { Web } from '../web/web.ts';
import { sessionInfo } from '../web/web.ts';

/** What changes how an account is entered, or what others may do, asks for a proof that is no older. */
const RECENT_MS = 15 * 60_000;

/** @returns the signed-in account. @throws AppError `unauthenticated` */
export function requireAccount(req: Request): Account {
  if (!req.user) throw new AppError('unauthenticated');
  return req.user;
}

/** Pages lead strangers to the sign-in page and back, where the address is one that sign-in leads to; scripts are told 401. */
export function requireUser(web: Web): RequestHandler {
  return (req, res, next) => {
    if (req.user) return next();
    if (wantsJson(req, web.site) || req.method !== 'GET') throw new AppError('unauthenticated');
    const back = checkReturnTo(req.originalUrl, web.site.base);
    const query = back === undefined ? '' : `?return_to=${encodeURIComponent(back)}`;
    res.redirect(303, `${web.site.base}/users/sign_in${query}`);
  };
}

/** For everybody else there is nothing at that address. */
export function requireAdmin(web: Web): RequestHandler {
  const user = requireUser(web);
  return (req, res, next) => {
    if (!req.user) return void user(req, res, next);
    if (req.user.admin !== 1) throw new AppError('not_found');
    next();
  };
}

/** Whether the person has proved lately to be there: by signing in, or on the page that asks for it. */
export function isRecent(req: Request, { services }: Web): boolean {
  const info = sessionInfo(req);
  return info !== undefined && services.now() - info.createdAt <= RECENT_MS;
}

/**
 * For changes of how an account is entered and of other people's rights. The page that asks for the proof leads back to
 * `page`, where the form is; what was typed is kept only where the page takes it from its query.
 */
export function requireRecentProof(web: Web, page: string | ((req: Request) => string)): RequestHandler {
  return (req, res, next) => {
    if (isRecent(req, web)) return next();
    if (wantsJson(req, web.site)) throw new AppError('not_recent');
    const back = `${web.site.base}${typeof page === 'string' ? page : page(req)}`;
    res.redirect(303, `${web.site.base}/users/confirm?return_to=${encodeURIComponent(back)}`);
  };
}
