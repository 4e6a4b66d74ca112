// Everything that Bitbucket can do wrong, as a person sees it: an own page in time, no session, and a server that lives on.
import type { Fault, FaultTarget } from '../../src/sandbox/faults.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { openAs, openBrowser, signInWithBitbucket, signInWithPassword, startBoth, whoAmI } from '../support/people.ts';

/** Short only where it is what ends the sign-in: an answer that is awaited takes its time on a slow machine. */
async function startWithDeadline(status: number) {
  return startBoth({ http: createHttp({ deadlineMs: status === 504 ? 1000 : 60_000 }) });
}

const json = (value: unknown, status = 200): Fault => ({ kind: 'answer', status, json: value });

const tokenFaults: [string, Fault, number][] = [
  ['null', json(null), 502],
  ['a list', json([]), 502],
  ['a text', json('x'), 502],
  ['nothing of use', json({}), 502],
  ['an empty body', { kind: 'answer', status: 200, text: '' }, 502],
  ['HTML', { kind: 'html' }, 502],
  ['a form', { kind: 'form' }, 502],
  ['a redirect', { kind: 'redirect', to: 'http://127.0.0.1:9/' }, 502],
  ['an error with 200', json({ error: 'bad_verification_code' }), 400],
  ['a token that is a number', { kind: 'change', json: { access_token: 42 } }, 502],
  ['a token with a line break', { kind: 'change', json: { access_token: 'a\r\nX-Evil: 1' } }, 502],
  ['another kind of token', { kind: 'change', json: { token_type: 'mac' } }, 502],
  ['invalid_grant', json({ error: 'invalid_grant', error_description: 'zz-secret-text' }, 400), 400],
  ['invalid_client', json({ error: 'invalid_client' }, 401), 502],
  ['too many requests', { kind: 'answer', status: 429, text: 'slow down', headers: { 'Retry-After': '7' } }, 503],
  ['a fault of its own', { kind: 'answer', status: 500, text: 'zz-secret-text' }, 502],
  ['silence', { kind: 'stall', at: 'accept' }, 504],
  ['silence after the headers', { kind: 'stall', at: 'headers' }, 504],
  ['silence in the body', { kind: 'stall', at: 'body' }, 504],
  ['half a body', { kind: 'truncate' }, 502],
  ['a reset', { kind: 'reset' }, 502],
  ['one byte at a time', { kind: 'drip', bytes: 1, everyMs: 50 }, 504],
  ['two megabytes', { kind: 'pad', bytes: 2_000_000 }, 502],
  ['headers of 64 kB', { kind: 'hugeHeaders', bytes: 65_536 }, 502],
];

test.each(tokenFaults)('the token endpoint answers with %s', async (_name, fault, status) => {
  const { app, sandbox } = await startWithDeadline(status);
  sandbox.fault('token', fault);
  const browser = openBrowser(app);
  const started = Date.now();
  const answer = await signInWithBitbucket(browser, sandbox);
  expect(answer.status).toBe(status);
  expect(Date.now() - started).toBeLessThan(30_000);
  expect(answer.text).not.toMatch(/zz-secret-text|Error:|\bat .*\.ts/);
  expect(answer.text).toContain('/users/sign_in');
  expect(await whoAmI(browser)).toBeNull();
  expect(sandbox.requestsTo('token')).toHaveLength(1);
  expect(app.log.join('\n')).not.toContain('zz-secret-text');
  expect(await app.services.db.selectFrom('identities').select('id').execute()).toEqual([]);
  sandbox.clearFaults();
  expect((await signInWithBitbucket(browser, sandbox)).status).toBe(303);
});

const readFaults: [FaultTarget, string, Fault, number][] = [
  ['user', '401', json({}, 401), 502],
  ['user', '403', json({}, 403), 502],
  ['user', '410', json({}, 410), 502],
  ['user', '429', { kind: 'answer', status: 429, text: '' }, 503],
  ['user', '500', { kind: 'answer', status: 500, text: '' }, 502],
  ['user', 'silence', { kind: 'stall', at: 'headers' }, 504],
  ['user', 'null', json(null), 502],
  ['user', 'no uuid', json({ type: 'user', display_name: 'x' }), 502],
  ['user', 'a team', json({ type: 'team', uuid: '{11111111-2222-4333-8444-555555555555}', display_name: 'x' }), 502],
  ['user', 'a redirect', { kind: 'redirect', to: 'http://127.0.0.1:9/' }, 502],
  ['emails', '403', json({}, 403), 303],
  ['emails', '404', json({}, 404), 502],
  ['emails', '500', { kind: 'answer', status: 500, text: '' }, 502],
  ['emails', 'HTML', { kind: 'html' }, 502],
  ['emails', 'silence', { kind: 'stall', at: 'body' }, 504],
];

