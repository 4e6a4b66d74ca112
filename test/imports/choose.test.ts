// Finding repositories in what can be imported: search, filters, order.
import type { RemoteRepository } from '../../src/bitbucket/remote-repository.ts';
import { choiceAddress, chooseQuery, narrowDown } from '../../src/imports/choose.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const DAY_MS = 86_400_000;

let count = 0;
function makeRepository(fullName: string, other: Partial<RemoteRepository> = {}): RemoteRepository {
  const [workspace = '', slug = ''] = fullName.split('/');
  count += 1;
  return {
    uuid: `{00000000-0000-4000-8000-${String(count).padStart(12, '0')}}`,
    fullName,
    workspace,
    slug,
    name: slug,
    description: '',
    isPrivate: true,
    mainBranch: 'main',
    parent: null,
    project: null,
    size: 0,
    url: null,
    cloneUrl: null,
    createdAt: null,
    updatedAt: NOW,
    ...other,
  };
}

const none = { imported: new Set<string>(), now: NOW };
const found = (repositories: RemoteRepository[], query: object, more = none) =>
  narrowDown(repositories, chooseQuery.parse(query), more).map(({ fullName }) => fullName);

test('every word of a search has to be in the name, in any case', () => {
  const all = [makeRepository('acme/web-shop'), makeRepository('acme/shop-api'), makeRepository('other/tools')];
  expect(found(all, { q: 'SHOP', sort: 'name' })).toEqual(['acme/shop-api', 'acme/web-shop']);
  expect(found(all, { q: 'acme web' })).toEqual(['acme/web-shop']);
  expect(found(all, { q: 'nothing' })).toEqual([]);
});

test('filters narrow down by workspace, project, visibility, fork, size, change and what is imported', () => {
  const mine = makeRepository('acme/one', { project: { key: 'P', name: 'Project' }, size: 500 });
  const fork = makeRepository('other/two', { parent: 'acme/one', isPrivate: false, size: 50_000_000 });
  const old = makeRepository('other/three', { updatedAt: NOW - 400 * DAY_MS, size: 200_000_000 });
  const all = [mine, fork, old];
  const cases: [object, string[]][] = [
    [{ workspace: 'acme' }, ['acme/one']],
    [{ project: 'P' }, ['acme/one']],
    [{ visibility: 'public' }, ['other/two']],
    [{ visibility: 'private', workspace: 'other' }, ['other/three']],
    [{ fork: 'yes' }, ['other/two']],
    [{ fork: 'no', workspace: 'other' }, ['other/three']],
    [{ size: 'small' }, ['acme/one']],
    [{ size: 'medium' }, ['other/two']],
    [{ size: 'large' }, ['other/three']],
    [{ changed: 'older' }, ['other/three']],
    [{ changed: 'year', sort: 'name' }, ['acme/one', 'other/two']],
  ];
  for (const [query, names] of cases) expect([query, found(all, query)]).toEqual([query, names]);
  const imported = new Set([mine.uuid]);
  expect(found(all, { imported: 'yes' }, { imported, now: NOW })).toEqual(['acme/one']);
  expect(found(all, { imported: 'no', sort: 'name' }, { imported, now: NOW })).toEqual(['other/three', 'other/two']);
});

test('a query that makes no sense is taken for none', () => {
  const all = [makeRepository('acme/one'), makeRepository('acme/two')];
  expect(
    found(all, { size: 'huge', changed: '1', fork: [], page: '-3', per_page: '9e9', sort: 'colour' }),
  ).toHaveLength(2);
});

test('the last changed come first; one that says nothing of it comes last', () => {
  const all = [
    makeRepository('a/unknown', { updatedAt: null }),
    makeRepository('a/old', { updatedAt: NOW - DAY_MS }),
    makeRepository('a/new', { updatedAt: NOW, size: 1 }),
  ];
  expect(found(all, {})).toEqual(['a/new', 'a/old', 'a/unknown']);
  expect(found(all, { sort: 'size' })[0]).toBe('a/new');
});

test('an address holds what differs from how the page opens', () => {
  expect(choiceAddress('/x', chooseQuery.parse({}))).toBe('/x');
  const asked = chooseQuery.parse({ q: 'a&b', workspace: 'acme', page: '2', sort: 'name', credential: '7' });
  const address = choiceAddress('/x', asked);
  expect(chooseQuery.parse(Object.fromEntries(new URLSearchParams(address.split('?')[1])))).toEqual(asked);
});
