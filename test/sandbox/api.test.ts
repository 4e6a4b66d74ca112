// API 2.0: who may read what, pages, and answers for everything that is not there.
import { basic, getApi, startTestSandbox } from './start-test-sandbox.ts';

const sandbox = startTestSandbox();
const get = (path: string, as = 'alice') => getApi(sandbox(), path, sandbox().accessToken(as));
type Page = { values: { workspace: { slug: string } }[]; next?: string };

it('tells who the person is, with and without trailing slash, at both addresses', async () => {
  for (const path of ['/user', '/user/', `${sandbox().url}2.0/user`]) {
    const { status, body, headers } = await get(path);
    expect(status).toBe(200);
    expect(body).toMatchObject({ type: 'user', username: 'alice', uuid: sandbox().person('alice').uuid });
    expect(headers.get('x-oauth-scopes')).toBe('account, email, pullrequest');
    expect(headers.get('x-accepted-oauth-scopes')).toBe('account');
    expect(headers.get('x-credential-type')).toBe('oauth2');
  }
});

it('keeps umlauts and emoji, and leaves out a username nobody has', async () => {
  const { body } = await get('/user', 'dan');
  expect(body).toMatchObject({ display_name: 'Dänïel Müller 🦊', nickname: 'Dänïel Müller 🦊' });
  expect(body).not.toHaveProperty('username');
});

it('lists e-mail addresses, unconfirmed ones included', async () => {
  const { body } = await get('/user/emails');
  expect(body['values']).toMatchObject([
    { email: 'alice@example.test', is_primary: true, is_confirmed: true },
    { email: 'alice.old@example.test', is_primary: false, is_confirmed: false },
  ]);
});

it('refuses a token that lacks the scope', async () => {
  const { status, body } = await getApi(sandbox(), '/user/emails', sandbox().accessToken('alice', ['account']));
  expect(status).toBe(403);
  expect(body).toEqual({
    type: 'error',
    error: {
      message: 'Your credentials lack one or more required privilege scopes.',
      detail: { required: ['email'], granted: ['account'] },
    },
  });
});

it('asks for credentials where there are none', async () => {
  const { status, headers } = await getApi(sandbox(), '/user');
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).toBe('Basic realm="Bitbucket.org HTTP"');
  expect(headers.get('x-credential-type')).toBe('unauthenticated_identity');
});

it('refuses expired and unknown tokens in their own words', async () => {
  const token = sandbox().accessToken('alice');
  sandbox().advance(7200);
  expect((await getApi(sandbox(), '/user', token)).body).toEqual({
    type: 'error',
    error: { message: 'Access token expired. Use your refresh token to obtain a new access token.' },
  });
  expect((await getApi(sandbox(), '/user', 'made-up')).body).toEqual({
    type: 'error',
    error: { message: 'Token is invalid, expired, or not supported for this endpoint.' },
  });
});

it('takes tokens only in the Authorization header since CHANGE-3052', async () => {
  const url = `/user?access_token=${encodeURIComponent(sandbox().accessToken('alice'))}`;
  expect((await getApi(sandbox(), url)).status).toBe(401);
  sandbox().switches.oauth = 'old';
  expect((await getApi(sandbox(), url)).status).toBe(200);
});

it('does not take the consumer credentials for a token', async () => {
  const response = await fetch(`${sandbox().apiUrl}/user`, { headers: basic() });
  expect(response.status).toBe(401);
});

it('lists workspaces in pages that lead to each other', async () => {
  const first = (await get('/user/workspaces', 'dan')).body as unknown as Page;
  expect(first).toMatchObject({ pagelen: 10, page: 1, size: 12 });
  expect(first.next).toBe(`${sandbox().apiUrl}/user/workspaces?page=2`);
  const second = (await get(String(first.next), 'dan')).body as unknown as Page;
  expect(second).not.toHaveProperty('next');
  const slugs = [...first.values, ...second.values].map(({ workspace }) => workspace.slug);
  expect(new Set(slugs).size).toBe(12);
});

it.each(['101', '0', '-1', 'many'])('refuses pagelen %s', async (pagelen) => {
  const { status, body } = await get(`/user/workspaces?pagelen=${pagelen}`);
  expect([status, body]).toEqual([400, { type: 'error', error: { message: 'Invalid pagelen' } }]);
});

it('filters and sorts workspaces by slug only', async () => {
  const slugsOf = async (query: string) =>
    ((await get(`/user/workspaces?${query}`)).body as unknown as Page).values.map(({ workspace }) => workspace.slug);
  expect(await slugsOf('sort=-slug')).toEqual(['open-garden', 'acme']);
  expect(await slugsOf('q=slug%3D%22acme%22')).toEqual(['acme']);
  expect(await slugsOf('administrator=true')).toEqual(['acme']);
  expect((await get('/user/workspaces?sort=workspace.slug')).status).toBe(400);
});

it('shows a workspace by slug or uuid, and hides private ones from people outside', async () => {
  const uuid = encodeURIComponent(sandbox().workspaces[0]?.uuid ?? '');
  expect((await get('/workspaces/acme')).body['name']).toBe('Acme Tools');
  expect((await get(`/workspaces/${uuid}`)).body['name']).toBe('Acme Tools');
  expect((await get('/workspaces/acme', 'carol')).status).toBe(404);
  expect((await get('/workspaces/open-garden', 'carol')).status).toBe(200);
  expect((await get('/workspaces/nowhere')).status).toBe(404);
});

it('tells what a person may do in a workspace', async () => {
  expect((await get('/user/workspaces/acme/permission')).body['permission']).toBe('owner');
  expect((await get('/user/workspaces/acme/permission', 'bob')).body['permission']).toBe('create-project');
  expect((await get('/user/workspaces/acme/permission', 'carol')).status).toBe(403);
});

it.each(['/workspaces', '/repositories', '/teams', '/teams/acme/members', '/user/permissions/workspaces'])(
  'says that %s was removed',
  async (path) => {
    const { status, body } = await get(path);
    expect(status).toBe(410);
    expect(body).toMatchObject({ error: { message: 'CHANGE-2770 - Functionality has been deprecated' } });
  },
);

it('says that issues were removed', async () => {
  expect((await get('/repositories/acme/anvil/issues/1')).body).toMatchObject({
    error: { data: { announcement_url: 'https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-3071' } },
  });
});

it('knows no other path', async () => {
  const { status, body } = await get('/users');
  expect(status).toBe(404);
  expect(body).toMatchObject({ type: 'error', error: { message: 'Resource not found' } });
});

it('changes people, memberships and answers while it runs', async () => {
  const alice = sandbox().person('alice');
  alice.username = 'alice-renamed';
  alice.memberships = [];
  expect((await get('/user')).body['username']).toBe('alice-renamed');
  expect((await get('/user/workspaces')).body['size']).toBe(0);
  sandbox().override('alice', {
    user: { json: null },
    emails: [{ json: { values: [] } }, { status: 403, text: '{}' }],
  });
  expect((await get('/user')).body).toBeNull();
  expect((await get('/user/emails')).body).toEqual({ values: [] });
  expect((await get('/user/emails?page=2')).status).toBe(403);
  expect((await get('/user', 'bob')).body['username']).toBe('bob_builder');
  sandbox().override('alice', {});
  expect((await get('/user')).body['username']).toBe('alice-renamed');
});