test.each(readFaults)('/%s answers with %s', async (target, _name, fault, status) => {
  const { app, sandbox } = await startWithDeadline(status);
  sandbox.fault(target, fault);
  const browser = openBrowser(app);
  const answer = await signInWithBitbucket(browser, sandbox);
  expect(answer.status).toBe(status);
  if (status === 303)
    expect((await browser.get('/api/v4/user')).body).toMatchObject({ username: 'alice', email: null });
  else expect(await whoAmI(browser)).toBeNull();
});

test('Retry-After of Bitbucket is passed on, within bounds (PF-017)', async () => {
  const { app, sandbox } = await startBoth();
  sandbox.fault('token', { kind: 'answer', status: 429, text: '', headers: { 'Retry-After': '7' } });
  const answer = await signInWithBitbucket(openBrowser(app), sandbox);
  expect(answer.headers['retry-after']).toBe('7');
});

test('Bitbucket away altogether: said plainly, and the regular form works (PF-001)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const { clickBitbucket, pathOf } = await import('../support/people.ts');
  const back = await sandbox.decide(await clickBitbucket(browser), { as: 'alice' });
  await sandbox.close();
  const answer = await browser.get(pathOf(back)).set('Accept', 'application/json').expect(502);
  expect(answer.body).toMatchObject({ code: 'provider_failed' });
  expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
});

test('a wrong key or secret is told as a matter for the administrator, and named in the log (PF-016)', async () => {
  const { app, sandbox } = await startBoth();
  const [consumer] = sandbox.consumers;
  if (consumer) consumer.secret = 'changed at Bitbucket';
  const answer = await signInWithBitbucket(openBrowser(app), sandbox);
  expect(answer.status).toBe(502);
  expect(answer.text).toContain('Only an administrator can mend that');
  expect(app.log.join('\n')).toContain('provider_misconfigured');
  expect(app.log.join('\n')).not.toContain('test-secret');
});

test.each(['old', 'new'] as const)('signing in works in the %s OAuth world', async (oauth) => {
  const { app, sandbox } = await startBoth({ sandbox: { switches: { oauth } } });
  expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
  const [call] = sandbox.requestsTo('token');
  expect(call?.headers['authorization']).toMatch(/^Basic /);
  expect(call?.form).not.toHaveProperty('client_secret');
  for (const request of [...sandbox.requestsTo('user'), ...sandbox.requestsTo('emails')]) {
    expect(request.headers['authorization']).toMatch(/^Bearer /);
    expect(request.path).not.toContain('token');
  }
});

test('a character split over two packets stays whole (PF-022)', async () => {
  const { app, sandbox } = await startBoth();
  sandbox.person('alice').displayName = 'Jörg 🙂 Ærø';
  sandbox.fault('user', { kind: 'splitMultibyte', pauseMs: 30 });
  const browser = await openAs(app, sandbox);
  expect((await browser.get('/api/v4/user')).body).toMatchObject({ name: 'Jörg 🙂 Ærø' });
});

test.each<[string, Fault]>([
  ['answers 503', { kind: 'answer', status: 503, text: '' }],
  ['resets every connection', { kind: 'reset' }],
])(
  'while Bitbucket %s sign-ins fail at once, the page says so, and nobody else notices (PF-027)',
  async (_how, fault) => {
    const { app, sandbox } = await startBoth();
    const browser = openBrowser(app);
    sandbox.fault('token', fault);
    for (let count = 0; count < 10; count += 1) expect((await signInWithBitbucket(browser, sandbox)).status).toBe(502);
    const calls = sandbox.requestsTo('token').length;
    const answer = await signInWithBitbucket(browser, sandbox);
    expect(answer.status).toBe(502);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(10);
    expect(sandbox.requestsTo('token')).toHaveLength(calls);
    expect((await browser.get('/users/sign_in')).text).toContain('Bitbucket has not answered lately');
    expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
  },
);
