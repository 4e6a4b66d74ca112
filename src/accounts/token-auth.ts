// Who asks by an access token instead of a session. Such a request is the token's alone: no cookie is read or set, so
// there is nothing that another site could misuse and no form token to ask for.
import type { Request, RequestHandler, Response } from 'express';
import type { Account } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { addressKey } from '../web/limits.ts';
import type { Web } from '../web/web.ts';
import type { TokenScope } from './access-tokens.ts';
import { findAccessToken, isExpired, noteTokenUsed, TOKEN_PREFIX } from './access-tokens.ts';
import { requireAccount } from './presence.ts';
import { findAccount } from './store.ts';
import { isShutOut } from './ways-in.ts';

declare module 'express-serve-static-core' {
  interface Request {
    /** What the token of this request may do; undefined when it has none, as those of browsers. */
    tokenScopes?: ReadonlySet<string>;
    /** Whose token it is. It becomes `req.user` in `requireScope` only: a route that forgets to ask is closed to tokens. */
    tokenAccount?: Account;
  }
}

/**
 * Stands before the session. Of what is not ours, a token that a proxy adds for itself for example, nothing is taken but
 * below /api/, where nobody sends a token but to be known by it. A wrong one is refused and not passed over: whoever
 * sends it must not be taken for a stranger, or for whoever the cookies say.
 * @param besides other paths than those below /api/ that a token opens
 */
export function authenticateByToken(web: Web, besides: (path: string) => boolean): RequestHandler {
  return async (req, res, next) => {
    const isApi = req.path.startsWith('/api/');
    const [token, ...others] = tokensIn(req).filter((sent) => isApi || sent.startsWith(TOKEN_PREFIX));
    if (token === undefined) return next();
    req.byScript = true;
    // With two of them it would be a guess whose request it is.
    if (others.some((other) => other !== token)) throw await refuse(web, req, res, 'several');
    const { account, scopes } = await enter(web, req, res, token);
    // No token opens a page: it is right, so 401 would send its owner to look for a better one; there just is nothing.
    if (!isApi && !besides(req.path)) throw new AppError('not_found');
    req.tokenAccount = account;
    req.tokenScopes = scopes;
    next();
  };
}

/** `Authorization: Bearer …` (RFC 6750, section 2.1) and GitLab's header. `Basic` is git's alone, see below. */
function tokensIn({ headers }: Request): string[] {
  const bearer = /^bearer(?: +(.*))?$/i.exec(headers.authorization ?? '');
  const own = headers['private-token'];
  return [...(bearer ? [(bearer[1] ?? '').trim()] : []), ...[own ?? []].flat()];
}

async function enter(web: Web, req: Request, res: Response, sent: string) {
  const { db, now } = web.services;
  const token = await findAccessToken(db, sent);
  if (!token) throw await refuse(web, req, res, 'unknown');
  if (isExpired(token, now())) throw await refuse(web, req, res, 'expired');
  const account = await findAccount(db, token.account_id);
  if (account?.state !== 'active') throw await refuse(web, req, res, account?.state ?? 'unknown');
  // Asked at each use, so that one counts, too, that is made later, in a session of a one-time link.
  if (await isShutOut(web.services, account)) throw await refuse(web, req, res, 'not_member');
  await noteTokenUsed(web.services, token);
  return { account, scopes: new Set(token.scopes.split(' ')) };
}

/**
 * Only failures count, and only they are refused: nobody guesses 256 bits, so the limit keeps floods off, and a script
 * with an old token must not keep its whole office out.
 * @returns what to throw @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
async function refuse({ services, limits }: Web, req: Request, res: Response, reason: string): Promise<AppError> {
  const limit = {
    key: `token:${addressKey(req.ip)}`,
    max: services.config().rate_limits.password_per_minute,
    windowSeconds: 60,
  };
  await limits.check(limit); // reads, where `take` would write at each try of a flood
  await limits.take(limit);
  services.log.warn({ request_id: req.id, address: req.ip, reason }, 'access token refused');
  res.set('WWW-Authenticate', 'Bearer error="invalid_token"');
  return new AppError('invalid_token');
}

/** For routes that tokens open: whoever is signed in, or a token with one of these scopes. A session may do what its account may. */
export function requireScope(...scopes: [TokenScope, ...TokenScope[]]): RequestHandler {
  return (req, res, next) => {
    if (req.tokenScopes && !scopes.some((scope) => req.tokenScopes?.has(scope))) {
      res.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${scopes[0]}"`);
      throw new AppError('insufficient_scope');
    }
    req.user ??= req.tokenAccount;
    if (!req.user) res.set('WWW-Authenticate', 'Bearer');
    requireAccount(req);
    next();
  };
}

/**
 * For git, which knows passwords only: any user name, and a token with this scope as the password. A token as bearer is
 * taken as well, for those who give git a header. Who has none is asked for it, whatever the address names.
 */
export function requireTokenAsPassword(web: Web, scope: TokenScope): RequestHandler {
  return async (req, res, next) => {
    const [sent = passwordIn(req)] = tokensIn(req);
    // Set for a refusal, which is how git learns that it has to ask its user.
    res.set('WWW-Authenticate', GIT_CHALLENGE);
    if (sent === undefined) throw new AppError('unauthenticated');
    const { account, scopes } = await enter(web, req, res, sent).catch((error: unknown) => {
      res.set('WWW-Authenticate', GIT_CHALLENGE);
      throw error;
    });
    res.removeHeader('WWW-Authenticate');
    if (!scopes.has(scope)) throw new AppError('insufficient_scope');
    req.user = account;
    next();
  };
}

const GIT_CHALLENGE = 'Basic realm="Gatehouse: a personal access token as the password", charset="UTF-8"';

/** @see https://www.rfc-editor.org/rfc/rfc7617#section-2 */
function passwordIn({ headers }: Request): string | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(headers.authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}

/** What reads or guards a session: not for requests with a token. */
export function forSessions(handlers: RequestHandler[]): RequestHandler[] {
  return handlers.map((handler) => (req, res, next) => {
    if (req.tokenScopes) return next();
    return handler(req, res, next);
  });
}
