// Answers that belong to another provider or nobody, and where the routes of the dance may send a browser at all.
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import type { Browser } from '../support/people.ts';
import { CONSUMER } from '../support/provider.ts';
import {
  clickBitbucket,
  csrfOf,
  openBrowser,
  openSignIn,
  pathOf,
  signInWithBitbucket,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { closeSandboxAtEnd } from '../support/at-end.ts';

test('a second provider that sends the browser on to the first one gains no session there (CB-034)', async () => {
  const { app, sandbox: honest } = await startBoth();
  const other = await startSandbox({ consumers: [{ ...CONSUMER, key: 'other-key', permissions: ['account'] }] });
  closeSandboxAtEnd(other);
  const second = `{ name: second, args: { strategy: bitbucket }, app_id: other-key, app_secret: other-secret, url: '${other.url}' }`;
  const first = `{ name: bitbucket, app_id: ${CONSUMER.key}, app_secret: ${CONSUMER.secret}, url: '${honest.url}' }`;
  app.reconfigure(`omniauth: { providers: [${first}, ${second}] }`);
  const browser = openBrowser(app);
  const begun = new URL(await clickBitbucket(browser, {}, 'second'));
  // What the hostile provider answers with: a redirect to the honest one, with its client and this state.
  const onward = new URL(`${honest.url}site/oauth2/authorize${begun.search}`);
  onward.searchParams.set('client_id', CONSUMER.key);
  const back = await honest.decide(onward.href, { as: 'alice' });
  const answer = await browser.get(pathOf(back));
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(honest.requestsTo('token')).toEqual([]);
  expect(await whoAmI(browser)).toBeNull();
  expect(await app.services.db.selectFrom('identities').select('id').execute()).toEqual([]);
});

test.each(['{ pkce: true }', '{ pkce: false }'])(
  'where Bitbucket ignores PKCE, or it is off, state alone protects the sign-in: args %s (CB-019)',
  async (args) => {
    const { app, sandbox } = await startBoth({
      provider: `, args: ${args}`,
      sandbox: { switches: { pkce: 'ignored' } },
    });
    const attacker = openBrowser(app);
    const victim = openBrowser(app);
    const ofAttacker = new URL(await sandbox.decide(await clickBitbucket(attacker), { as: 'carol' }));
    const ofVictim = new URL(await sandbox.decide(await clickBitbucket(victim), { as: 'alice' }));
    const mixed = new URL(ofVictim);
    mixed.searchParams.set('state', ofAttacker.searchParams.get('state') ?? '');
    for (const bad of [ofAttacker, mixed]) await victim.get(pathOf(bad.href)).expect(400);
    expect(sandbox.requestsTo('token')).toEqual([]);
    await victim.get(pathOf(ofVictim.href)).expect(303);
    expect(await whoAmI(victim)).toBe('alice');
  },
);

const EVIL = encodeURIComponent('https://evil.test/');
const QUERIES = [
  '',
  `?return_to=${EVIL}&redirect_uri=${EVIL}&next=${EVIL}`,
  '?code=x&state=y&return_to=//evil.test',
  `?error=access_denied&error_uri=${EVIL}`,
  `?url=${EVIL}`,
];
const PATHS = ['', '/', '/bitbucket', '/bitbucket/', '/bitbucket/callback', '//evil.test', '/%2f%2fevil.test', '/..'];

/** Where each route of the dance redirects to, asked in each way. */
async function listRedirects(browser: Browser, _csrf: string): Promise<string[]> {
  const targets: string[] = [];
  for (const place of PATHS.flatMap((path) => QUERIES.map((query) => `/users/auth${path}${query}`))) {
    const answers = [
      await browser.get(place),
      await browser.head(place),
      await browser.post(place).type('form').send({ _csrf, return_to: 'https://evil.test' }),
    ];
    targets.push(...answers.flatMap(({ headers }) => headers['location'] ?? []));
  }
  return targets;
}

test('no route of the dance redirects anywhere but to a page of ours or to the authorize page (CB-056)', async () => {
  const { app, sandbox } = await startBoth({ yaml: 'rate_limits: { oauth_per_minute: 0 }\n' });
  const stranger = openBrowser(app);
  const known = openBrowser(app);
  const ofGoodAnswer = (await signInWithBitbucket(known, sandbox)).headers['location'] as string;
  const targets = [
    ofGoodAnswer,
    ...(await listRedirects(stranger, await openSignIn(stranger))),
    ...(await listRedirects(known, csrfOf(await known.get('/')))),
  ];
  expect(targets.length).toBeGreaterThan(5);
  for (const target of targets) {
    const isOurs = new URL(target, app.url).origin === app.url;
    if (!isOurs) expect(target.split('?')[0]).toBe(`${sandbox.url}site/oauth2/authorize`);
    expect(target).not.toContain('evil');
  }
});
