// The token endpoint: exchanges, refreshes and refusals, before and after CHANGE-3052.
import {
  CALLBACK,
  CONSUMER,
  askForToken,
  basic,
  exchangeCode,
  getApi,
  getCode,
  startTestSandbox,
} from './start-test-sandbox.ts';

const sandbox = startTestSandbox();

const BAD_CODE = {
  status: 400,
  body: { error: 'invalid_grant', error_description: 'The specified code is not valid.' },
};
const codeForm = (code: string) => ({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK });

/** RFC 7636 appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

it('answers a code with long tokens and the key scope', async () => {
  const { status, body } = await exchangeCode(sandbox());
  expect(status).toBe(200);
  expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'refresh_token', 'scope', 'token_type']);
  expect(body).toMatchObject({ scope: 'account email', expires_in: 7200, token_type: 'Bearer' });
  expect(String(body['access_token'])).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{300,}$/);
  expect(String(body['access_token']).length).toBeGreaterThan(1900);
});

it('answered with short opaque tokens, scopes and the grant name before CHANGE-3052', async () => {
  sandbox().switches.oauth = 'old';
  const { body } = await exchangeCode(sandbox());
  expect(body).toMatchObject({ scopes: 'account email', token_type: 'bearer', state: 'authorization_code' });
  expect(body).not.toHaveProperty('scope');
  expect(String(body['access_token'])).toHaveLength(85);
});

it('takes a code once', async () => {
  const code = await getCode(sandbox());
  expect((await askForToken(sandbox(), codeForm(code))).status).toBe(200);
  expect(await askForToken(sandbox(), codeForm(code))).toEqual(BAD_CODE);
});

it('takes a code for ten minutes', async () => {
  const code = await getCode(sandbox());
  sandbox().advance(600);
  expect(await askForToken(sandbox(), codeForm(code))).toEqual(BAD_CODE);
});

it('takes a code only with the redirect_uri it was made for', async () => {
  const code = await getCode(sandbox());
  expect(await askForToken(sandbox(), { ...codeForm(code), redirect_uri: `${CALLBACK}/x` })).toEqual(BAD_CODE);
});

it('takes a code only from the consumer it was made for', async () => {
  sandbox().consumers.push({ ...CONSUMER, key: 'other', secret: 'other-secret' });
  const code = await getCode(sandbox());
  expect(await askForToken(sandbox(), codeForm(code), basic('other', 'other-secret'))).toEqual(BAD_CODE);
});

it('ignores PKCE unless told to verify it', async () => {
  const pkce = { code_challenge: CHALLENGE, code_challenge_method: 'S256' };
  const wrong = async () => ({ ...codeForm(await getCode(sandbox(), pkce)), code_verifier: 'wrong' });
  expect((await askForToken(sandbox(), await wrong())).status).toBe(200);
  sandbox().switches.pkce = 'verified';
  expect(await askForToken(sandbox(), await wrong())).toEqual(BAD_CODE);
  const right = { ...codeForm(await getCode(sandbox(), pkce)), code_verifier: VERIFIER };
  expect((await askForToken(sandbox(), right)).status).toBe(200);
});

it.each([
  ['without credentials', {}],
  ['with a wrong secret', basic(CONSUMER.key, 'wrong')],
  ['with an unknown key', basic('nobody')],
])('refuses a request %s', async (_how, headers) => {
  const expected = {
    error_description: 'Requests must be authenticated using OAuth client credentials',
    error: 'unauthorized_client',
  };
  const form = { grant_type: 'client_credentials', client_id: CONSUMER.key, client_secret: CONSUMER.secret };
  expect(await askForToken(sandbox(), form, headers)).toEqual({ status: 400, body: expected });
  sandbox().switches.unauthorizedClientStatus = 401;
  expect((await askForToken(sandbox(), form, headers)).status).toBe(401);
});

it('takes credentials from the form body when switched', async () => {
  sandbox().switches.bodyCredentials = true;
  const form = { grant_type: 'client_credentials', client_id: CONSUMER.key, client_secret: CONSUMER.secret };
  expect((await askForToken(sandbox(), form, {})).status).toBe(200);
});

it('does not read a JSON body', async () => {
  const response = await fetch(`${sandbox().url}site/oauth2/access_token`, {
    method: 'POST',
    headers: { ...basic(), 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'client_credentials' }),
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ error_description: 'Unsupported grant type: None', error: 'invalid_grant' });
});

it('gives client_credentials a token without refresh token that speaks for the application', async () => {
  const { body } = await askForToken(sandbox(), { grant_type: 'client_credentials' });
  expect(body).not.toHaveProperty('refresh_token');
  expect((await getApi(sandbox(), '/user', String(body['access_token']))).body['type']).toBe('app_user');
});

it('refuses client_credentials to a public consumer', async () => {
  Object.assign(sandbox().consumers[0] ?? {}, { isPrivate: false });
  const { status, body } = await askForToken(sandbox(), { grant_type: 'client_credentials' });
  expect([status, body['error']]).toEqual([400, 'invalid_grant']);
  expect(body['error_description']).toContain('"public"');
});

it('refuses a consumer without callback', async () => {
  delete sandbox().consumers[0]?.callbackUrl;
  expect(await askForToken(sandbox(), { grant_type: 'client_credentials' })).toEqual({
    status: 400,
    body: { error_description: 'No callback uri defined for the OAuth client.', error: 'invalid_request' },
  });
});

describe('refreshing', () => {
  const refresh = (token: unknown) =>
    askForToken(sandbox(), { grant_type: 'refresh_token', refresh_token: String(token) });

  it('hands out a new refresh token and lets the old one die ten minutes later', async () => {
    const old = (await exchangeCode(sandbox())).body['refresh_token'];
    const renewed = await refresh(old);
    expect(renewed.status).toBe(200);
    expect(renewed.body['refresh_token']).not.toBe(old);
    sandbox().advance(599);
    expect((await refresh(old)).status).toBe(200);
    sandbox().advance(1);
    expect(await refresh(old)).toEqual({
      status: 400,
      body: { error_description: 'Invalid refresh_token', error: 'invalid_request' },
    });
    expect((await refresh(renewed.body['refresh_token'])).status).toBe(200);
  });

  it('forgets a refresh token after three months without use', async () => {
    const token = (await exchangeCode(sandbox())).body['refresh_token'];
    sandbox().advance(90 * 24 * 3600);
    expect((await refresh(token)).status).toBe(400);
  });

  it('kept the refresh token before CHANGE-3052', async () => {
    sandbox().switches.oauth = 'old';
    const token = (await exchangeCode(sandbox())).body['refresh_token'];
    expect((await refresh(token)).body['refresh_token']).toBe(token);
  });

  it('is over once the person removed the grant', async () => {
    const token = (await exchangeCode(sandbox())).body['refresh_token'];
    sandbox().revoke('alice');
    expect((await refresh(token)).status).toBe(400);
  });
});

it('logs what arrived', async () => {
  await exchangeCode(sandbox(), { code_verifier: VERIFIER });
  const [request] = sandbox().requestsTo('token');
  expect(request).toMatchObject({
    method: 'POST',
    path: '/site/oauth2/access_token',
    headers: basic(),
    form: { grant_type: 'authorization_code', code_verifier: VERIFIER, redirect_uri: CALLBACK },
  });
});
