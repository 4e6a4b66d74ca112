// The token endpoint: codes, refresh tokens and client credentials against access tokens (RFC 6749 sections 4.1.3, 4.4, 6).
import { createHash } from 'node:crypto';
import { Router } from 'express';
import { findAuthenticatedConsumer } from './client-credentials.ts';
import type { Consumer } from './options.ts';
import type { Code, Realm } from './realm.ts';
import { formOf } from './requests.ts';
import { reduceScopes } from './scopes.ts';
import type { Grant, IssuedTokens } from './token-store.ts';

type Answer = { status: number; body: Record<string, unknown> };
type Exchange = (realm: Realm, consumer: Consumer, form: URLSearchParams) => Answer;

const EXCHANGES: ReadonlyMap<string, Exchange> = new Map([
  ['authorization_code', exchangeCode],
  ['refresh_token', exchangeRefreshToken],
  ['client_credentials', exchangeClientCredentials],
]);

export function tokenRoutes(realm: Realm): Router {
  const router = Router();
  router.post('/site/oauth2/access_token', (request, response) => {
    const consumer = findAuthenticatedConsumer(realm, request);
    const { status, body } = answerTokenRequest(realm, consumer, formOf(request));
    response.status(status).set('Cache-Control', 'no-store').json(body);
  });
  return router;
}

/** Bodies as recorded from Bitbucket; it names an unsupported grant type as Python prints it. */
function answerTokenRequest(realm: Realm, consumer: Consumer | undefined, form: URLSearchParams): Answer {
  if (!consumer) {
    const description = 'Requests must be authenticated using OAuth client credentials';
    return refuse('unauthorized_client', description, realm.switches.unauthorizedClientStatus);
  }
  if (!consumer.callbackUrl) return refuse('invalid_request', 'No callback uri defined for the OAuth client.');
  const grantType = form.get('grant_type');
  const exchange = EXCHANGES.get(grantType ?? '');
  if (!exchange) return refuse('invalid_grant', `Unsupported grant type: ${grantType ?? 'None'}`);
  return exchange(realm, consumer, form);
}

function exchangeCode(realm: Realm, consumer: Consumer, form: URLSearchParams): Answer {
  const code = realm.codes.take(form.get('code'));
  if (
    !code ||
    code.consumer !== consumer.key ||
    !isSameRedirectUri(code, consumer, form) ||
    !isProven(realm, code, form)
  ) {
    return refuse('invalid_grant', 'The specified code is not valid.');
  }
  const grant: Grant = { consumer: consumer.key, person: code.person, scopes: code.scopes };
  return accept(realm, grant, realm.tokens.issue(grant), 'authorization_code');
}

function exchangeRefreshToken(realm: Realm, consumer: Consumer, form: URLSearchParams): Answer {
  const issued = realm.tokens.refresh(form.get('refresh_token') ?? '', consumer.key);
  if (!issued) return refuse(realm.switches.badRefreshError, 'Invalid refresh_token');
  return accept(realm, issued.grant, issued, 'refresh_token');
}

function exchangeClientCredentials(realm: Realm, consumer: Consumer): Answer {
  if (consumer.isPrivate === false) {
    return refuse(
      'invalid_grant',
      'Cannot use client_credentials with a consumer marked as "public". ' +
        'Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.',
    );
  }
  const grant: Grant = { consumer: consumer.key, person: null, scopes: reduceScopes(consumer.permissions) };
  return accept(realm, grant, realm.tokens.issue(grant), 'client_credentials');
}

/** The very value sent to authorize; where none was sent there, none or the registered one. */
function isSameRedirectUri(code: Code, consumer: Consumer, form: URLSearchParams): boolean {
  const sent = form.get('redirect_uri');
  if (code.redirectUri !== undefined) return sent === code.redirectUri;
  return sent === null || sent === consumer.callbackUrl;
}

/** @see RFC 7636 section 4.6 */
function isProven(realm: Realm, code: Code, form: URLSearchParams): boolean {
  if (realm.switches.pkce === 'ignored' || !code.challenge) return true;
  const verifier = form.get('code_verifier') ?? '';
  const { value, method } = code.challenge;
  if (method === 'plain') return verifier === value;
  return method === 'S256' && createHash('sha256').update(verifier).digest('base64url') === value;
}

/** `state` of the old answers is the name of the grant type and has nothing to do with the state of an authorization request. */
function accept(realm: Realm, grant: Grant, tokens: IssuedTokens, grantType: string): Answer {
  const scopes = grant.scopes.join(' ');
  const isNew = realm.switches.oauth === 'new';
  const body = {
    access_token: tokens.accessToken,
    ...(isNew ? { scope: scopes } : { scopes }),
    expires_in: realm.switches.expiresIn,
    token_type: isNew ? 'Bearer' : 'bearer',
    ...(isNew ? {} : { state: grantType }),
    ...(tokens.refreshToken === undefined ? {} : { refresh_token: tokens.refreshToken }),
  };
  return { status: 200, body };
}

function refuse(error: string, description: string, status = 400): Answer {
  return { status, body: { error_description: description, error } };
}
