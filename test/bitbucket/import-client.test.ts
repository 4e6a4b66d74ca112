// Reading repositories and pull requests: pages, patience, and that no token leaves the API.
import { Api } from '../../src/bitbucket/api.ts';
import type { Page } from '../../src/bitbucket/api.ts';
import type { RemotePullRequest } from '../../src/bitbucket/remote-pull-request.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { ImportClient } from '../../src/bitbucket/import-client.ts';
import { afterThisTest, json, startFarEnd, type FarEnd } from './start-far-end.ts';

type Answer = (url: URL, base: string, count: number) => FarEnd['answer'];

/** @param answer is told how often the path was asked for before */
async function start(answer: Answer, { stopAt }: { stopAt?: AbortSignal } = {}) {
  const counts = new Map<string, number>();
  const farEnd: FarEnd = await startFarEnd((request, response) => {
    const url = new URL(request.url ?? '/', farEnd.url);
    const count = counts.get(url.pathname + url.search) ?? 0;
    counts.set(url.pathname + url.search, count + 1);
    answer(url, `${farEnd.url}api/2.0`, count)(request, response);
  });
  const http = createHttp({ deadlineMs: 2000 });
  afterThisTest(() => http.close());
  const pauses: number[] = [];
  const client = new ImportClient(
    new Api({
      url: farEnd.url,
      http,
      authorize: (work) => work('Bearer the-token'),
      signal: stopAt ?? new AbortController().signal,
      pause: async (ms) => void pauses.push(ms),
    }),
  );
  return { farEnd, client, pauses };
}

async function readAll<T>(pages: AsyncGenerator<{ items: T[] }>): Promise<T[]> {
  const all: T[] = [];
  for await (const { items } of pages) all.push(...items);
  return all;
}

const pullRequest = (id: number, more = {}) => ({ id, title: `Number ${id}`, state: 'OPEN', ...more });

test('pull requests of every state come in pages of fifty with only the fields that are read', async () => {
  const { client, farEnd } = await start((url, base) =>
    url.searchParams.has('page')
      ? json({ values: [pullRequest(3)], size: 3 })
      : json({
          values: [pullRequest(1), pullRequest(2)],
          size: 3,
          next: `${base}/repositories/acme/anvil/pullrequests?page=2`,
        }),
  );
  const pages = client.pagesOfPullRequests('acme/anvil');
  const first = (await pages.next()).value as Page<RemotePullRequest>;
  expect(first).toMatchObject({ size: 3, unreadable: [], next: '/repositories/acme/anvil/pullrequests?page=2' });
  expect((await readAll(pages)).map(({ number }) => number)).toEqual([3]);

  const query = new URL(farEnd.requests[0]!.path, farEnd.url).searchParams;
  expect(query.getAll('state')).toEqual(['OPEN', 'MERGED', 'DECLINED', 'SUPERSEDED']);
  expect(query.get('pagelen')).toBe('50');
  const fields = query.get('fields')!.split(',');
  expect(fields).toEqual(
    expect.arrayContaining(['next', 'size', 'values.reviewers.uuid', 'values.source.commit.hash']),
  );
  expect(fields.some((field) => field.includes('rendered') || field.includes('summary'))).toBe(false);
});

test('a list that refuses the length of its pages is read in those it likes, to its end; another 400 is an answer', async () => {
  const { client, farEnd } = await start((url, base) => {
    if (url.searchParams.has('q')) return json({}, 400);
    if (url.searchParams.has('pagelen')) return json({ error: { message: 'Invalid pagelen' } }, 400);
    const page = Number(url.searchParams.get('page') ?? 1);
    const next = page < 3 ? { next: `${base}/user/workspaces?page=${page + 1}` } : {};
    return json({ values: [{ workspace: { uuid: repository.uuid, slug: `ws-${page}` } }], ...next });
  });
  expect((await client.listWorkspaces()).map(({ slug }) => slug)).toEqual(['ws-1', 'ws-2', 'ws-3']);
  expect(farEnd.requests).toHaveLength(4);
  await expect(readAll(client.pagesOfPullRequests('acme/anvil', { since: 1 }))).rejects.toMatchObject({
    remoteStatus: 400,
  });
  expect(farEnd.requests).toHaveLength(6);
});

test('a list goes on from the address of the page where it stopped', async () => {
  const { client, farEnd } = await start(() => json({ values: [pullRequest(51)] }));
  await readAll(
    client.pagesOfPullRequests('acme/anvil', { from: '/repositories/acme/anvil/pullrequests?page=2&ctx=a' }),
  );
  expect(farEnd.requests.map(({ path }) => path)).toEqual([
    '/api/2.0/repositories/acme/anvil/pullrequests?page=2&ctx=a',
  ]);
});

test('pages that go round in a circle end (IR-016)', async () => {
  const { client, farEnd } = await start((url, base) =>
    json({ values: [], next: `${base}${url.pathname.slice(8)}?page=2` }),
  );
  await expect(readAll(client.pagesOfActivity('acme/anvil'))).rejects.toMatchObject({ permanent: true });
  expect(farEnd.requests).toHaveLength(2);
});

test('a list with far more entries than its size says ends (IR-016)', async () => {
  const { client, farEnd } = await start((url, base) => {
    const page = Number(url.searchParams.get('page') ?? 1);
    const values = Array.from({ length: 50 }, (_, n) => pullRequest(page * 100 + n));
    return json({ values, size: 60, next: `${base}/repositories/acme/anvil/pullrequests?page=${page + 1}` });
  });
  await expect(readAll(client.pagesOfPullRequests('acme/anvil'))).rejects.toMatchObject({ permanent: true });
  expect(farEnd.requests.length).toBeLessThan(15);
});

