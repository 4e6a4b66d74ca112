// Repositories of the sandbox: who sees them, how lists of them are cut, chosen and told in part.
import { makeRepository } from '../../src/sandbox/repositories.ts';
import { manyRepositories } from '../../src/sandbox/sample-repositories.ts';
import { SAMPLE_CONTRIBUTORS, SAMPLE_PROJECTS } from '../../src/sandbox/sample-people.ts';
import { getApi, startTestSandbox, type Json } from './start-test-sandbox.ts';

const makeAcme = async () => [
  makeRepository({ workspace: 'acme', slug: 'anvil', dir: '/nowhere', project: 'TOOLS' }),
  makeRepository({ workspace: 'acme', slug: 'empty-shelf', dir: '/nowhere', mainBranch: null, size: 0 }),
];

const sandbox = startTestSandbox({
  repositories: [makeAcme, manyRepositories(24, ['amber-bakery', 'birch-optics'])],
  contributors: SAMPLE_CONTRIBUTORS,
  projects: SAMPLE_PROJECTS,
});
const SCOPES = ['account', 'repository', 'pullrequest', 'project'];
const get = (path: string, as = 'alice', scopes = SCOPES) => getApi(sandbox(), path, sandbox().accessToken(as, scopes));
const slugsOf = (body: Json) => (body['values'] as { slug: string }[]).map(({ slug }) => slug);

it('lists the repositories of a workspace, by slug or uuid, with next in uuids', async () => {
  const { body } = await get('/repositories/amber-bakery?pagelen=5', 'dan');
  expect(body).toMatchObject({ size: 12, page: 1, pagelen: 5 });
  const [workspace] = sandbox().workspaces.filter(({ slug }) => slug === 'amber-bakery');
  expect(body['next']).toBe(`${sandbox().apiUrl}/repositories/${encodeURIComponent(workspace!.uuid)}?pagelen=5&page=2`);
  const second = await get(String(body['next']), 'dan');
  expect(new Set([...slugsOf(body), ...slugsOf(second.body)]).size).toBe(10);
});

it('shows private repositories to members and to those who were let in, public ones to everybody', async () => {
  expect((await get('/repositories/acme/anvil')).status).toBe(200);
  expect((await get('/repositories/acme/anvil', 'carol')).status).toBe(404);
  expect((await getApi(sandbox(), '/repositories/acme/anvil')).status).toBe(404);
  const anvil = sandbox().repository('acme/anvil');
  anvil.permissions = { carol: 'read' };
  expect((await get('/repositories/acme/anvil', 'carol')).status).toBe(200);
  anvil.isPrivate = false;
  expect((await getApi(sandbox(), '/repositories/acme/anvil')).status).toBe(200);
});

it('lists by role', async () => {
  const anvil = sandbox().repository('acme/anvil');
  anvil.permissions = { bob: 'read' };
  anvil.isPrivate = false;
  const roles = async (as: string, role: string) => slugsOf((await get(`/repositories/acme?role=${role}`, as)).body);
  expect(await roles('alice', 'owner')).toEqual(['anvil', 'empty-shelf']);
  expect(await roles('bob', 'member')).toEqual(['anvil', 'empty-shelf']);
  expect(await roles('bob', 'contributor')).toEqual(['empty-shelf']);
  expect(await roles('bob', 'admin')).toEqual([]);
  expect(await roles('carol', 'member')).toEqual([]);
  expect(slugsOf((await get('/repositories/acme', 'carol')).body)).toEqual(['anvil']);
});

it('tells what the caller may do in each', async () => {
  const { body } = await get('/user/workspaces/acme/permissions/repositories', 'bob');
  expect(body['values']).toMatchObject([
    { permission: 'write', repository: { full_name: 'acme/anvil' } },
    { permission: 'write', repository: { full_name: 'acme/empty-shelf' } },
  ]);
});

it('finds a repository by uuids, also without naming the workspace', async () => {
  const id = encodeURIComponent(sandbox().repository('acme/anvil').uuid);
  const place = encodeURIComponent(sandbox().workspaces[0]!.uuid);
  for (const path of [`acme/${id}`, `${place}/anvil`, `%7B%7D/${id}`]) {
    expect((await get(`/repositories/${path}`)).body['full_name']).toBe('acme/anvil');
  }
  expect((await get('/repositories/%7B%7D/anvil')).status).toBe(404);
});

