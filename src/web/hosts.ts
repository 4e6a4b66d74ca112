// Only requests for our own host are served: a foreign Host header never reaches a page, a link or a cookie.
import type { RequestListener } from 'node:http';
import type { RequestHandler } from 'express';
import { isLoopback } from '../config/fields.ts';
import { AppError } from '../errors.ts';
import type { Site } from './site.ts';

/**
 * A path, or a whole address that some proxies send; never with a fragment.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
const TARGET = /^(https?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?(?=[/?]|$)|\/)[!"$-~]*$/i;
/** `OPTIONS *`: no path in particular. */
const NO_PATH = '*';

/**
 * Before Express: it hands what is no plain path to Node's old URL parser, which reads `/\a#` as `//a`, and prints what
 * it does not like on standard error, whatever secret may be in it. Such a target becomes none, and is refused below.
 */
export function plainTargets(listener: RequestListener): RequestListener {
  return (req, res) => {
    if (!TARGET.test(req.url ?? '')) req.url = NO_PATH;
    listener(req, res);
  };
}

/** Answers 421 for other hosts; on a development machine the other loopback names lead to the right one. */
export function requireHost(site: Site): RequestHandler {
  return (req, res, next) => {
    if (req.originalUrl === NO_PATH) throw new AppError('bad_request');
    if (!isOurTarget(req.originalUrl, site)) throw new AppError('misdirected');
    if (countHosts(req.rawHeaders) > 1) throw new AppError('bad_request');
    if (req.headers.host === site.host) return next();
    const host = normalize(req.headers.host, site);
    if (host.host === site.host) return next(); // in capitals, or with the port that goes without saying
    if (site.loopback && isLoopback(host.hostname) && /^(GET|HEAD)$/.test(req.method)) {
      return res.redirect(302, site.origin + safePath(req.originalUrl));
    }
    throw new AppError('misdirected');
  };
}

/** A whole address names the host by itself, whatever the Host header says. */
function isOurTarget(target: string, site: Site): boolean {
  const host = /^https?:\/\/([^/?]*)/i.exec(target)?.[1];
  return host === undefined || normalize(host, site).host === site.host;
}

/** Node keeps the first of two Host headers, and a proxy in front may have looked at the other one. */
function countHosts(rawHeaders: string[]): number {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host')
    .length;
}

/** @returns empty names for anything that is not exactly `name` or `name:port` */
function normalize(header: string | undefined, site: Site): { host: string; hostname: string } {
  const none = { host: '', hostname: '' };
  if (header === undefined || !/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.test(header)) return none;
  try {
    return new URL(`${site.https ? 'https' : 'http'}://${header}`);
  } catch {
    return none;
  }
}

/** The request target as a path; an absolute-form target (`GET http://other/`) keeps its path only. */
function safePath(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return path.startsWith('/') ? path : '/';
}
