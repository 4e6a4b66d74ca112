// The account page: name and password.
import type { Http } from '../../src/bitbucket/http.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { race, RACE_MS } from '../support/jitter.ts';
import type { Answer, Browser } from '../support/people.ts';
import {
  clickBitbucket,
  csrfOf,
  eventsOf,
  goToBitbucket,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  openSignIn,
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  submit,
  whoAmI,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { ROOT_PASSWORD, startApp } from '../support/start-app.ts';
import { until } from '../support/until.ts';

const ACCOUNT = '/-/profile/account';
const NEW = 'another horse, another battery';
const NO_LIMITS = 'rate_limits: { oauth_per_minute: 0, password_per_minute: 0, password_per_account: 0 }\n';

function change(browser: Browser, fields: Record<string, string>): Promise<Answer> {
  const { new_password = NEW } = fields;
  return submit(browser, ACCOUNT, `${ACCOUNT}/password`, { new_password, new_password_again: new_password, ...fields });
}

async function countSessions({ services: { db } }: TestApp): Promise<number> {
  return (await db.selectFrom('sessions').select('id_hash').execute()).length;
}

test('strangers are led to the sign-in page and back', async () => {
  const app = await startApp();
  const answer = await openBrowser(app).get(ACCOUNT).expect(303);
  expect(answer.headers['location']).toBe('/users/sign_in?return_to=%2F-%2Fprofile%2Faccount');
  await openBrowser(app).get(ACCOUNT).set('Accept', 'application/json').expect(401);
});

test('the page tells who somebody is here: name, address and whether it was verified', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox, 'alice');
  const page = (await browser.get(ACCOUNT).expect(200)).text;
  for (const text of ['value="Alice Example"', '@alice', 'alice@example.test', '>verified<'])
    expect(page).toContain(text);
  await app.services.db.updateTable('accounts').set({ email_verified: 0 }).execute();
  expect((await browser.get(ACCOUNT)).text).toContain('>unverified<');
  expect(page).not.toMatch(/<img[^>]+https?:/);
});

test('a name set here stays, whatever Bitbucket says later (LK-031)', async () => {
  const { app, sandbox } = await startBoth({ omniauth: '  sync_profile_from_provider: true\n' });
  const browser = await openAs(app, sandbox, 'alice');
  const answer = await submit(browser, ACCOUNT, ACCOUNT, { name: '  Alice\u202e   of Here ' });
  expect([answer.status, answer.headers['location']]).toEqual([303, ACCOUNT]);
  const page = (await browser.get(ACCOUNT)).text;
  expect(page).toContain('Name changed');
  expect(page).toContain('value="Alice of Here"');
  sandbox.person('alice').displayName = 'Alice Renamed';
  await signInWithBitbucket(openBrowser(app), sandbox, 'alice');
  expect((await browser.get('/api/v4/user')).body).toMatchObject({ name: 'Alice of Here' });
  expect(await eventsOf(app, 'account_changed')).toEqual(['account_changed ok']);
});

test.each(['', '   ', '\u200b'])('the name %j is refused', async (name) => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  const answer = await submit(browser, ACCOUNT, ACCOUNT, { name });
  expect(answer.status).toBe(422);
  expect(answer.text).toContain('Please enter a name.');
});

test.each([
  ['short', 422, 'at least 8 characters'],
  ['1234567', 422, 'at least 8 characters'],
  ['12345678', 303, ''],
  ['ä'.repeat(513), 422, 'at most 1024 bytes'],
  ['ä'.repeat(512), 303, ''],
])('the password %s as a new one: %i (PW-016)', async (new_password, status, words) => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  const answer = await change(browser, { current_password: ROOT_PASSWORD, new_password });
  expect(answer.status).toBe(status);
  expect(answer.text).toContain(words);
  expect((await signInWithPassword(openBrowser(app), 'root', new_password)).status).toBe(status);
});

