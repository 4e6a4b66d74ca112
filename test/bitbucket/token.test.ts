// The token endpoint: what it is sent, and everything it may answer. Numbers PF-… are provider faults.
import { Browser, key, makeApp, secret, type Outcome } from './start-app.ts';
import { emailsReply, tokenReply, userReply } from './replies.ts';
import { json, routes, startFarEnd, type FarEnd } from './start-far-end.ts';

let bitbucket: FarEnd;

/** A whole sign-in against a Bitbucket whose token endpoint answers like this. */
async function signIn(answer: FarEnd['answer'], code?: string): Promise<Outcome> {
  bitbucket = await startFarEnd(
    routes({
      '/site/oauth2/access_token': answer,
      '/api/2.0/user': json(userReply),
      '/api/2.0/user/emails': json(emailsReply),
    }),
  );
  return new Browser(makeApp({ url: bitbucket.url, httpOptions: { deadlineMs: 2000 } })).signIn(code);
}

const tokenCalls = () => bitbucket.requestsTo('/site/oauth2/access_token');
const userCalls = () => bitbucket.requestsTo('/api/2.0/user');

test('code, callback and verifier go as a form, key and secret as HTTP Basic (RFC 6749 §4.1.3, §2.3.1)', async () => {
  await signIn(json(tokenReply), 'a b&grant_type=x');

  expect(tokenCalls()).toHaveLength(1);
  const { method, path, headers, body } = tokenCalls()[0]!;
  expect([method, path]).toEqual(['POST', '/site/oauth2/access_token']);
  expect(headers).toMatchObject({
    'content-type': 'application/x-www-form-urlencoded',
    'accept-encoding': 'identity',
    authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
  });
  expect([...new URLSearchParams(body)]).toEqual([
    ['grant_type', 'authorization_code'],
    ['code', 'a b&grant_type=x'],
    ['redirect_uri', 'http://localhost:3000/users/auth'],
    ['code_verifier', expect.stringMatching(/^[\w.~-]{43,128}$/) as string],
  ]);
});

test('key and secret are form-encoded before they are put together', async () => {
  bitbucket = await startFarEnd(json(tokenReply));
  const app = makeApp({ url: bitbucket.url, clientID: 'k:e y', clientSecret: 's%ä' });
  await new Browser(app).signIn();
  const encoded = Buffer.from('k%3Ae+y:s%25%C3%A4').toString('base64');
  expect(tokenCalls()[0]?.headers.authorization).toBe(`Basic ${encoded}`);
});

test('the token travels in the Authorization header and in no address (PF-025)', async () => {
  const { user } = await signIn(json(tokenReply));

  expect(user).toMatchObject({ accessToken: tokenReply.access_token, refreshToken: 'REFRESH-token' });
  expect(userCalls()[0]?.headers.authorization).toBe(`Bearer ${tokenReply.access_token}`);
  expect(bitbucket.requests.map((request) => request.path).join()).not.toContain('TOKEN');
});

const acceptable: [string, object, object][] = [
  ['scope (after CHANGE-3052)', {}, { scope: 'account email', expires_in: 7200, token_type: 'bearer' }],
  ['scopes (before it)', { scope: undefined, scopes: 'account:write' }, { scope: 'account:write' }],
  ['neither: what was asked for', { scope: undefined }, { scope: 'account email' }],
  ['fewer scopes than asked for (PF-014)', { scope: 'account' }, { scope: 'account' }],
  ['token_type Bearer (PF-011)', { token_type: 'Bearer' }, { token_type: 'bearer' }],
  ['token_type BEARER (PF-011)', { token_type: 'BEARER' }, { token_type: 'bearer' }],
  ['expires_in as text (PF-012)', { expires_in: '7200' }, { expires_in: 7200 }],
  ['no expires_in (PF-012)', { expires_in: undefined }, { expires_in: 3600 }],
  ['expires_in null (PF-012)', { expires_in: null }, { expires_in: 3600 }],
  ['expires_in 0 (PF-012)', { expires_in: 0 }, { expires_in: 3600 }],
  ['expires_in negative (PF-012)', { expires_in: -1 }, { expires_in: 3600 }],
  ['expires_in beyond any timer (PF-012)', { expires_in: 1e12 }, { expires_in: 86_400 }],
  ['no refresh token (PF-013)', { refresh_token: undefined }, {}],
  ['a state of its own, which is not ours', { state: 'authorization_code' }, {}],
];

test.each(acceptable)('accepts %s', async (_, change, params) => {
  const outcome = await signIn(json({ ...tokenReply, ...change }));
  expect(outcome).toMatchObject({ action: 'success', user: { params } });
  expect(outcome.user?.profile.scopes.join(' ')).toBe(outcome.user?.params.scope);
});

