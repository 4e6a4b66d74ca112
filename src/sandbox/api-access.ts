// Who calls the API and what they may: the bearer token, its scopes, and the headers that tell about both.
import type { Request, RequestHandler, Response } from 'express';
import { sendMissingScope, sendUnauthorized } from './api-errors.ts';
import type { Person } from './options.ts';
import { findPerson, type Realm } from './realm.ts';
import { formOf, queryOf } from './requests.ts';
import { expandScopes } from './scopes.ts';
import type { Grant } from './token-store.ts';

const CALLERS = new WeakMap<Request, Grant>();

/** Lets only calls pass whose token is alive and has all of these scopes. */
export function requireScopes(realm: Realm, ...required: string[]): RequestHandler {
  return (request, response, next) => {
    setAccessHeaders(response, required, undefined);
    const token = readToken(realm, request);
    if (token === undefined) return sendUnauthorized(response, 'missing');
    const found = realm.tokens.findAccess(token);
    if (!found) return sendUnauthorized(response, 'unknown');
    if (found.isExpired) return sendUnauthorized(response, 'expired');
    const { scopes } = found.grant;
    setAccessHeaders(response, required, scopes);
    const held = expandScopes(scopes);
    if (!required.every((scope) => held.has(scope))) return sendMissingScope(response, required, scopes);
    CALLERS.set(request, found.grant);
    next();
  };
}

/** @throws Error on a route without `requireScopes`. */
export function getCaller(request: Request): Grant {
  const grant = CALLERS.get(request);
  if (!grant) throw new Error('This route does not ask for a token');
  return grant;
}

/** The person behind the token; undefined for a consumer that acts for itself, and for people removed since. */
export function findCaller(realm: Realm, request: Request): Person | undefined {
  return findPerson(realm, getCaller(request).person ?? undefined);
}

/** Since CHANGE-3052 the header is the only place for a token; before, `access_token` in query or form did as well. */
function readToken(realm: Realm, request: Request): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined || realm.switches.oauth === 'new') return bearer;
  return queryOf(request).get('access_token') ?? formOf(request).get('access_token') ?? undefined;
}

function setAccessHeaders(response: Response, accepted: string[], granted: string[] | undefined): void {
  response.set('X-Accepted-OAuth-Scopes', accepted.join(', '));
  response.set('X-Credential-Type', granted ? 'oauth2' : 'unauthenticated_identity');
  if (granted) response.set('X-OAuth-Scopes', granted.join(', '));
}
