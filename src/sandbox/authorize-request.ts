// What the authorization endpoint makes of a request, before anybody is asked anything.
import { findConsumer, type Realm } from './realm.ts';
import type { Consumer } from './options.ts';
import { expandScopes, reduceScopes } from './scopes.ts';

/** A request that may be put to the person. */
export interface AuthorizeRequest {
  consumer: Consumer;
  /** Where the answer goes. */
  callback: string;
  /** As sent; the token request must repeat it. */
  redirectUri?: string;
  scopes: string[];
  state?: string;
  challenge?: { value: string; method: string };
}

/** A page and no redirect, an error told to the callback, or a good request. */
export type Verdict =
  | { kind: 'page'; status: number; title: string; text: string }
  | { kind: 'redirect'; to: string }
  | { kind: 'good'; request: AuthorizeRequest };

/**
 * Judges the query of an authorization request. Without a known client and a callback that begins with the registered one
 * the browser is never sent on.
 * @see https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/ and RFC 6749 section 4.1.2.1
 */
export function judgeAuthorizeRequest(realm: Realm, query: URLSearchParams): Verdict {
  const consumer = findConsumer(realm, query.get('client_id'));
  if (!consumer) return page(400, 'Invalid client_id', 'No OAuth consumer has this key.');
  if (!consumer.callbackUrl) {
    return page(400, 'No callback URL', 'No callback uri defined for the OAuth client.');
  }
  const redirectUri = query.get('redirect_uri') || undefined;
  if (redirectUri !== undefined && !redirectUri.startsWith(consumer.callbackUrl)) {
    return page(
      realm.switches.badRedirectStatus,
      'Invalid redirect_uri',
      'This integration is misconfigured. Contact its vendor for assistance.',
    );
  }
  return judgeForCallback(realm, query, { consumer, redirectUri, callback: redirectUri ?? consumer.callbackUrl });
}

/** The rest of the judgement, once errors may be told to the callback. */
function judgeForCallback(
  realm: Realm,
  query: URLSearchParams,
  target: { consumer: Consumer; redirectUri: string | undefined; callback: string },
): Verdict {
  const { consumer, redirectUri, callback } = target;
  const state = query.get('state') ?? undefined;
  const refuse = (error: string, description: string): Verdict => ({
    kind: 'redirect',
    to: errorUrl(callback, error, description, state),
  });
  if (query.get('response_type') !== 'code') return refuse('unsupported_response_type', 'Only "code" is supported');
  const scopes = chooseScopes(realm, consumer, query.get('scope'));
  if (!scopes) return refuse('invalid_scope', 'The consumer does not have the requested permissions');
  const request: AuthorizeRequest = { consumer, callback, scopes };
  if (redirectUri !== undefined) request.redirectUri = redirectUri;
  if (state !== undefined) request.state = state;
  const challenge = query.get('code_challenge');
  if (challenge) request.challenge = { value: challenge, method: query.get('code_challenge_method') ?? 'plain' };
  return { kind: 'good', request };
}

/** The callback with the values added to its query. */
export function callbackUrl(callback: string, values: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, value);
  return `${callback}${callback.includes('?') ? '&' : '?'}${query.toString()}`;
}

export function errorUrl(callback: string, error: string, description: string, state: string | undefined): string {
  return callbackUrl(callback, { error, error_description: description, state });
}

/** Undefined when more is asked for than the consumer has. */
function chooseScopes(realm: Realm, consumer: Consumer, sent: string | null): string[] | undefined {
  const asked = (sent ?? '').split(' ').filter(Boolean);
  if (asked.length === 0 || realm.switches.scopeParameter === 'ignored') return reduceScopes(consumer.permissions);
  const allowed = expandScopes(consumer.permissions);
  if (realm.switches.excessScope === 'error' && !asked.every((scope) => allowed.has(scope))) return undefined;
  return reduceScopes(asked.filter((scope) => allowed.has(scope)));
}

function page(status: number, title: string, text: string): Verdict {
  return { kind: 'page', status, title, text };
}