test('a password is not the user name, and has to be typed the same twice (PW-016)', async () => {
  const app = await startApp();
  await makeAccount(app, { username: 'annabelle', password: ROOT_PASSWORD });
  const browser = openBrowser(app);
  await signInWithPassword(browser, 'annabelle');
  const current_password = ROOT_PASSWORD;
  const same = await change(browser, { current_password, new_password: 'AnnaBelle' });
  expect([same.status, same.text.includes('not your username')]).toEqual([422, true]);
  const twice = await change(browser, { current_password, new_password_again: `${NEW}!` });
  expect([twice.status, twice.text.includes('are not the same')]).toEqual([422, true]);
});

test('without the current password nothing changes, and each wrong one counts as a try (PW-017)', async () => {
  const app = await startApp({ yaml: 'rate_limits: { password_per_account: 2 }\n' });
  const browser = await openAsRoot(app);
  for (const fields of [{}, { current_password: 'wrong' }] as Record<string, string>[]) {
    const answer = await change(browser, fields);
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('The current password is not right.');
  }
  expect((await change(browser, { current_password: ROOT_PASSWORD })).status).toBe(429);
  expect(await eventsOf(app, 'password_changed', 'confirm')).toEqual([
    'confirm refused invalid_credentials password',
    'confirm refused invalid_credentials password',
  ]);
});

test('a first password needs a fresh proof of presence, and opens the account from then on (PW-018)', async () => {
  let now = Date.now();
  const { app, sandbox } = await startBoth({ now: () => now });
  const browser = await openAs(app, sandbox, 'alice');
  now += 16 * 60_000;
  const refused = await change(browser, {});
  expect([refused.status, refused.headers['location']]).toEqual([
    303,
    '/users/confirm?return_to=%2F-%2Fprofile%2Faccount',
  ]);
  expect(await eventsOf(app, 'password_changed')).toEqual([]);
  await goToBitbucket(browser, sandbox, 'alice', 'confirm');
  expect((await change(browser, {})).status).toBe(303);
  expect(await eventsOf(app, 'password_changed')).toEqual(['password_changed ok set']);
  const other = openBrowser(app);
  await signInWithPassword(other, 'alice', NEW);
  expect(await whoAmI(other)).toBe('alice');
});

test('a change of password ends all other sessions, remembered ones too; this one goes on under a new id (SE-005, SE-015)', async () => {
  const app = await startApp();
  const [browser, second, third] = [openBrowser(app), openBrowser(app), openBrowser(app)];
  await signInWithPassword(browser);
  await signInWithPassword(second);
  await signInWithPassword(third, 'root', ROOT_PASSWORD, { remember_me: '1' });
  const before = await app.services.db.selectFrom('sessions').select('id_hash').execute();
  expect((await change(browser, { current_password: ROOT_PASSWORD })).status).toBe(303);
  expect(await Promise.all([browser, second, third].map(whoAmI))).toEqual(['root', null, null]);
  const after = await app.services.db.selectFrom('sessions').select('id_hash').execute();
  expect(after).toHaveLength(1);
  expect(before).not.toContainEqual(after[0]);
  expect((await signInWithPassword(second)).status).toBe(422);
  expect((await signInWithPassword(second, 'root', NEW)).status).toBe(303);
});

test('where the regular form is off there is no password to set', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox, 'alice');
  app.reconfigure('password_sign_in: false');
  expect((await browser.get(ACCOUNT)).text).toContain('switched off on this server');
  expect((await change(browser, {})).status).toBe(404);
});

