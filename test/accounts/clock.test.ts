// The clock of the machine jumps: nothing ends early, nothing lasts for ever, nothing breaks.
import {
  clickBitbucket,
  openAsRoot,
  openBrowser,
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An hour before 32-bit seconds run out as signed and as unsigned numbers, and the year 2100. */
const ENDS = ['2038-01-19T02:14:07Z', '2106-02-07T05:28:15Z', '2100-02-28T23:00:00Z'];

test.each(ENDS)('people sign in, stay, and are signed out in time around %s (R-18, SE-023)', async (end) => {
  let now = Date.parse(end);
  const { app, sandbox } = await startBoth({ now: () => now });
  const [before, after] = [openBrowser(app), openBrowser(app)];
  expect((await signInWithBitbucket(before, sandbox)).status).toBe(303);
  now += 2 * HOUR;
  expect(await whoAmI(before)).toBe('alice');
  expect((await signInWithPassword(after)).status).toBe(303);
  now += 7 * HOUR;
  expect(await whoAmI(after)).toBe('root');
  now += 18 * HOUR;
  expect([await whoAmI(before), await whoAmI(after)]).toEqual([null, null]);
});

describe('a clock that was ahead and is set right', () => {
  test.each([
    ['five minutes', 5 * MINUTE],
    ['ten years', 3650 * DAY],
  ])(
    'ten sign-ins begun while the clock was %s ahead do not push out the next one (R-18, CB-016)',
    async (_by, ahead) => {
      let now = Date.now() + ahead;
      const { app, sandbox } = await startBoth({ now: () => now });
      const browser = openBrowser(app);
      for (let flow = 0; flow < 10; flow += 1) await clickBitbucket(browser);
      now -= ahead;
      expect((await signInWithBitbucket(browser, sandbox)).status).toBe(303);
    },
  );

  test.each([
    ['an hour', HOUR, 'root'],
    ['a day', DAY, 'root'],
    ['ten years', 3650 * DAY, null],
  ])('by %s: a session ends within twice its time (R-18, SE-023)', async (_by, ahead, then) => {
    let now = Date.now() + ahead;
    const app = await startApp({ now: () => now });
    const browser = await openAsRoot(app);
    now -= ahead;
    expect(await whoAmI(browser)).toBe(then);
    now += 2 * DAY + 1000;
    expect(await whoAmI(browser)).toBeNull();
  });

  test('by ten years: wrong tries do not lock an account for ten years (R-18)', async () => {
    let now = Date.now() + 3650 * DAY;
    const app = await startApp({ now: () => now, yaml: 'rate_limits: { password_per_account: 2 }' });
    const browser = openBrowser(app);
    for (let tries = 0; tries < 3; tries += 1) await signInWithPassword(browser, 'root', 'wrong');
    expect((await signInWithPassword(browser)).status).toBe(429);
    now -= 3650 * DAY;
    expect((await signInWithPassword(browser)).status).toBe(303);
  });

  test('by an hour: the limit ends within twice its time (R-18)', async () => {
    let now = Date.now() + HOUR;
    const app = await startApp({ now: () => now, yaml: 'rate_limits: { password_per_account: 2 }' });
    const browser = openBrowser(app);
    for (let tries = 0; tries < 3; tries += 1) await signInWithPassword(browser, 'root', 'wrong');
    now -= 10 * MINUTE;
    expect((await signInWithPassword(browser)).status).toBe(429);
    now += 26 * MINUTE;
    expect((await signInWithPassword(browser)).status).toBe(303);
  });
});

test.each([
  ['goes back by ten seconds', -10_000, 303],
  ['goes forward by an hour', HOUR, 400],
  ['goes forward by a day', DAY, 400],
  ['goes back by ten years', -3650 * DAY, 400],
])('while somebody is at Bitbucket the clock %s: ten minutes stay ten minutes (R-18)', async (_how, jump, status) => {
  let now = Date.now();
  const { app, sandbox } = await startBoth({ now: () => now });
  const browser = openBrowser(app);
  const back = pathOf(await sandbox.decide(await clickBitbucket(browser), { as: 'alice' }));
  now += jump;
  expect((await browser.get(back)).status).toBe(status);
  await expectUsable(app);
});

/** Whatever the clock did, the next sign-in works. */
async function expectUsable(app: TestApp): Promise<void> {
  const browser = openBrowser(app);
  expect((await signInWithPassword(browser)).status).toBe(303);
  expect(await whoAmI(browser)).toBe('root');
}
