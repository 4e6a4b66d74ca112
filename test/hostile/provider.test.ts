// Bitbucket cannot be reached, is not who it says, is slow, or has another time: what people see of it, and what they do not.
import { CONSUMER, providerYaml } from '../support/provider.ts';
import {
  clickBitbucket,
  openBrowser,
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { freePort } from '../commands/run.ts';
import { authority, certificates, key } from '../bitbucket/certificates.ts';
import { selfSigned } from '../bitbucket/self-signed.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { setVariables } from '../support/environment-variables.ts';
import { until } from '../support/until.ts';
import { type TestApp } from '../support/start-app.ts';
import { listenTo } from './recorder.ts';

/** Comes back from Bitbucket with some code; our server then wants to talk to the provider of this configuration. */
async function comeBack(app: TestApp) {
  const browser = openBrowser(app);
  const state = new URL(await clickBitbucket(browser)).searchParams.get('state') ?? '';
  return {
    browser,
    answer: await browser.get(`/users/auth?${new URLSearchParams({ state, code: 'some-code' }).toString()}`),
  };
}

/** No label of a name may have more than 63 characters, so the lookup fails without asking anybody. */
const NO_NAME = `${'a'.repeat(64)}.invalid`;

test.each([
  ['a connection that is refused', 'http://127.0.0.1:<port>/', 'ECONNREFUSED'],
  ['a name none of whose addresses takes the connection', 'http://localhost:<port>/', 'ECONNREFUSED'],
  ['a name that cannot be looked up', `https://${NO_NAME}/`, '(ENOTFOUND|EAI_[A-Z]+)'],
])('%s: a page of ours with a way on, and the regular form works (PF-001)', async (_name, address, code) => {
  const { app, sandbox } = await startBoth();
  const url = address.replace('<port>', String(await freePort()));
  app.reconfigure(providerYaml(sandbox).replace(sandbox.url, url));
  const { browser, answer } = await comeBack(app);
  expect(answer.status).toBe(502);
  expect(answer.text).toMatch(/<a [^>]*href="\/users\/sign_in"/);
  expect(answer.text).not.toMatch(new RegExp(code));
  expect(app.log.join('\n')).toMatch(new RegExp(`no answer from ${new URL(url).host} \\(${code}\\)`));
  expect(await whoAmI(browser)).toBeNull();
  expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
});

test.each([
  ['signed by itself', selfSigned, /\(DEPTH_ZERO_SELF_SIGNED_CERT\)/],
  ['of an authority nobody knows', { key, cert: `${certificates.good}${authority}` }, /\(SELF_SIGNED_CERT_IN_CHAIN\)/],
])('a certificate %s: nothing is sent there, and the log says why (PF-003)', async (_name, tls, reason) => {
  const { app, sandbox } = await startBoth({ sandbox: { tls } });
  const { browser, answer } = await comeBack(app);
  expect(answer.status).toBe(502);
  expect(sandbox.requestsTo('token')).toEqual([]);
  expect(app.log.join('\n')).toMatch(reason);
  expect(answer.text).not.toMatch(/CERT/);
  expect(await whoAmI(browser)).toBeNull();
});

test('people beyond the cap on calls under way are told at once, and everything else goes on (PF-028)', async () => {
  const { app, sandbox } = await startBoth({ http: createHttp({ maxConnections: 3, deadlineMs: 60_000 }) });
  const ready = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const browser = openBrowser(app);
      return { browser, path: pathOf(await sandbox.decide(await clickBitbucket(browser), { as: 'alice' })) };
    }),
  );
  sandbox.fault('token', { kind: 'stall', at: 'headers' });
  let refused = 0;
  const waiting = ready.map(async ({ browser, path }) => {
    const answer = await browser.get(path).catch(() => undefined);
    if (answer?.status !== 503) return;
    expect(answer.headers['retry-after']).toBe('1');
    refused += 1;
  });
  await until(() => refused === 2);
  expect(sandbox.requestsTo('token')).toHaveLength(3);
  expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
  await app.stop();
  await Promise.all(waiting);
  expect(refused).toBe(2);
});

test('a proxy in the environment is not used, and its password is nowhere to be seen (PF-031)', async () => {
  const proxy = await listenTo(closeAtEnd);
  const url = proxy.url.replace('//', '//user:pr0xy-pw@');
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy'];
  closeAtEnd(setVariables(Object.fromEntries(names.map((name) => [name, url]))));
  const { app, sandbox } = await startBoth();
  expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
  await sandbox.close();
  const { answer } = await comeBack(app);
  expect(answer.status).toBe(502);
  expect(proxy.requests).toEqual([]);
  expect(`${answer.text}${app.log.join('\n')}`).not.toContain('pr0xy-pw');
});

test.each(['Fri, 26 Nov 2027 12:00:00 GMT', 'Tue, 26 Nov 2024 12:00:00 GMT', 'yesterday'])(
  'a Date of %s in its answers changes nothing (PF-033)',
  async (date) => {
    const { app, sandbox } = await startBoth();
    sandbox.fault('any', { kind: 'answer', headers: { Date: date, Age: '31536000', Expires: date } });
    const browser = openBrowser(app);
    expect((await signInWithBitbucket(browser, sandbox)).status).toBe(303);
    expect(await whoAmI(browser)).toBe('alice');
    expect(app.log.join('\n')).not.toContain(CONSUMER.secret);
  },
);