test(
  'a sign-in with the old password at the moment of the change does not stay (SE-012)',
  async () => {
    const app = await startApp({ yaml: NO_LIMITS });
    let password = ROOT_PASSWORD;
    await race(async ({ round, late, together }) => {
      await app.services.db.deleteFrom('sessions').execute();
      const browser = openBrowser(app);
      expect((await signInWithPassword(browser, 'root', password)).status).toBe(303);
      const _csrf = csrfOf(await browser.get(ACCOUNT));
      const old = password;
      password = `${NEW} ${round}`;
      const fields = { _csrf, current_password: old, new_password: password, new_password_again: password };
      const others = await Promise.all(
        [0, 1, 2].map(async () => {
          const other = openBrowser(app);
          return { other, _csrf: await openSignIn(other) };
        }),
      );
      const comers = [...others];
      const [changed] = await Promise.all([
        late(async () => browser.post(`${ACCOUNT}/password`).type('form').send(fields)),
        together(3, async () => {
          const { other, _csrf } = comers.pop() ?? others[0]!;
          return other.post('/users/sign_in').type('form').send({ _csrf, login: 'root', password: old });
        }),
      ]);
      expect(changed.status).toBe(303);
      expect(await Promise.all(others.map(({ other }) => whoAmI(other)))).toEqual([null, null, null]);
      expect(await whoAmI(browser)).toBe('root');
      expect(await countSessions(app)).toBe(1);
    });
  },
  RACE_MS,
);

test(
  'a session that is about to get a new id while the password changes elsewhere does not come back (SE-012)',
  async () => {
    const app = await startApp({ yaml: NO_LIMITS });
    let password = ROOT_PASSWORD;
    await race(async ({ round, late }) => {
      await app.services.db.deleteFrom('sessions').execute();
      const [browser, other] = [openBrowser(app), openBrowser(app)];
      await signInWithPassword(browser, 'root', password);
      await signInWithPassword(other, 'root', password);
      const old = password;
      password = `${NEW} ${round}`;
      const tokens = [csrfOf(await browser.get(ACCOUNT)), csrfOf(await other.get('/users/confirm'))];
      const fields = { _csrf: tokens[0], current_password: old, new_password: password, new_password_again: password };
      await Promise.all([
        late(async () => browser.post(`${ACCOUNT}/password`).type('form').send(fields).expect(303)),
        late(async () => other.post('/users/confirm').type('form').send({ _csrf: tokens[1], password: old })),
      ]);
      expect([await whoAmI(browser), await whoAmI(other)]).toEqual(['root', null]);
      expect(await countSessions(app)).toBe(1);
    });
  },
  RACE_MS,
);

test('a connection that waits for Bitbucket while the password changes elsewhere connects nothing (SE-012, LK-015)', async () => {
  const bitbucket = createHttp();
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const http: Http = {
    ...bitbucket,
    send: async (asked) => {
      const reply = await bitbucket.send(asked);
      if (asked.endpoint === 'user') await released;
      return reply;
    },
  };
  const { app, sandbox } = await startBoth({ http });
  const [browser, other] = [openBrowser(app), openBrowser(app)];
  await signInWithPassword(browser);
  await signInWithPassword(other);
  const start = await submit(other, '/', '/users/auth/bitbucket', { purpose: 'link' });
  const answer = other
    .get(pathOf(await sandbox.decide(String(start.headers['location']), { as: 'alice' })))
    .then((got) => got);
  await until(() => sandbox.requestsTo('user').length > 0);
  expect((await change(browser, { current_password: ROOT_PASSWORD })).status).toBe(303);
  release();
  expect((await answer).status).toBe(400);
  expect(await app.services.db.selectFrom('identities').selectAll().execute()).toEqual([]);
  expect(await whoAmI(other)).toBeNull();
});

test('a sign-in with Bitbucket that was started before belongs to nobody yet, and goes on', async () => {
  const { app, sandbox } = await startBoth();
  const waiting = openBrowser(app);
  const callback = pathOf(await sandbox.decide(await clickBitbucket(waiting), { as: 'alice' }));
  const browser = await openAsRoot(app);
  await change(browser, { current_password: ROOT_PASSWORD });
  await waiting.get(callback).expect(303);
  expect(await whoAmI(waiting)).toBe('alice');
});
