// Where people end up after signing in.
import { checkReturnTo } from '../../src/web/return-to.ts';
import { openBrowser, signInWithBitbucket, signInWithPassword, startBoth } from '../support/people.ts';

const OURS = [
  '/',
  '/projects/1#comments',
  '/search?q=https://evil.test',
  '/caf%C3%A9',
  '/projects/my%2Frepo',
  '/a-b_c~d.e',
  '/x?a=b&amp;c=d',
  '/userspace',
];

const THEIRS = [
  'https://evil.test/',
  'HTTPS:/evil.test',
  '//evil.test',
  '///evil.test',
  '/\\evil.test',
  '\\\\evil.test',
  '/\t/evil.test',
  '/\n/evil.test',
  ' //evil.test',
  '/.//evil.test',
  '/x/..//evil.test',
  '/./\\evil.test',
  '/a//evil.test',
  '/%2fevil.test',
  '/%2F%2Fevil.test',
  '/%5cevil.test',
  '/%09/evil.test',
  '/%0d%0aSet-Cookie:x=1',
  '/%',
  '/%c0%af/evil.test',
  'javascript:alert(1)',
  'data:text/html,x',
  'evil.test',
  '?return_to=//evil.test',
  '..',
  '',
  '/../x',
  '/%2e%2e/x',
  '/ü',
  '／／evil.test',
  '/<svg/onload=alert(1)>',
  `/${'a'.repeat(2048)}`,
  '/users/sign_in',
  '/users/sign_out',
  '/users/auth',
  '/users/auth?code=x&state=y',
  '/USERS/AUTH/bitbucket',
  '/%75sers/auth',
];

test.each(OURS)('%s is a page of ours and stays as it is', (wish) => {
  expect(checkReturnTo(wish, '')).toBe(wish);
});

test.each(THEIRS)('%j is refused', (wish) => {
  expect(checkReturnTo(wish, '')).toBeUndefined();
});

test.each([undefined, null, 1, ['/a'], { toString: () => '/a' }])('%p is no wish', (wish) => {
  expect(checkReturnTo(wish, '')).toBeUndefined();
});

test('below a path prefix only pages below it are ours', () => {
  expect(checkReturnTo('/gate', '/gate')).toBe('/gate');
  expect(checkReturnTo('/gate/x?y', '/gate')).toBe('/gate/x?y');
  for (const wish of ['/', '/other', '/gatekeeper', '/gate/users/auth', '/gate/../x']) {
    expect(checkReturnTo(wish, '/gate')).toBeUndefined();
  }
});

test('both ways in keep a good wish, also over a failure, and go home for a bad one (RD-001 to RD-003, RD-011)', async () => {
  const { app, sandbox } = await startBoth({ yaml: 'rate_limits: { password_per_minute: 0, oauth_per_minute: 0 }\n' });
  for (const [wish, place] of [
    ['/projects/1?x=y#z', '/projects/1?x=y#z'],
    ['//evil.test', '/'],
    ['/.//evil.test', '/'],
    ['/users/sign_out', '/'],
  ] as const) {
    const fields = { return_to: wish };
    const password = openBrowser(app);
    await signInWithPassword(password, 'root', 'wrong', fields);
    expect((await signInWithPassword(password, undefined, undefined, fields)).headers['location']).toBe(place);
    expect((await signInWithBitbucket(openBrowser(app), sandbox, 'alice', fields)).headers['location']).toBe(place);
  }
});

test('the wish in the query of the page is in both forms, escaped, or not at all', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  const good = await browser.get(`/users/sign_in?return_to=${encodeURIComponent('/a?b=c&d=e')}`);
  expect(good.text.match(/name="return_to" value="\/a\?b=c&amp;d=e"/g)).toHaveLength(2);
  for (const query of [
    'return_to=//evil.test',
    'return_to=/a&return_to=//evil.test',
    'return_to[0]=//evil.test',
    'return_to=%22%3E%3Cscript%3E',
  ]) {
    const { text, status } = await browser.get(`/users/sign_in?${query}`);
    expect(status).toBe(200);
    expect(text).not.toMatch(/evil\.test|<script>/);
  }
});
