// The callback as anybody may write it: what is refused, and that a pending flow survives it.
import { Browser, makeApp, stateOf, type Outcome } from './start-app.ts';
import { emailsReply, tokenReply, userReply } from './replies.ts';
import { json, routes, startFarEnd, type FarEnd } from './start-far-end.ts';

let bitbucket: FarEnd;
let browser: Browser;
const tokenCalls = () => bitbucket.requestsTo('/site/oauth2/access_token').length;

beforeEach(async () => {
  bitbucket = await startFarEnd(
    routes({
      '/site/oauth2/access_token': json(tokenReply),
      '/api/2.0/user': json(userReply),
      '/api/2.0/user/emails': json(emailsReply),
    }),
  );
  browser = new Browser(makeApp({ url: bitbucket.url, authenticate: { state: { returnTo: '/here' } } }));
});

test('a good callback signs in once, with what the host kept', async () => {
  const query = { code: 'the-code', state: stateOf(await browser.start()) };

  expect(await browser.finish(query)).toMatchObject({ action: 'success', state: { returnTo: '/here' } });
  expect(await browser.finish(query)).toMatchObject({ action: 'fail', reason: 'invalid_state', status: 400 });
  expect(tokenCalls()).toBe(1);
});

test('of 20 identical callbacks at once exactly one gets through (CB-010)', async () => {
  const query = { code: 'the-code', state: stateOf(await browser.start()) };

  const outcomes = await Promise.all(Array.from({ length: 20 }, () => browser.finish(query)));

  expect(outcomes.filter((outcome) => outcome.action === 'success')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome.reason === 'invalid_state')).toHaveLength(19);
  expect(tokenCalls()).toBe(1);
});

const wrongStates: [string, (state: string) => string][] = [
  ['one character changed', (state) => `code=x&state=${state.slice(0, -1)}${state.endsWith('A') ? 'B' : 'A'}`],
  ['another case', (state) => `code=x&state=${state.toUpperCase()}`],
  ['cut', (state) => `code=x&state=${state.slice(1)}`],
  ['longer', (state) => `code=x&state=${state}x`],
  ['a space in front', (state) => `code=x&state=+${state}`],
  ['NUL at its end', (state) => `code=x&state=${state}%00`],
  ['encoded twice', (state) => `code=x&state=%25${state.charCodeAt(0).toString(16)}${state.slice(1)}`],
  ['missing', () => 'code=x'],
  ['empty', () => 'code=x&state='],
  ['twice, the good one first', (state) => `code=x&state=${state}&state=bad`],
  ['twice, the good one last', (state) => `code=x&state=bad&state=${state}`],
  ['an array', (state) => `code=x&state[]=${state}`],
  ['an object', (state) => `code=x&state[toString]=${state}`],
  ['of 10 kB', () => `code=x&state=${'s'.repeat(10_000)}`],
];

test.each(wrongStates)(
  'a state that is %s is refused and burns nothing (CB-004, CB-005, CB-006, CB-028)',
  async (_, query) => {
    const state = stateOf(await browser.start());

    expect(await browser.finish(query(state))).toMatchObject({ action: 'fail', reason: 'invalid_state', status: 400 });
    expect(tokenCalls()).toBe(0);
    expect(await browser.finish({ code: 'the-code', state })).toMatchObject({ action: 'success' });
  },
);

const badCallbacks: [string, string][] = [
  ['no code: never a new start (CB-001)', ''],
  ['an empty code (CB-030)', 'code='],
  ['two codes (CB-027)', 'code=a&code=b'],
  ['an array (CB-029)', 'code[]=x'],
  ['an object (CB-029)', 'code[a]=x'],
  ['a code of 8 kB (CB-031)', `code=${'c'.repeat(8192)}`],
  ['a code with a line break (CB-031)', 'code=x%0d%0ay'],
  ['a code with NUL (CB-031)', 'code=x%00'],
  ['a code that is not ASCII (CB-031)', 'code=%C3%A4'],
  ['another issuer (CB-032)', 'code=x&iss=https://evil.example'],
  ['two issuers', 'code=x&iss=https://evil.example&iss=https://bitbucket.org'],
  ['a token (CB-064)', 'access_token=x&token_type=bearer'],
  ['two errors (CB-024)', 'error=a&error=b'],
  ['an error array (CB-024)', 'error[]=access_denied'],
  ['an error of 10 kB (CB-024)', `error=${'e'.repeat(10_000)}`],
  ['an empty error', 'code=x&error='],
];

