// The authorization endpoint: which requests are put to the person, and what the callback is told.
import { CALLBACK, authorizeUrl, startTestSandbox } from './start-test-sandbox.ts';

const sandbox = startTestSandbox();

const decide = (changes: Record<string, string | undefined>, decision: 'allow' | 'cancel' = 'allow') =>
  sandbox().decide(authorizeUrl(sandbox(), changes), { as: 'alice', decision });

it('returns a code and the very state to the callback', async () => {
  const callback = new URL(await decide({}));
  expect(callback.origin + callback.pathname).toBe(CALLBACK);
  expect(callback.searchParams.get('state')).toBe('st/a te&1');
  expect(callback.searchParams.get('code')).toMatch(/^[\w-]{16,}$/);
});

it('tells a cancelled consent with its state', async () => {
  const { searchParams } = new URL(await decide({}, 'cancel'));
  expect(searchParams.get('error')).toBe('access_denied');
  expect(searchParams.get('error_description')).toBeTruthy();
  expect(searchParams.get('state')).toBe('st/a te&1');
  expect(searchParams.has('code')).toBe(false);
});

it('uses the registered callback when none is sent', async () => {
  expect(await decide({ redirect_uri: undefined })).toMatch(new RegExp(`^${CALLBACK}\\?code=`));
});

it('accepts a redirect_uri that begins with the registered one', async () => {
  expect(await decide({ redirect_uri: `${CALLBACK}/callback?a=b` })).toContain('/callback?a=b&code=');
});

it.each([
  'http://localhost:3001/users/auth',
  'https://localhost:3000/users/auth',
  'http://127.0.0.1:3000/users/auth',
  'http://localhost:3000/users/',
  'http://LOCALHOST:3000/users/auth',
])('shows a page and redirects nowhere for redirect_uri %s', async (redirectUri) => {
  const response = await fetch(authorizeUrl(sandbox(), { redirect_uri: redirectUri }), { redirect: 'manual' });
  expect(response.status).toBe(400);
  expect(response.headers.get('location')).toBeNull();
  expect(await response.text()).toContain('<h1>Invalid redirect_uri</h1>');
  await expect(decide({ redirect_uri: redirectUri })).rejects.toThrow('Invalid redirect_uri');
});

it('answers a wrong redirect_uri with the status that is switched', async () => {
  sandbox().switches.badRedirectStatus = 200;
  const response = await fetch(authorizeUrl(sandbox(), { redirect_uri: 'http://evil.test/' }), { redirect: 'manual' });
  expect(response.status).toBe(200);
});

it('shows a page for an unknown consumer', async () => {
  const response = await fetch(authorizeUrl(sandbox(), { client_id: 'nobody' }), { redirect: 'manual' });
  expect([response.status, response.headers.get('location')]).toEqual([400, null]);
});

it('refuses every response_type but code', async () => {
  expect(await decide({ response_type: 'token' })).toContain('error=unsupported_response_type');
});

it('refuses more scopes than the consumer has, implied ones counted', async () => {
  expect(await decide({ scope: 'account repository' })).toContain('code=');
  expect(await decide({ scope: 'account repository:admin' })).toContain('error=invalid_scope');
  expect(await decide({ scope: 'account,email' })).toContain('error=invalid_scope');
});

it('cuts excess scopes down instead when switched', async () => {
  sandbox().switches.excessScope = 'intersect';
  expect(await decide({ scope: 'account repository:admin' })).toContain('code=');
});

it('decides nothing for an address that is not its own', async () => {
  await expect(sandbox().decide('https://bitbucket.org/site/oauth2/authorize?x=1', { as: 'alice' })).rejects.toThrow(
    'Not the authorization endpoint',
  );
  await expect(sandbox().decide(authorizeUrl(sandbox()), { as: 'mallory' })).rejects.toThrow('"mallory"');
});
