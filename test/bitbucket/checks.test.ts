// The set-up checks, against the sandbox and against far ends of which Bitbucket's documents say nothing.
import { checkCallback, checkCredentials, checkReachable } from '../../src/bitbucket/checks.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { afterThisTest, json, startFarEnd } from './start-far-end.ts';

const callbackURL = 'http://localhost:3000/users/auth';

function makeHttp() {
  const http = createHttp({ deadlineMs: 2000 });
  afterThisTest(() => http.close());
  return http;
}

async function startSet() {
  const consumer = { key: 'key', secret: 'secret', permissions: ['account', 'email'], callbackUrl: callbackURL };
  const sandbox = await startSandbox({ consumers: [consumer] });
  afterThisTest(() => sandbox.close());
  return {
    sandbox,
    consumer: { clientID: 'key', clientSecret: 'secret', callbackURL, url: sandbox.url },
    http: makeHttp(),
  };
}

test('a right set-up passes all three', async () => {
  const { sandbox, consumer, http } = await startSet();
  expect(await checkReachable(sandbox, http)).toMatchObject({ ok: true });
  expect(await checkCredentials(consumer, http)).toMatchObject({ ok: true });
  expect(await checkCallback(consumer, http)).toMatchObject({ ok: true });
});

test.each([{ clientID: 'wrong' }, { clientSecret: 'wrong' }])('%j does not pass as credentials', async (wrong) => {
  const { consumer, http } = await startSet();
  const result = await checkCredentials({ ...consumer, ...wrong }, http);
  expect(result).toMatchObject({
    ok: false,
    words: 'Bitbucket does not accept the key or the secret of the OAuth consumer',
  });
});

test('a wrong key or callback does not pass as callback', async () => {
  const { consumer, http } = await startSet();
  const other = await checkCallback({ ...consumer, callbackURL: 'http://localhost:3001/users/auth' }, http);
  expect(other).toMatchObject({ ok: false, words: expect.stringContaining('does not begin with') as string });
  expect(await checkCallback({ ...consumer, clientID: 'wrong' }, http)).toMatchObject({ ok: false });
});

test('a consumer without callback URL is found by both', async () => {
  const { sandbox, consumer, http } = await startSet();
  delete sandbox.consumers[0]!.callbackUrl;
  const words = 'the OAuth consumer has no callback URL';
  expect(await checkCallback(consumer, http)).toMatchObject({ ok: false, words });
  expect(await checkCredentials(consumer, http)).toMatchObject({ ok: false, words });
});

test('an error page with status 200 is still an error page', async () => {
  const { sandbox, consumer, http } = await startSet();
  sandbox.switches.badRedirectStatus = 200;
  expect(await checkCallback({ ...consumer, callbackURL: 'https://elsewhere.example/' }, http)).toMatchObject({
    ok: false,
  });
});

test('a site that asks everybody to sign in first proves nothing about the callback', async () => {
  const { url } = await startFarEnd(json('', 302, { location: 'https://id.example/login' }));
  const consumer = { clientID: 'key', clientSecret: 'secret', callbackURL, url };
  expect(await checkCallback(consumer, makeHttp())).toMatchObject({ ok: 'unknown' });
});

test('a redirect back to us proves the callback', async () => {
  const { url } = await startFarEnd(json('', 302, { location: `${callbackURL}?error=invalid_scope` }));
  const consumer = { clientID: 'key', clientSecret: 'secret', callbackURL, url };
  expect(await checkCallback(consumer, makeHttp())).toMatchObject({ ok: true });
});

test.each([403, 429, 503])('status %i proves nothing about key, secret or callback', async (status) => {
  const { url } = await startFarEnd(json('<p>no</p>', status));
  const consumer = { clientID: 'key', clientSecret: 'secret', callbackURL, url };
  expect(await checkCallback(consumer, makeHttp())).toMatchObject({ ok: 'unknown' });
  expect(await checkCredentials(consumer, makeHttp())).toMatchObject({ ok: 'unknown' });
});

test('a far end that is away is told apart from one that is wrong', async () => {
  const url = 'http://127.0.0.1:9/';
  const consumer = { clientID: 'key', clientSecret: 'secret', callbackURL, url };
  expect(await checkReachable({ url }, makeHttp())).toMatchObject({
    ok: false,
    words: 'no answer from 127.0.0.1:9 (ECONNREFUSED)',
  });
  expect(await checkCredentials(consumer, makeHttp())).toMatchObject({ ok: false, mend: 'address' });
  expect(await checkCallback(consumer, makeHttp())).toMatchObject({ ok: 'unknown' });
});

test('something else that answers at the API is not called Bitbucket', async () => {
  const html = await startFarEnd(json('<p>hello</p>', 200, { 'content-type': 'text/html' }));
  const down = await startFarEnd(json({}, 503));
  expect(await checkReachable(html, makeHttp())).toMatchObject({ ok: 'unknown' });
  expect(await checkReachable(down, makeHttp())).toMatchObject({ ok: false });
});
