// A new consumer secret while people are on their way to Bitbucket and back.
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { TestApp } from '../support/start-app.ts';
import { CONSUMER, providerYaml } from '../support/provider.ts';
import { startBoth, clickBitbucket, openBrowser, openSignIn, pathOf, whoAmI } from '../support/people.ts';

const NO_LIMIT = 'rate_limits: { oauth_per_minute: 0 }\n';
const FLOWS = 50;
/** As many as one browser may have. */
const TABS = 10;

/** One browser with several tabs, each of which is back from Bitbucket and not yet here. */
async function startIn(tabs: number, app: TestApp, sandbox: Sandbox) {
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const start = async () => {
    const { headers } = await browser.post('/users/auth/bitbucket').type('form').send({ _csrf }).expect(302);
    return { browser, back: await sandbox.decide(String(headers['location']), { as: 'alice' }) };
  };
  return Promise.all(Array.from({ length: tabs }, start));
}

test('a new secret at Bitbucket and here: who is on the way arrives, and so does who starts later (CF-009)', async () => {
  const { app, sandbox } = await startBoth({ yaml: NO_LIMIT });
  const onTheWay = (await Promise.all(Array.from({ length: FLOWS / TABS }, () => startIn(TABS, app, sandbox)))).flat();
  const arrive = async ({ browser, back }: (typeof onTheWay)[number]) => (await browser.get(pathOf(back))).status;

  const [consumer] = sandbox.consumers;
  consumer!.secret = 'a-new-secret-of-the-consumer';
  // Between the change there and the change here it fails cleanly.
  const [unlucky, ...others] = onTheWay;
  expect(await arrive(unlucky!)).toBe(502);
  expect(await whoAmI(unlucky!.browser)).toBeNull();

  app.reconfigure(providerYaml(sandbox).replace(CONSUMER.secret, consumer!.secret) + NO_LIMIT);
  // Ten at a time: this is about the secret, not about how many find a connection to the database.
  while (others.length > 1) {
    const some = others.splice(1, 10);
    expect(new Set(await Promise.all(some.map(arrive)))).toEqual(new Set([303]));
  }
  expect(await arrive(others[0]!)).toBe(303);
  expect(await whoAmI(others[0]!.browser)).toBe('alice');
  const late = openBrowser(app);
  expect(await arrive({ browser: late, back: await sandbox.decide(await clickBitbucket(late), { as: 'bob' }) })).toBe(
    303,
  );
  expect(app.log.join()).not.toContain(consumer!.secret);
});
