// The person's answer to an authorization request: a code, or a refusal, as the address the browser is sent to.
import { callbackUrl, errorUrl, judgeAuthorizeRequest, type AuthorizeRequest } from './authorize-request.ts';
import { getPerson, grantName, type Realm } from './realm.ts';
import type { Person } from './options.ts';
import { expandScopes } from './scopes.ts';

/** Remembers the grant and returns the callback with a fresh code. @see RFC 6749 section 4.1.2 */
export function allow(realm: Realm, person: Person, request: AuthorizeRequest): string {
  realm.grants.set(grantName(person.key, request.consumer.key), request.scopes);
  const { consumer, scopes, redirectUri, challenge } = request;
  const code = realm.codes.put(
    {
      consumer: consumer.key,
      person: person.key,
      scopes,
      ...(redirectUri === undefined ? {} : { redirectUri }),
      ...(challenge === undefined ? {} : { challenge }),
    },
    realm.switches.codeLifeSeconds * 1000,
  );
  return callbackUrl(request.callback, { code, state: request.state });
}

/** The callback with `error=access_denied`. @see RFC 6749 section 4.1.2.1 */
export function cancel(request: AuthorizeRequest): string {
  return errorUrl(request.callback, 'access_denied', 'The user denied access to the application', request.state);
}

/** Did this person allow the consumer at least these scopes before? */
export function isGranted(realm: Realm, person: Person, request: AuthorizeRequest): boolean {
  const granted = realm.grants.get(grantName(person.key, request.consumer.key));
  if (!realm.switches.rememberGrants || !granted) return false;
  const covered = expandScopes(granted);
  return request.scopes.every((scope) => covered.has(scope));
}

/**
 * Does without a browser what a person would do there: follows the authorization URL and decides.
 * Returns the callback URL the browser would be sent to.
 * @throws Error when Bitbucket would show an error page instead of asking.
 */
export function decide(realm: Realm, authorizeUrl: string, how: { as: string; decision?: 'allow' | 'cancel' }): string {
  const url = new URL(authorizeUrl);
  if (!url.href.startsWith(`${realm.urls.web}site/oauth2/authorize?`)) {
    throw new Error(`Not the authorization endpoint of this sandbox: ${authorizeUrl}`);
  }
  const person = getPerson(realm, how.as);
  const verdict = judgeAuthorizeRequest(realm, url.searchParams);
  if (verdict.kind === 'page') throw new Error(`Bitbucket would show "${verdict.title}": ${verdict.text}`);
  if (verdict.kind === 'redirect') return verdict.to;
  return how.decision === 'cancel' ? cancel(verdict.request) : allow(realm, person, verdict.request);
}