const noToken: [string, FarEnd['answer']][] = [
  ...['null', '[]', '"x"', '42', 'true', '', '{}', '{"access_token"'].map((body): [string, FarEnd['answer']] => [
    `the body ${body || 'of nothing'} (PF-006)`,
    json(body),
  ]),
  ['a token in HTML (PF-007)', json('access_token=EVIL&token_type=bearer', 200, { 'content-type': 'text/html' })],
  ['JSON in HTML (PF-007)', json(tokenReply, 200, { 'content-type': 'text/html' })],
  ['a token in a redirect (PF-008)', json(tokenReply, 302, { location: 'http://127.0.0.1:9/' })],
  ['status 201', json(tokenReply, 201)],
  ...[{ a: 1 }, ['x'], 1, null, '', 'x'.repeat(100_000), 'a b', 'a\r\nb', 'ä'].map(
    (value): [string, FarEnd['answer']] => [
      `the token ${JSON.stringify(value).slice(0, 20)} (PF-010)`,
      json({ ...tokenReply, access_token: value }),
    ],
  ),
  ['token_type mac (PF-011)', json({ ...tokenReply, token_type: 'mac' })],
  ['no token_type (PF-011)', json({ ...tokenReply, token_type: undefined })],
  ['status 500 (PF-018)', json({ error: 'invalid_grant' }, 500)],
  ['status 502 in HTML', json('<h1>Bad gateway</h1>', 502, { 'content-type': 'text/html' })],
  ['an unknown error', json({ error: 'EVIL', error_description: 'EVIL' }, 400)],
  [
    'a body cut off (PF-005)',
    (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '99' });
      response.write('{', () => request.socket.end());
    },
  ],
  ['a reset connection', (request) => void request.socket.resetAndDestroy()],
];

test.each(noToken)('%s is no token: one call, no profile, failed', async (_, answer) => {
  const outcome = await signIn(answer);

  expect(outcome).toMatchObject({ action: 'error', status: 502, reason: 'failed' });
  expect(outcome.message).not.toMatch(/EVIL/);
  expect(tokenCalls()).toHaveLength(1);
  expect(userCalls()).toHaveLength(0);
});

const refused: [string, FarEnd['answer'], Partial<Outcome>][] = [
  [
    'invalid_grant (PF-015)',
    json({ error: 'invalid_grant', error_description: 'The specified code is not valid.' }, 400),
    { action: 'fail', status: 400, reason: 'code_refused' },
  ],
  [
    'an error with status 200 (PF-009)',
    json({ error: 'bad_verification_code' }),
    { action: 'fail', reason: 'code_refused' },
  ],
  ['invalid_client (PF-016)', json({ error: 'invalid_client' }, 401), { status: 502, reason: 'misconfigured' }],
  ['unauthorized_client', json({ error: 'unauthorized_client' }, 400), { status: 502, reason: 'misconfigured' }],
  ['401 without JSON', json('no', 401, { 'content-type': 'text/plain' }), { status: 502, reason: 'misconfigured' }],
  [
    'a consumer without callback',
    json({ error: 'invalid_request', error_description: 'No callback uri defined for the OAuth client.' }, 400),
    { status: 502, reason: 'misconfigured', detail: 'the OAuth consumer has no callback URL' },
  ],
  ...(
    [
      ['1', 1],
      ['999999', 3600],
      ['0', 1],
      ['soon', undefined],
      ['Fri, 01 Jan 2100 00:00:00 GMT', 3600],
      ['Sat, 01 Jan 2000 00:00:00 GMT', 1],
    ] as const
  ).map(([value, seconds]): [string, FarEnd['answer'], Partial<Outcome>] => [
    `429 with Retry-After ${value} (PF-017)`,
    json({ type: 'error' }, 429, { 'retry-after': value }),
    { action: 'error', status: 503, reason: 'throttled', ...(seconds && { retryAfterSeconds: seconds }) },
  ]),
];

test.each(refused)('%s says who must act, after one call', async (_, answer, expected) => {
  const outcome = await signIn(answer);
  expect(outcome).toMatchObject(expected);
  expect(JSON.stringify(outcome)).not.toContain(secret);
  expect(tokenCalls()).toHaveLength(1);
});

test('a stalled token endpoint ends at the deadline (PF-004)', async () => {
  const outcome = await signIn((_, response) => response.writeHead(200).flushHeaders());
  expect(outcome).toMatchObject({ action: 'error', status: 504, reason: 'timeout' });
});

test('one deadline covers token, user and addresses together', async () => {
  const slowly = (answer: FarEnd['answer']): FarEnd['answer'] => {
    return (request, response) => void setTimeout(() => answer(request, response), 200);
  };
  const table = {
    '/site/oauth2/access_token': slowly(json(tokenReply)),
    '/api/2.0/user': slowly(json(userReply)),
    '/api/2.0/user/emails': slowly(json(emailsReply)),
  };
  const { url } = await startFarEnd(routes(table));
  const outcome = await new Browser(makeApp({ url, deadlineMs: 500 })).signIn();
  expect(outcome).toMatchObject({ reason: 'timeout', detail: expect.stringContaining('in time') as string });
});
