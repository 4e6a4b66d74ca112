// Methods: GET reads, POST changes, everything else is told so.
import type { RequestHandler } from 'express';
import { isPrefetch } from '../bitbucket/prefetch.ts';
import { AppError } from '../errors.ts';

const KNOWN = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Put last on a path: whatever got here used a method the path does not have. */
export function methodNotAllowed(allow: string): RequestHandler {
  return () => {
    throw new AppError('method_not_allowed', { allow });
  };
}

/** TRACE would echo cookies; methods nobody here knows are not passed on to routes. */
export const knownMethods: RequestHandler = (req, _res, next) => {
  if (!KNOWN.has(req.method)) throw new AppError('not_implemented');
  next();
};

/** Browsers may load links ahead of a click; loading one of these would use up a sign-in, or do work for nobody. */
export const refusePrefetch: RequestHandler = (req, res, next) => {
  if (!isPrefetch(req)) return next();
  res.status(503).set('Cache-Control', 'no-store').end();
};