test.each(badCallbacks)('%s is no callback of Bitbucket, and burns nothing', async (_, query) => {
  const state = stateOf(await browser.start());

  expect(await browser.finish(`${query}&state=${state}`)).toMatchObject({
    action: 'fail',
    reason: 'bad_callback',
    status: 400,
  });
  expect(tokenCalls()).toBe(0);
  expect(await browser.finish({ code: 'the-code', state, iss: bitbucket.url })).toMatchObject({ action: 'success' });
});

const errors: [string, Partial<Outcome>][] = [
  ['access_denied', { action: 'fail', status: 400, reason: 'access_denied' }],
  ['invalid_scope', { action: 'error', status: 502, reason: 'missing_scope', requiredScopes: ['account', 'email'] }],
  ['unauthorized_client', { action: 'error', status: 502, reason: 'misconfigured' }],
  ['server_error', { action: 'error', status: 502, reason: 'failed' }],
  ['temporarily_unavailable', { action: 'error', status: 502, reason: 'failed' }],
  ['<script>', { action: 'fail', status: 400, reason: 'bad_callback' }],
  ['__proto__', { action: 'fail', status: 400, reason: 'bad_callback' }],
];

test.each(errors)(
  'error=%s ends its flow, in our own words (CB-020, CB-022, CB-023, CB-024, CB-025)',
  async (error, expected) => {
    const state = stateOf(await browser.start());
    const query = { error, state, error_description: 'FOREIGN', error_uri: 'https://FOREIGN.example' };

    const outcome = await browser.finish(query);

    expect(outcome).toMatchObject(expected);
    expect(JSON.stringify(outcome)).not.toMatch(/FOREIGN|script|__proto__/);
    expect(await browser.finish({ code: 'the-code', state })).toMatchObject({ reason: 'invalid_state' });
    expect(tokenCalls()).toBe(0);
  },
);

test('with code and error it is an error (CB-026)', async () => {
  const state = stateOf(await browser.start());
  expect(await browser.finish({ code: 'the-code', error: 'access_denied', state })).toMatchObject({
    reason: 'access_denied',
  });
  expect(tokenCalls()).toBe(0);
});

test('an error without a state of this browser is not believed (CB-021)', async () => {
  await browser.start();
  expect(await browser.finish({ error: 'access_denied' })).toMatchObject({ reason: 'invalid_state' });
  expect(await browser.finish({ error: 'access_denied', state: 'made-up' })).toMatchObject({ reason: 'invalid_state' });
});

test('a state works only in the browser that started (CB-007, CB-038, CB-039)', async () => {
  const app = makeApp({ url: bitbucket.url });
  const [attacker, victim] = [new Browser(app), new Browser(app)];
  const [theirs, own] = [stateOf(await attacker.start()), stateOf(await victim.start())];

  expect(await victim.finish({ code: 'the-code', state: theirs })).toMatchObject({ reason: 'invalid_state' });
  expect(await victim.finish({ code: 'the-code', state: own })).toMatchObject({ action: 'success' });
});

test('a prefetch uses up nothing (CB-058)', async () => {
  const app = makeApp({ url: bitbucket.url });
  const visitor = new Browser(app);
  const query = `code=the-code&state=${stateOf(await visitor.start())}`;

  expect(await visitor.finish(query, { 'sec-purpose': 'prefetch;prerender' })).toMatchObject({
    action: 'fail',
    status: 503,
  });
  expect(await visitor.finish(query)).toMatchObject({ action: 'success' });
});