it('tells of an empty repository that it has no main branch', async () => {
  expect((await get('/repositories/acme/empty-shelf')).body).toMatchObject({ mainbranch: null, parent: null, size: 0 });
});

it('puts the name of the caller into the clone address', async () => {
  const { body } = await get('/repositories/acme/anvil');
  const { clone } = body['links'] as { clone: { href: string }[] };
  expect(clone[0]!.href).toBe(`http://alice@127.0.0.1:${sandbox().port}/acme/anvil.git`);
});

it.each([
  ['name ~ "shop"', ['shop', 'shop', 'shop-api', 'shop-api']],
  ['name="Shop" AND is_private = true', ['shop']],
  ['(slug = "mail" OR slug = "stock") AND size > 0', ['mail', 'stock', 'mail', 'stock']],
  ['slug IN ("mail", "photos")', ['mail', 'photos', 'mail', 'photos']],
  ['slug NOT IN ("mail") AND slug ~ "MAI"', []],
  ['parent.full_name !~ "atelier" AND slug != "shop" AND parent != null', []],
  ['updated_on > 2023-02-01 AND updated_on <= "2023-03-01T00:00:00+00:00"', ['shop']],
  ['mainbranch.name = null', []],
])('chooses by %s', async (q, expected) => {
  const found = await Promise.all(
    ['amber-bakery', 'birch-optics'].map((place) =>
      get(`/repositories/${place}?pagelen=100&q=${encodeURIComponent(q)}`, 'dan'),
    ),
  );
  expect(found.map(({ status }) => status)).toEqual([200, 200]);
  expect(found.flatMap(({ body }) => slugsOf(body)).sort()).toEqual([...expected].sort());
});

it.each(['slug =', 'slug = "x" AND', '(slug = "x"', 'slug LIKE "x"', '= "x"', 'slug = x', 'slug = "x" slug = "y"'])(
  'refuses the query %s',
  async (q) => {
    const { status, body } = await get(`/repositories/acme?q=${encodeURIComponent(q)}`);
    expect([status, (body['error'] as Json)['message']]).toEqual([400, 'Invalid query']);
  },
);

it('sorts by one field, either way', async () => {
  const sorted = async (sort: string) => slugsOf((await get(`/repositories/amber-bakery?sort=${sort}`, 'dan')).body);
  expect(await sorted('slug')).toEqual([...(await sorted('slug'))].sort());
  const newest = await sorted('-updated_on');
  expect(newest[0]).toBe((await sorted('updated_on&page=2')).at(-1));
  const { status, body } = await get('/repositories/amber-bakery?sort=colour', 'dan');
  expect([status, (body['error'] as Json)['message']]).toEqual([400, 'Invalid field name']);
});

it.each([
  ['values.slug', { values: [{ slug: 'anvil' }, { slug: 'empty-shelf' }] }],
  ['values.mainbranch.name,size', { size: 2, values: [{ mainbranch: { name: 'main' } }, { mainbranch: null }] }],
  ['values.links.*.name', { values: [{ links: { clone: [{ name: 'https' }, { name: 'ssh' }] } }, {}] }],
])('tells only %s', async (fields, expected) => {
  const { body } = await get(`/repositories/acme?fields=${encodeURIComponent(fields)}`);
  expect(body).toMatchObject(expected);
  expect(Object.keys(body).sort()).toEqual(Object.keys(expected).sort());
});

it('leaves out what fields takes away, in lists and in objects', async () => {
  const { body } = await get(`/repositories/acme/anvil?fields=${encodeURIComponent('-links,-owner.links')}`);
  expect(body).not.toHaveProperty('links');
  expect(body['owner']).not.toHaveProperty('links');
  expect(body['owner']).toHaveProperty('uuid');
});

it('lists the projects of a workspace for those with the scope', async () => {
  const { body } = await get('/workspaces/acme/projects');
  expect(body['values']).toMatchObject([{ key: 'TOOLS' }, { key: 'ODD', name: 'Odds & ends' }]);
  expect((await get('/workspaces/acme/projects', 'alice', ['account'])).body).toMatchObject({
    error: { detail: { required: ['project'], granted: ['account'] } },
  });
});

it('serves what a test puts in while it runs', async () => {
  sandbox().repositories.push(makeRepository({ workspace: 'acme', slug: 'new', dir: '/nowhere' }));
  expect(slugsOf((await get('/repositories/acme')).body)).toContain('new');
});
