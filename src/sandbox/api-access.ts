// Who calls the API and what they may: the credentials, their scopes, and the headers that tell about both.
import type { Request, RequestHandler, Response } from 'express';
import { sendMissingScope, sendUnauthorized } from './api-errors.ts';
import { byBearer, identifyApiCaller, type Caller, type Refusal } from './callers.ts';
import type { Person } from './options.ts';
import { findPerson, type Realm } from './realm.ts';
import { formOf, queryOf } from './requests.ts';
import { expandScopes } from './scopes.ts';

const CALLERS = new WeakMap<Request, Caller>();

/** Lets only calls pass whose token is alive and has all of these scopes. */
export function requireScopes(realm: Realm, ...required: string[]): RequestHandler {
  return checkScopes(realm, required, false);
}

/** The same, but lets calls without credentials pass as well: what is public is there for everybody. */
export function requireScopesOrNobody(realm: Realm, ...required: string[]): RequestHandler {
  return checkScopes(realm, required, true);
}

function checkScopes(realm: Realm, required: string[], isNobodyWelcome: boolean): RequestHandler {
  return (request, response, next) => {
    setAccessHeaders(response, required, undefined);
    const caller = identify(realm, request);
    if (caller === 'missing' && isNobodyWelcome) return next();
    if (typeof caller === 'string') return sendUnauthorized(response, caller);
    setAccessHeaders(response, required, caller);
    const held = expandScopes(caller.scopes);
    if (!required.every((scope) => held.has(scope))) return sendMissingScope(response, required, caller.scopes);
    CALLERS.set(request, caller);
    next();
  };
}

/** @throws Error on a route without `requireScopes`. */
export function getCaller(request: Request): Caller {
  const caller = CALLERS.get(request);
  if (!caller) throw new Error('This route does not ask for a token');
  return caller;
}

/** The caller that passed `requireScopesOrNobody`; undefined for nobody. */
export function findCallerOrNobody(request: Request): Caller | undefined {
  return CALLERS.get(request);
}

/** The person behind the token; undefined for a consumer that acts for itself, and for people removed since. */
export function findCaller(realm: Realm, request: Request): Person | undefined {
  return findPerson(realm, CALLERS.get(request)?.person ?? undefined);
}

/** Since CHANGE-3052 the header is the only place for a token; before, `access_token` in query or form did as well. */
export function identify(realm: Realm, request: Request): Caller | Refusal {
  const caller = identifyApiCaller(realm, request);
  if (caller !== 'missing' || realm.switches.oauth === 'new') return caller;
  const token = queryOf(request).get('access_token') ?? formOf(request).get('access_token');
  return token === null ? 'missing' : byBearer(realm, token);
}

function setAccessHeaders(response: Response, accepted: string[], caller: Caller | undefined): void {
  response.set('X-Accepted-OAuth-Scopes', accepted.join(', '));
  response.set('X-Credential-Type', caller?.type ?? 'unauthenticated_identity');
  if (caller) response.set('X-OAuth-Scopes', caller.scopes.join(', '));
}
