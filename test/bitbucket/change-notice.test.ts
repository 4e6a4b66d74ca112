// What Bitbucket says it takes away: read from headers and bodies, and nothing but numbers and dates of it is kept.
import { changeNoticeOf } from '../../src/bitbucket/change-notice.ts';
import { createHttp, type HttpReply } from '../../src/bitbucket/http.ts';
import { missingScopes } from '../../src/bitbucket/scopes.ts';
import { afterThisTest, json, startFarEnd } from './start-far-end.ts';

const reply = (change: Partial<HttpReply>): HttpReply => ({
  endpoint: 'workspaces',
  status: 200,
  headers: {},
  text: '{}',
  ...change,
});
const gone = JSON.stringify({ type: 'error', error: { message: 'CHANGE-3071 - Functionality has been deprecated' } });

test('an ordinary answer says nothing', () => {
  expect(changeNoticeOf(reply({}))).toBeUndefined();
  expect(changeNoticeOf(reply({ status: 500, text: gone }))).toBeUndefined();
  expect(changeNoticeOf(reply({ status: 401, text: '{"error":{"message":"Token is invalid"}}' }))).toBeUndefined();
  expect(changeNoticeOf(reply({ text: gone }))).toBeUndefined();
});

test.each([410, 401])('a %i that names a change is the end of what was asked for', (status) => {
  expect(changeNoticeOf(reply({ status, text: gone }))).toEqual({
    endpoint: 'workspaces',
    change: 'CHANGE-3071',
    gone: true,
    deprecatedAt: undefined,
    endsAt: undefined,
  });
});

test('a 410 without a word is one too', () => {
  expect(changeNoticeOf(reply({ status: 410, text: '<html>' }))).toMatchObject({ gone: true, change: undefined });
});

test.each([
  ['@1771545600', 'Fri, 21 Aug 2026 00:00:00 UTC', Date.UTC(2026, 1, 20), Date.UTC(2026, 7, 21)],
  ['Fri, 20 Feb 2026 00:00:00 GMT', 'Fri, 21 Aug 2026 00:00:00 GMT', Date.UTC(2026, 1, 20), Date.UTC(2026, 7, 21)],
  ['true', 'soon', undefined, undefined],
  ['@99999999999', '<script>', undefined, undefined],
  ['@-1', 'Fri, 21 Aug 9999 00:00:00 GMT', undefined, undefined],
  ['', '2026-08-21', undefined, undefined],
])('Deprecation: %s, Sunset: %s', (deprecation, sunset, deprecatedAt, endsAt) => {
  const link = '<https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-3071>; rel="deprecation"';
  expect(changeNoticeOf(reply({ headers: { deprecation, sunset, link } }))).toEqual({
    endpoint: 'workspaces',
    change: 'CHANGE-3071',
    gone: false,
    deprecatedAt,
    endsAt,
  });
});

test.each(['CHANGE-', 'CHANGE-1234567', 'change-3071', 'XCHANGE-1x', '"><script>CHANGE-<b>'])(
  'what is no number of a change is left out: %s',
  (text) => expect(changeNoticeOf(reply({ status: 410, text }))?.change).toBeUndefined(),
);

test('the HTTP client tells whoever wants to know, and goes on', async () => {
  const { url } = await startFarEnd(json(gone, 410));
  const told: unknown[] = [];
  const http = createHttp({ onChangeNotice: (notice) => told.push(notice) });
  afterThisTest(() => http.close());
  expect((await http.send({ endpoint: 'user', url })).status).toBe(410);
  expect(told).toMatchObject([{ endpoint: 'user', change: 'CHANGE-3071', gone: true }]);
});

test('scopes imply others, but less than their names promise', () => {
  expect(missingScopes(['account', 'email'], ['account:write', 'email'])).toEqual([]);
  expect(missingScopes(['repository', 'pullrequest', 'project'], ['pullrequest:write', 'project'])).toEqual([]);
  expect(missingScopes(['repository'], ['repository:admin'])).toEqual(['repository']);
  expect(missingScopes(['account', 'email'], [])).toEqual(['account', 'email']);
});
