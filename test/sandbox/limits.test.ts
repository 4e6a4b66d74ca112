// The hourly limit of the sandbox, credentials besides OAuth, and faults that strike by chance.
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { getApi, startTestSandbox } from './start-test-sandbox.ts';

const sandbox = startTestSandbox({ repositories: [makeSmallSample] });
const ANVIL = '/repositories/acme/anvil';

const fetchApi = (path: string, authorization?: string) =>
  fetch(`${sandbox().apiUrl}${path}`, authorization === undefined ? {} : { headers: { authorization } });
const bearer = (as = 'alice') => `Bearer ${sandbox().accessToken(as)}`;
const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

it('counts the calls of a person over all tokens and says how many are left', async () => {
  sandbox().switches.hourlyLimit = 10;
  await fetchApi(ANVIL, bearer());
  sandbox().advance(600);
  const { headers } = await fetchApi(ANVIL, bearer());
  expect(headers.get('x-ratelimit-limit')).toBe('10');
  expect(headers.get('x-ratelimit-remaining')).toBe('8');
  expect(headers.get('x-ratelimit-reset')).toBe('3000');
  expect(headers.get('x-ratelimit-nearlimit')).toBe('false');
  expect((await fetchApi(ANVIL, bearer('bob'))).headers.get('x-ratelimit-remaining')).toBe('9');
});

it('answers 429 in plain text when they are used up, until the hour is over', async () => {
  sandbox().switches.hourlyLimit = 3;
  for (let calls = 0; calls < 3; calls += 1) expect((await fetchApi(ANVIL, bearer())).status).toBe(200);
  const refused = await fetchApi(ANVIL, bearer());
  expect([refused.status, await refused.text()]).toEqual([429, 'Rate limit for this resource has been exceeded']);
  expect(refused.headers.get('content-type')).toContain('text/plain');
  expect(refused.headers.get('retry-after')).toBeNull();
  expect(
    sandbox()
      .requestsTo('repository')
      .map(({ status }) => status),
  ).toEqual([200, 200, 200, 429]);
  expect(refused.headers.get('x-ratelimit-nearlimit')).toBe('true');
  sandbox().switches.retryAfter = true;
  sandbox().switches.rateLimitHeaders = 'none';
  const again = await fetchApi(ANVIL, bearer());
  expect([again.headers.get('retry-after'), again.headers.get('x-ratelimit-reset')]).toEqual(['3600', null]);
  expect((await fetchApi('/user', bearer())).status).toBe(200);
  sandbox().advance(3600);
  expect((await fetchApi(ANVIL, bearer())).status).toBe(200);
});

it('gives callers without credentials sixty an hour', async () => {
  sandbox().repository('acme/anvil').isPrivate = false;
  const { headers } = await fetchApi(ANVIL);
  expect(headers.get('x-ratelimit-limit')).toBe('60, 60;w=3600');
  expect(headers.get('x-ratelimit-remaining')).toBe('59');
});

it('takes API tokens with the address of their owner, by Basic only', async () => {
  const token = sandbox().apiToken('alice', ['account', 'repository']);
  const response = await fetchApi('/user', basic('alice@example.test', token));
  expect(response.status).toBe(200);
  expect(response.headers.get('x-credential-type')).toBe('api_token');
  expect((await fetchApi(ANVIL, basic('alice@example.test', token))).status).toBe(200);
  expect((await fetchApi(`${ANVIL}/pullrequests`, basic('alice@example.test', token))).status).toBe(403);
  expect((await fetchApi('/user', basic('bob@example.test', token))).status).toBe(401);
  expect((await fetchApi('/user', `Bearer ${token}`)).status).toBe(401);
  sandbox().removeToken(token);
  expect((await fetchApi('/user', basic('alice@example.test', token))).status).toBe(401);
});

it('lets access tokens of a repository or workspace reach that one only, and be nobody', async () => {
  const repository = sandbox().placeToken('acme/anvil', ['pullrequest']);
  expect((await fetchApi(`${ANVIL}/pullrequests`, `Bearer ${repository}`)).status).toBe(200);
  expect((await fetchApi('/repositories/acme/empty-shelf', `Bearer ${repository}`)).status).toBe(404);
  const workspace = sandbox().placeToken('acme', ['account', 'repository']);
  expect((await fetchApi('/repositories/acme/empty-shelf', `Bearer ${workspace}`)).status).toBe(200);
  expect((await getApi(sandbox(), '/user', workspace)).body).toMatchObject({
    error: { message: 'Token is invalid, expired, or not supported for this endpoint.' },
  });
});

it('strikes by chance, in the same way for the same seed, and only where an import calls', async () => {
  const outcomes = async (): Promise<(number | string)[]> => {
    sandbox().randomFaults({ percent: 30, seed: 7 });
    const seen: (number | string)[] = [];
    for (let calls = 0; calls < 40; calls += 1) {
      const call = fetchApi(ANVIL, bearer()).then(async (response) => (await response.text(), response.status));
      seen.push(await call.catch(() => 'broken'));
    }
    sandbox().clearFaults();
    return seen;
  };
  const first = await outcomes();
  expect(await outcomes()).toEqual(first);
  const failed = first.filter((outcome) => outcome !== 200).length;
  expect(failed).toBeGreaterThan(4);
  expect(failed).toBeLessThan(22);
  sandbox().randomFaults({ percent: 100, seed: 1 });
  expect((await fetchApi('/user', bearer())).status).toBe(200);
});
