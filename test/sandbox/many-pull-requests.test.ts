// Repositories made for measuring: as many pull requests as asked for, the same ones each time.
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { getApi, startTestSandbox, type Json } from './start-test-sandbox.ts';

const sandbox = startTestSandbox({
  repositories: [manyPullRequests({ count: 120 }), manyPullRequests({ count: 120, fullName: 'acme/again' })],
});
const get = (path: string) => getApi(sandbox(), path, sandbox().accessToken('alice'));

it('makes pull requests in every state, two in five with comments', () => {
  const { pullRequests } = sandbox().repository('acme/many');
  const countOf = (wanted: string) => pullRequests.filter(({ state }) => state === wanted).length;
  expect(['MERGED', 'DECLINED', 'SUPERSEDED', 'OPEN'].map(countOf)).toEqual([90, 12, 6, 12]);
  const commented = pullRequests.filter(({ comments }) => comments.length > 0).length;
  expect(commented).toBeGreaterThan(36);
  expect(commented).toBeLessThan(60);
  const ids = pullRequests.flatMap(({ comments }) => comments.map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
});

it('makes the same ones each time', () => {
  const [once, again] = ['acme/many', 'acme/again'].map((name) => {
    const text = JSON.stringify(sandbox().repository(name).pullRequests);
    return text.replaceAll(name, 'acme/x');
  });
  expect(again).toBe(once);
});

it('has a diff of each, also of those that no branch reaches', async () => {
  for (const { id, state } of sandbox().repository('acme/many').pullRequests.slice(0, 20)) {
    const token = sandbox().accessToken('alice');
    const url = `${sandbox().apiUrl}/repositories/acme/many/pullrequests/${id}/diff`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect([state, response.status, await response.text()]).toEqual([
      state,
      200,
      expect.stringContaining('+as of change'),
    ]);
  }
});

it('lists all of them in pages, oldest first', async () => {
  const ids: unknown[] = [];
  let next: string | undefined =
    '/repositories/acme/many/pullrequests?state=ALL&sort=created_on&pagelen=50&fields=next,values.id';
  while (next !== undefined) {
    const { body }: { body: Json } = await get(next);
    ids.push(...(body['values'] as Json[]).map(({ id }) => id));
    next = body['next'] as string | undefined;
  }
  expect(ids).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
});
