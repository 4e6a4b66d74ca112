// Steps and what is missing, in words for the report.
import { itemInWords, stageInWords } from '../../src/imports/wording.ts';
import { reasonOf } from '../../src/imports/words.ts';
import { BitbucketFailure } from '../../src/bitbucket/failure.ts';

test.each([
  [{ status: 'pending', done: 0, total: null, skipped: 0 }, 'to come'],
  [{ status: 'running', done: 0, total: null, skipped: 0 }, 'under way, 0'],
  [{ status: 'running', done: 1200, total: 3400, skipped: 0 }, 'under way, 1,200 of 3,400'],
  [{ status: 'done', done: 30, total: 30, skipped: 0 }, 'done, 30'],
  [{ status: 'done', done: 171, total: null, skipped: 0 }, 'done, 171'],
  [{ status: 'done', done: 5, total: 7, skipped: 2 }, 'done, 5 of 7, 2 left out'],
] as const)('a step that is %j is "%s"', (stage, words) => {
  expect(stageInWords(stage)).toBe(words);
});

test.each([
  ['commits', '12', 'Commits of pull request #12'],
  ['activity', 'of no pull request', 'Approvals and changes of no pull request'],
  ['lfs_object', 'abc', 'Large file (LFS) abc'],
  ['some_thing', '1', 'Some thing 1'],
])('%s %s is "%s"', (kind, key, words) => {
  expect(itemInWords(kind, key)).toBe(words);
});

test('permissions that are missing are named, one or several', () => {
  const lacking = (...requiredScopes: string[]) =>
    reasonOf(new BitbucketFailure('missing_scope', 'settings', 'x', { remoteStatus: 403, requiredScopes }));
  expect(lacking('webhook')).toContain('The permission webhook is missing: tick it');
  expect(lacking('repository', 'repository:admin')).toContain(
    'The permissions repository and repository:admin are missing: tick them',
  );
});
