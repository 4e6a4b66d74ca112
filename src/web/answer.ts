// Pages for people, JSON for scripts: which of the two a request wants, and how what it has changed is answered.
import type { Request, RequestHandler, Response } from 'express';
import { AppError } from '../errors.ts';
import type { Notice } from './flash.ts';
import { tell } from './flash.ts';
import type { Site } from './site.ts';

declare module 'express-serve-static-core' {
  interface Request {
    /** It came with an access token: whatever it accepts, no browser shows the answer. */
    byScript?: true;
  }
}

/** Scripts, known by their token or by asking below /api/, for *.json or for `application/json`; all others get a page. */
export function wantsJson(req: Request, { base }: Site): boolean {
  if (req.byScript) return true;
  const path = pathOf(req);
  return path.startsWith(`${base}/api/`) || path.endsWith('.json') || req.accepts(['html', 'json']) === 'json';
}

/** The whole path as it was sent, whatever router handles it, without the query. */
export function pathOf(req: Request): string {
  return req.originalUrl.replace(/[?#].*$/s, '');
}

/** The paths of a page that is JSON as well; that with the ending first, which would be part of a name otherwise. */
export function withJson(path: string): string[] {
  return [`${path}.json`, path];
}

/** A page for people that is the same as data for scripts. */
export function pageOrData<P>(site: Site, page: RequestHandler<P>, data: RequestHandler<P>): RequestHandler<P> {
  return (req, res, next) => (wantsJson(req as Request, site) ? data : page)(req, res, next);
}

export interface Done {
  /** Where people are led: a whole path of ours. */
  to: string;
  /** What they read there, once. */
  say?: { title: string; text?: string | undefined; kind?: Notice['kind'] };
  /** What scripts get of it; 204 without anything. */
  json?: unknown;
}

/**
 * The answer to a change that was made: people are led on, scripts are told at once. To be called after the session has
 * got a new id, if it gets one.
 */
export async function answerDone(
  { site }: { site: Site },
  req: Request,
  res: Response,
  { to, say, json }: Done,
): Promise<void> {
  if (!wantsJson(req, site)) {
    if (say) await tell(req, say.title, say.text, say.kind);
    res.redirect(303, to);
  } else if (json === undefined) res.status(204).end();
  else res.json(json);
}

/**
 * The answer to a form that was not filled in right: people get it again with what is wrong, scripts the sentence.
 * @throws AppError `bad_request`
 */
export function refuseForm(
  { site }: { site: Site },
  req: Request,
  res: Response,
  { sentence, again }: { sentence: string; again: () => Promise<void> },
): Promise<void> {
  if (wantsJson(req, site)) throw new AppError('bad_request', { sentence });
  res.status(422);
  return again();
}
