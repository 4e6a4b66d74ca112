// The start: POST sends the browser to Bitbucket, with an address that only the host's configuration decides.
import { createHash } from 'node:crypto';
import request from 'supertest';
import { BitbucketStrategy } from '../../src/bitbucket/strategy.ts';
import type { StateStore } from '../../src/bitbucket/state-store.ts';
import { Browser, callbackURL, key, makeApp, secret, stateOf } from './start-app.ts';

/** A store that gives the state of the test's choice; for `verify` it always says what it says without a state. */
function fakeStore(give: (verifier: string, done: (error: unknown, handle?: string) => void) => void): StateStore {
  return {
    // eslint-disable-next-line max-params -- passport-oauth2's contract
    store: (_req, verifier = '', _state, _meta, done) => give(verifier, done),
    verify: (_req, _handle, _meta, done) => give('', (error) => done(error, false)),
  };
}

test('sends the browser to the authorization endpoint with state and PKCE S256 (CB-018)', async () => {
  const url = await new Browser(makeApp({})).start();

  expect(url.origin + url.pathname).toBe('https://bitbucket.org/site/oauth2/authorize');
  expect(Object.fromEntries(url.searchParams)).toEqual({
    response_type: 'code',
    client_id: key,
    redirect_uri: callbackURL,
    scope: 'account email',
    state: expect.stringMatching(/^[\w-]{43}$/) as string,
    code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
    code_challenge_method: 'S256',
  });
});

test('the challenge is made as in RFC 7636 appendix B, of the verifier that the store keeps', async () => {
  const kept: string[] = [];
  const store = fakeStore((verifier, done) => done(null, `state-${kept.push(verifier)}`));
  const s256 = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');
  expect(s256('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');

  const browser = new Browser(makeApp({ store }));
  const urls = [await browser.start(), await browser.start()];

  expect(urls.map((url) => url.searchParams.get('code_challenge'))).toEqual(kept.map(s256));
  expect(new Set(kept).size).toBe(2);
  expect(kept.every((verifier) => /^[\w.~-]{43,128}$/.test(verifier))).toBe(true);
});

test('without PKCE nothing of it is sent', async () => {
  const url = await new Browser(makeApp({ pkce: false })).start();
  expect([...url.searchParams.keys()].filter((name) => name.startsWith('code'))).toEqual([]);
});

test('nothing in the request changes where the browser is sent (CB-045, CB-046)', async () => {
  const fields = {
    redirect_uri: 'https://evil.example/',
    client_id: 'evil',
    scope: 'repository:admin',
    state: 'evil',
    response_type: 'token',
    code_challenge: 'evil',
    callbackURL: 'https://evil.example/',
  };
  const response = await request(makeApp({}))
    .post('/start?' + new URLSearchParams(fields).toString())
    .set({ host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' })
    .type('form')
    .send(fields)
    .expect(302);

  const location = response.headers['location'] as string;
  expect(location).not.toContain('evil');
  expect(new URL(location).searchParams.get('redirect_uri')).toBe(callbackURL);
});

test.each(['code', 'error'])('a POST that carries %s is no start and no callback (CB-051)', async (name) => {
  const browser = new Browser(makeApp({}));
  const state = stateOf(await browser.start());

  const inBody = await browser.send('post', '/users/auth', { [name]: 'x', state });
  const inQuery = await browser.send('post', `/users/auth?${name}=x&state=${state}`);

  expect([inBody.reason, inQuery.reason]).toEqual(['bad_callback', 'bad_callback']);
});

test.each(['put', 'delete'] as const)('%s is answered with 405 (CB-052)', async (method) => {
  const outcome = await new Browser(makeApp({})).send(method, '/start');
  expect(outcome).toMatchObject({ action: 'fail', status: 405, reason: 'bad_callback' });
});

test('the host chooses scopes and keeps data for one flow', async () => {
  const authenticate = { scope: ['account', 'repository'], state: { returnTo: '/projects' } };
  const url = await new Browser(makeApp({ authenticate })).start();
  expect(url.searchParams.get('scope')).toBe('account repository');
  expect(url.href).not.toContain('projects');
});

test('a state given as a string, which would replace the random one, is an error of the host', async () => {
  const outcome = await new Browser(makeApp({ authenticate: { state: 'fixed' } })).send('post', '/start');
  expect(outcome).toEqual({ action: 'error', message: 'options.state must be an object' });
});

test('a store that gives no state is an error, not a flow without one', async () => {
  const store = fakeStore((_verifier, done) => done(null));
  const outcome = await new Browser(makeApp({ store })).send('post', '/start');
  expect(outcome).toEqual({ action: 'error', message: 'the state store gave no usable state' });
});

test('an error of the store goes to the host as it is', async () => {
  const store = fakeStore((_verifier, done) => done(new Error('database away')));
  const browser = new Browser(makeApp({ store }));
  expect(await browser.send('post', '/start')).toEqual({ action: 'error', message: 'database away' });
  expect(await browser.finish('code=x&state=y')).toEqual({ action: 'error', message: 'database away' });
});

test.each([
  [{ clientID: '' }, 'clientID'],
  [{ clientSecret: '' }, 'clientSecret'],
  [{ callbackURL: '/users/auth' }, 'callbackURL'],
  [{ callbackURL: 'https://host.example/#x' }, 'callbackURL'],
  [{ url: 'http://bitbucket.org/' }, 'url'],
  [{ url: 'https://user:pass@bitbucket.org/' }, 'url'],
  [{ url: 'nonsense' }, 'url'],
  [{ apiUrl: 'http://api.bitbucket.org/2.0' }, 'apiUrl'],
])('the options %j are refused when the strategy is made', (wrong, name) => {
  const options = { clientID: key, clientSecret: secret, callbackURL, ...wrong };
  expect(() => new BitbucketStrategy(options, () => undefined)).toThrow(new RegExp(`^${name} `));
});

test('the secret is in no property of the strategy', () => {
  const strategy = new BitbucketStrategy({ clientID: key, clientSecret: secret, callbackURL }, () => undefined);
  expect(JSON.stringify(strategy)).not.toContain(secret);
});
