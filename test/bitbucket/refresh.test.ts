// Renewing tokens: what is sent, and what each answer means for whoever keeps the grant.
import { BitbucketFailure } from '../../src/bitbucket/failure.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { TokenClient } from '../../src/bitbucket/token.ts';
import { tokenReply } from './replies.ts';
import { afterThisTest, json, startFarEnd, type FarEnd } from './start-far-end.ts';

async function refresh(answer: FarEnd['answer']) {
  const bitbucket = await startFarEnd(answer);
  const http = createHttp({ deadlineMs: 1500 });
  afterThisTest(() => http.close());
  const tokens = new TokenClient({ url: bitbucket.url, clientID: 'key', clientSecret: 's3cret', http });
  const result = await tokens.refresh('OLD-refresh').catch((error: unknown) => error);
  return { bitbucket, result };
}

test('the refresh token goes as a form, key and secret as HTTP Basic (RFC 6749 §6)', async () => {
  const { bitbucket, result } = await refresh(json({ ...tokenReply, refresh_token: 'NEW-refresh' }));
  expect(result).toMatchObject({ accessToken: tokenReply.access_token, refreshToken: 'NEW-refresh' });
  expect(bitbucket.requests).toHaveLength(1);
  const { path, headers, body } = bitbucket.requests[0]!;
  expect(path).toBe('/site/oauth2/access_token');
  expect(headers.authorization).toBe(`Basic ${Buffer.from('key:s3cret').toString('base64')}`);
  expect([...new URLSearchParams(body)]).toEqual([
    ['grant_type', 'refresh_token'],
    ['refresh_token', 'OLD-refresh'],
  ]);
});

test.each([
  ['none', { refresh_token: undefined }, 'OLD-refresh'],
  ['null', { refresh_token: null }, 'OLD-refresh'],
  ['the same', { refresh_token: 'OLD-refresh' }, 'OLD-refresh'],
  ['another one', { refresh_token: 'NEW-refresh' }, 'NEW-refresh'],
])('an answer with %s as refresh token: the right one is kept (PF-013)', async (_, change, refreshToken) => {
  expect((await refresh(json({ ...tokenReply, ...change }))).result).toMatchObject({ refreshToken });
});

test.each([
  ['scope', { scope: 'account email', scopes: undefined }],
  ['scopes', { scope: undefined, scopes: 'account email' }],
])('reads %s', async (_, change) => {
  expect((await refresh(json({ ...tokenReply, ...change }))).result).toMatchObject({ scopes: ['account', 'email'] });
});

const refusal = (error: string, error_description = 'SECRET words') => ({ error, error_description });

test.each([
  ['400 invalid_request', json(refusal('invalid_request', 'Invalid refresh_token'), 400), 'grant_lost'],
  ['400 invalid_grant', json(refusal('invalid_grant'), 400), 'grant_lost'],
  ['401 invalid_request', json(refusal('invalid_request'), 401), 'grant_lost'],
  ['401 invalid_grant', json(refusal('invalid_grant'), 401), 'grant_lost'],
  ['200 invalid_grant', json(refusal('invalid_grant'), 200), 'grant_lost'],
  ['a wrong secret', json(refusal('unauthorized_client'), 400), 'misconfigured'],
  ['401 without words', json({}, 401), 'misconfigured'],
  ['no callback', json(refusal('invalid_request', 'No callback uri defined for the client.'), 400), 'misconfigured'],
  ['500', json({}, 500), 'failed'],
  ['503 invalid_grant', json(refusal('invalid_grant'), 503), 'failed'],
  ['400 of another kind', json(refusal('server_error'), 400), 'failed'],
  ['429', json('slow down', 429), 'throttled'],
  ['429 invalid_grant', json(refusal('invalid_grant'), 429), 'throttled'],
  ['a page', json('<html>', 200, { 'content-type': 'text/html' }), 'failed'],
  ['no access token', json({ ...tokenReply, access_token: undefined }), 'failed'],
  ['silence', () => undefined, 'timeout'],
])('%s: %#', async (_, answer, reason) => {
  const { result } = await refresh(answer);
  expect(result).toBeInstanceOf(BitbucketFailure);
  expect(result).toMatchObject({ reason, endpoint: 'token' });
  expect(JSON.stringify([result, String(result)])).not.toMatch(/SECRET|OLD-refresh/);
});