test('a next page behind "&" is found, and a full page without one does not end a list that should be longer (IR-016)', async () => {
  const fifty = Array.from({ length: 50 }, (_, n) => pullRequest(n + 1));
  const { client } = await start((url, base) => {
    const page = url.searchParams.get('page');
    if (page === '3') return json({ values: [pullRequest(101)], size: 101 });
    if (page === '2') return json({ values: fifty.map(({ id }) => pullRequest(id + 50)), size: 101 });
    return json({ values: fifty, size: 101, next: `${base}/repositories/acme/anvil/pullrequests&page=2&pagelen=50` });
  });
  const found = await readAll(client.pagesOfPullRequests('acme/anvil'));
  expect(new Set(found.map(({ number }) => number)).size).toBe(101);
});

test.each([
  ['of another host', (evil: string) => `${evil}api/2.0/repositories/x/y`],
  ['of a file', () => 'file:///etc/passwd'],
])('a next page %s is not asked for (IM-029)', async (_, next) => {
  const evil = await startFarEnd();
  const { client } = await start(() => json({ values: [], next: next(evil.url) }));
  await expect(readAll(client.pagesOfPullRequests('acme/anvil'))).rejects.toMatchObject({ reason: 'failed' });
  expect(evil.requests).toEqual([]);
});

test.each([
  ['status 502', json('bad gateway', 502)],
  ['a page in HTML', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Hi')],
  ['JSON that is cut off', json('{"uuid": "{7f5a3a6c')],
  ['a connection that is cut', (request) => request.socket.destroy()],
  ['another shape', json([])],
])('%s passes: the call is made again (IR-012)', async (_, fault) => {
  const { client, farEnd, pauses } = await start((_url, _base, count) => (count < 2 ? fault : json(repository)));
  await expect(client.getRepository('acme/anvil')).resolves.toMatchObject({ fullName: 'acme/anvil' });
  expect([farEnd.requests.length, pauses.length]).toEqual([3, 2]);
});

test('a call that fails six times has failed (IR-012)', async () => {
  const { client, farEnd } = await start(() => json({}, 500));
  await expect(client.getRepository('acme/anvil')).rejects.toMatchObject({ remoteStatus: 500 });
  expect(farEnd.requests).toHaveLength(6);
});

test.each([401, 403, 404])('status %i is an answer: nobody asks again', async (status) => {
  const { client, farEnd } = await start(() => json({}, status));
  await expect(client.getRepository('acme/anvil')).rejects.toMatchObject({ remoteStatus: status });
  expect(farEnd.requests).toHaveLength(1);
});

test('a missing permission is named', async () => {
  const detail = { required: ['repository:admin'], granted: ['account'] };
  const { client } = await start(() => json({ type: 'error', error: { message: 'no', detail } }, 403));
  await expect(client.listSettings('acme/anvil', 'branch_restrictions')).rejects.toMatchObject({
    reason: 'missing_scope',
    requiredScopes: ['repository:admin'],
  });
});

const repository = {
  uuid: '{7F5A3A6C-2b1d-4c8e-9f00-0123456789ab}',
  full_name: 'acme/anvil',
  name: 'The Anvil',
  is_private: true,
  mainbranch: { type: 'branch', name: 'main' },
  parent: null,
};

test('a diff is read from where it is made, and the token goes nowhere else', async () => {
  const evil = await startFarEnd();
  const { client, farEnd } = await start((url, base) => {
    if (url.pathname.endsWith('/pullrequests/1/diff'))
      return json('', 302, { location: `${base}/repositories/acme/anvil/diff/a..b` });
    if (url.pathname.endsWith('/pullrequests/2/diff')) return json('', 302, { location: `${evil.url}diff` });
    return (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end(Buffer.from([0x2b, 0xff]));
  });
  expect(await client.getDiff('acme/anvil', 1, 'diff')).toBe('+\uFFFD');
  expect(farEnd.requests.every(({ headers }) => headers.authorization === 'Bearer the-token')).toBe(true);
  await expect(client.getDiff('acme/anvil', 2, 'diff')).rejects.toMatchObject({ reason: 'failed' });
  expect(evil.requests).toEqual([]);
});

test('what is no name of a repository is not asked for', async () => {
  const { client, farEnd } = await start(() => json(repository));
  for (const name of [
    'acme',
    'acme/..',
    '../x',
    'acme/a b',
    'acme/-rf',
    'acme/.git',
    'a/b/c',
    'acme/x?y=1',
    '--help/x',
  ])
    await expect(client.getRepository(name)).rejects.toMatchObject({ permanent: true });
  expect(farEnd.requests).toEqual([]);
  await client.getRepository('acme/UPPER_x.v2');
  await client.getRepository('{7f5a3a6c-2b1d-4c8e-9f00-0123456789ab}');
  expect(farEnd.requests.map(({ path }) => path)).toEqual([
    '/api/2.0/repositories/acme/UPPER_x.v2',
    '/api/2.0/repositories/%7B%7D/%7B7f5a3a6c-2b1d-4c8e-9f00-0123456789ab%7D',
  ]);
});

test('who is asked to stop stops, also in the middle of an answer', async () => {
  const stop = new AbortController();
  const { client } = await start(() => () => setTimeout(() => stop.abort(new Error('stopped')), 20), {
    stopAt: stop.signal,
  });
  await expect(client.getRepository('acme/anvil')).rejects.toThrow('stopped');
});
