// API 2.0: lists over several pages, and where the token may go.
import { BitbucketClient } from '../../src/bitbucket/client.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { emailReply, uuid } from './replies.ts';
import { afterThisTest, json, routes, startFarEnd, type FarEnd } from './start-far-end.ts';

const access = { workspace: { uuid, slug: 'team-one' }, administrator: true };

async function start(pages: (query: URLSearchParams, base: string) => unknown) {
  const farEnd: FarEnd = await startFarEnd((request, response) => {
    const url = new URL(request.url ?? '/', farEnd.url);
    json(pages(url.searchParams, `${farEnd.url}api/2.0`))(request, response);
  });
  const http = createHttp({ deadlineMs: 2000 });
  afterThisTest(() => http.close());
  return { farEnd, client: new BitbucketClient({ url: farEnd.url, http }) };
}

test('reads all pages, following next as Bitbucket writes it', async () => {
  const { client, farEnd } = await start((query, base) =>
    query.has('page')
      ? { values: [{ ...access, workspace: { uuid: uuid.toUpperCase(), slug: 'two' }, administrator: 'yes' }] }
      : { values: [access], next: `${base}/user/workspaces?page=k2&ctx=a%2Fb` },
  );

  expect(await client.listWorkspaces('the-token')).toEqual([
    { uuid, slug: 'team-one', administrator: true },
    { uuid, slug: 'two', administrator: false },
  ]);
  expect(farEnd.requests.map((request) => request.path)).toEqual([
    '/api/2.0/user/workspaces?pagelen=100',
    '/api/2.0/user/workspaces?page=k2&ctx=a%2Fb',
  ]);
  expect(farEnd.requests.every((request) => request.headers.authorization === 'Bearer the-token')).toBe(true);
});

test('where Bitbucket refuses pages of a hundred, it is asked for those it likes', async () => {
  const { url, requests } = await startFarEnd((request, response) =>
    request.url?.includes('pagelen')
      ? json({ type: 'error', error: { message: 'Invalid pagelen' } }, 400)(request, response)
      : json({ values: [access] })(request, response),
  );
  const http = createHttp();
  afterThisTest(() => http.close());
  expect(await new BitbucketClient({ url, http }).listWorkspaces('t')).toHaveLength(1);
  expect(requests.map(({ path }) => path)).toEqual([
    '/api/2.0/user/workspaces?pagelen=100',
    '/api/2.0/user/workspaces',
  ]);
});

test('an entry of another shape is no membership', async () => {
  const wrong = [null, 'x', {}, { workspace: { slug: 'team-one' } }, { workspace: { uuid: 'x', slug: 'team-one' } }];
  const { client } = await start(() => ({ values: [...wrong, access] }));
  expect(await client.listWorkspaces('t')).toHaveLength(1);
});

const elsewhere: [string, (base: string, evil: string) => string][] = [
  ['another host', (_, evil) => `${evil}api/2.0/user/emails?page=2`],
  ['our host as user name', (base, evil) => `${base.replace('/api/2.0', '')}@${new URL(evil).host}/api/2.0/x`],
  ['the same host outside the API', (base) => `${base}/../../admin`],
  ['the same host outside the API, encoded', (base) => `${base}/%2e%2e/%2e%2e/admin`],
  ['a path that only begins like the API', (base) => `${base}evil/user`],
  ['a file', () => 'file:///etc/passwd'],
  ['another scheme', (base) => base.replace('http:', 'https:') + '/user/emails'],
  ['a relative address', () => '/api/2.0/user/emails?page=2'],
];

test.each(elsewhere)('next that points to %s is not followed (BP-111)', async (_, next) => {
  const evil = await startFarEnd();
  const { client, farEnd } = await start((_query, base) => ({ values: [emailReply], next: next(base, evil.url) }));

  await expect(client.listEmails('the-token')).rejects.toMatchObject({ reason: 'failed', endpoint: 'emails' });
  expect([evil.requests.length, farEnd.requests.length]).toEqual([0, 1]);
});

test('pages that go round in a circle come to an end', async () => {
  const { client, farEnd } = await start((query, base) => ({
    values: [],
    next: `${base}/user/emails?page=${query.get('page') === '2' ? 3 : 2}`,
  }));
  await expect(client.listEmails('t')).rejects.toMatchObject({ detail: 'its pages go round in a circle' });
  expect(farEnd.requests).toHaveLength(3);
});

test('pages without end come to an end', async () => {
  let page = 1;
  const { client, farEnd } = await start((_, base) => ({
    values: [],
    next: `${base}/user/emails?page=${(page += 1)}`,
  }));
  await expect(client.listEmails('t')).rejects.toMatchObject({ detail: 'more than 20 pages' });
  expect(farEnd.requests).toHaveLength(20);
});

test('a 403 without a list of scopes names the one that opens the page', async () => {
  const { url } = await startFarEnd(routes({ '/api/2.0/user/workspaces': json('<h1>no</h1>', 403) }));
  const http = createHttp();
  afterThisTest(() => http.close());
  await expect(new BitbucketClient({ url, http }).listWorkspaces('t')).rejects.toMatchObject({
    reason: 'failed',
    remoteStatus: 403,
    requiredScopes: ['account'],
  });
});
