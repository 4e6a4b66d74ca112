// Settings, downloads and images of repositories in the sandbox, and what Bitbucket took away.
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { SAMPLE_CONTRIBUTORS } from '../../src/sandbox/sample-people.ts';
import { getApi, startTestSandbox, type Json } from './start-test-sandbox.ts';

const sandbox = startTestSandbox({ repositories: [makeOddSample], contributors: SAMPLE_CONTRIBUTORS });
const ODD = '/repositories/acme/odd-parts';
const ALL = ['repository', 'repository:admin', 'pullrequest', 'webhook'];
const get = (path: string, as = 'alice', scopes = ALL) => getApi(sandbox(), path, sandbox().accessToken(as, scopes));
const valuesOf = (body: Json) => body['values'] as Json[];

it.each([
  ['branch-restrictions', 'repository:admin', 4],
  ['deploy-keys', 'repository:admin', 1],
  ['hooks', 'webhook', 1],
])('shows %s to administrators with the scope %s', async (path, scope, count) => {
  expect(valuesOf((await get(`${ODD}/${path}`)).body)).toHaveLength(count);
  const without = ALL.filter((held) => held !== scope);
  expect((await get(`${ODD}/${path}`, 'alice', without)).body).toMatchObject({
    error: { detail: { granted: without } },
  });
  expect((await get(`${ODD}/${path}`, 'bob')).status).toBe(403);
});

it('never tells the secret of a webhook', async () => {
  const [hook] = valuesOf((await get(`${ODD}/hooks`)).body);
  expect(hook).toMatchObject({ secret_set: true, subject: { full_name: 'acme/odd-parts' } });
  expect(hook).not.toHaveProperty('secret');
});

it('lists default reviewers as people, and as effective ones', async () => {
  expect(valuesOf((await get(`${ODD}/default-reviewers`, 'bob')).body)).toMatchObject([
    { nickname: 'bob' },
    { nickname: 'frieda' },
  ]);
  expect(valuesOf((await get(`${ODD}/effective-default-reviewers`)).body)[0]).toMatchObject({
    reviewer_type: 'repository',
    user: { nickname: 'bob' },
  });
});

describe('a download', () => {
  const path = `${ODD}/downloads/${encodeURIComponent('report "final" ü.txt')}`;
  const ask = () =>
    fetch(`${sandbox().apiUrl}${path}`, {
      headers: { authorization: `Bearer ${sandbox().accessToken('alice')}` },
      redirect: 'manual',
    });

  it('lies behind a redirect to another origin, once', async () => {
    expect(valuesOf((await get(`${ODD}/downloads`)).body)[0]).toMatchObject({ name: 'report "final" ü.txt', size: 19 });
    const response = await ask();
    const location = response.headers.get('location')!;
    expect(response.status).toBe(302);
    expect(location).toMatch(/^http:\/\/localhost:\d+\/storage\//);
    expect(await (await fetch(location)).text()).toBe('All parts are odd.\n');
    expect((await fetch(location)).status).toBe(403);
  });

  it('is refused to whoever shows the token there as well', async () => {
    const location = (await ask()).headers.get('location')!;
    const response = await fetch(location, { headers: { authorization: 'Bearer any' } });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('Only one auth mechanism')]);
  });
});

describe('an image', () => {
  const addresses = () => {
    const odd = sandbox().repository('acme/odd-parts');
    const name = '461711928-image.png';
    return [`repo/${odd.imageKey}/images/${name}`, `%7B%7D/${encodeURIComponent(odd.uuid)}/images/${name}`];
  };
  const fetchPage = (path: string, headers = {}) => fetch(`${sandbox().url}${path}`, { redirect: 'manual', headers });

  it('of a public repository is there at both addresses', async () => {
    sandbox().repository('acme/odd-parts').isPrivate = false;
    for (const address of addresses()) {
      const response = await fetchPage(address);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(50);
    }
    expect((await fetchPage(addresses()[0]!.replace('461711928', '1'))).status).toBe(404);
  });

  it('of a private repository leads to the sign-in page, also with a token', async () => {
    for (const headers of [{}, { authorization: `Bearer ${sandbox().accessToken('alice')}` }]) {
      const response = await fetchPage(addresses()[0]!, headers);
      expect([response.status, response.headers.get('location')]).toEqual([302, expect.stringContaining('/login?')]);
    }
  });
});

it.each(['issues', 'issues/1', 'wiki'])('says that %s were removed', async (path) => {
  const { status, body } = await get(`${ODD}/${path}`);
  expect([status, (body['error'] as Json)['message']]).toEqual([
    410,
    'CHANGE-3071 - Functionality has been deprecated',
  ]);
});
