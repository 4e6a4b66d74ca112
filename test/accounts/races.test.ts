// What must hold however requests meet. `RACES=1000 npx jest test/accounts/races` runs each race a thousand times.
import type { Http } from '../../src/bitbucket/http.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { race, RACE_MS } from '../support/jitter.ts';
import type { Browser } from '../support/people.ts';
import {
  clickBitbucket,
  csrfOf,
  openAsRoot,
  openBrowser,
  openSignIn,
  pathOf,
  signInWithBitbucket,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';
import { until } from '../support/until.ts';

const NO_LIMITS = 'rate_limits: { oauth_per_minute: 0, password_per_minute: 0 }\n';

async function count(app: TestApp, table: 'accounts' | 'identities' | 'sessions'): Promise<number> {
  return (await app.services.db.selectFrom(table).select('created_at').execute()).length;
}

/** Empties the tables, so that each round begins as the first did; root stays. */
async function forgetPeople({ services: { db } }: TestApp): Promise<void> {
  await db.deleteFrom('accounts').where('username', '!=', 'root').execute();
  await db.deleteFrom('sessions').execute();
}

test(
  'of twenty identical answers at once exactly one signs in, and Bitbucket is asked once (CB-010)',
  async () => {
    const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
    await race(async ({ together }) => {
      await forgetPeople(app);
      sandbox.requests.length = 0;
      const browser = openBrowser(app);
      const path = pathOf(await sandbox.decide(await clickBitbucket(browser), { as: 'alice' }));
      const answers = await together(20, async () => browser.get(path));
      expect(answers.map(({ status }) => status).sort()).toEqual([303, ...Array<number>(19).fill(400)].sort());
      expect(sandbox.requestsTo('token')).toHaveLength(1);
      expect([await count(app, 'identities'), await count(app, 'sessions')]).toEqual([1, 1]);
    });
  },
  RACE_MS,
);

test(
  'twenty first sign-ins of one person at once make one account, and all end in it (LK-010)',
  async () => {
    const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
    await race(async ({ together }) => {
      await forgetPeople(app);
      const answers = await together(20, () => signInWithBitbucket(openBrowser(app), sandbox, 'alice'));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));
      expect([await count(app, 'accounts'), await count(app, 'identities')]).toEqual([2, 1]);
      const owners = await app.services.db.selectFrom('sessions').select('account_id').distinct().execute();
      expect(owners).toHaveLength(1);
    });
  },
  RACE_MS,
);

test(
  'fifty wrong tries at once: exactly as many as the limit says are checked (PW-008)',
  async () => {
    const app = await startApp({ yaml: 'rate_limits: { password_per_minute: 0, password_per_account: 3 }\n' });
    await race(async ({ together }) => {
      await app.services.db.deleteFrom('limits').execute();
      const browser = openBrowser(app);
      const _csrf = await openSignIn(browser);
      const wrong = { _csrf, login: 'root', password: 'no' };
      const answers = await together(50, async () => browser.post('/users/sign_in').type('form').send(wrong));
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([...Array<number>(3).fill(422), ...Array<number>(47).fill(429)]);
    });
  },
  RACE_MS,
);

test(
  'requests under way while somebody signs out do not bring the session back (SE-011)',
  async () => {
    let now = Date.now();
    const { app, sandbox } = await startBoth({ yaml: NO_LIMITS, now: () => now });
    await race(async ({ late, together }) => {
      const browser = openBrowser(app);
      const cookie = sessionCookie(await signInWithBitbucket(browser, sandbox));
      const _csrf = csrfOf(await browser.get('/'));
      now += 61_000; // so that each of the requests has something to write: when the session was seen
      const ask = async () => openBrowser(app).get('/').set('Cookie', cookie);
      await Promise.all([
        together(5, ask),
        late(async () => browser.post('/users/sign_out').type('form').send({ _csrf }).expect(303)),
      ]);
      await openBrowser(app).get('/api/v4/user').set('Cookie', cookie).expect(401);
      expect(await count(app, 'sessions')).toBe(0);
    });
  },
  RACE_MS,
);

test(
  'a sign-in that waits for Bitbucket while its browser signs out in another tab ends with nobody signed in (CB-050)',
  async () => {
    const bitbucket = createHttp();
    let slow = '';
    let release = () => {};
    let released = Promise.resolve();
    const http: Http = {
      ...bitbucket,
      send: async (asked) => {
        const reply = await bitbucket.send(asked);
        if (asked.endpoint === slow) await released;
        return reply;
      },
    };
    const { app, sandbox } = await startBoth({ yaml: NO_LIMITS, http });
    await race(async ({ round }) => {
      await forgetPeople(app);
      sandbox.requests.length = 0;
      const browser = await openAsRoot(app);
      const path = pathOf(await sandbox.decide(await clickWhileSignedIn(browser), { as: 'alice' }));
      const _csrf = csrfOf(await browser.get('/'));
      const route = (slow = round % 2 === 0 ? 'token' : 'user');
      released = new Promise((resolve) => (release = resolve));
      const answer = browser.get(path).then((whole) => whole);
      await until(() => sandbox.requestsTo(route).length > 0);
      await browser.post('/users/sign_out').type('form').send({ _csrf }).expect(303);
      release();
      expect((await answer).status).toBe(400);
      expect((await answer).text).toContain('This sign-in was ended before it was finished');
      expect(await whoAmI(browser)).toBeNull();
      expect(await count(app, 'sessions')).toBe(0);
    });
  },
  RACE_MS,
);

/** Signed in, the sign-in page leads home; the button was pressed in a tab opened before. */
async function clickWhileSignedIn(browser: Browser): Promise<string> {
  const _csrf = csrfOf(await browser.get('/'));
  const answer = await browser.post('/users/auth/bitbucket').type('form').send({ _csrf }).expect(302);
  return String(answer.headers['location']);
}

function sessionCookie(answer: Awaited<ReturnType<typeof signInWithBitbucket>>): string {
  const lines = (answer.headers['set-cookie'] as unknown as string[] | undefined) ?? [];
  return lines.find((line) => line.startsWith('gatehouse='))?.split(';')[0] ?? '';
}
