// The list of devices, and ending what is on it.
import request from 'supertest';
import type { SessionData } from 'express-session';
import { SessionStore } from '../../src/web/session-store.ts';
import { eventsOf } from '../admin/panel.ts';
import type { Answer, Browser } from '../support/people.ts';
import {
  csrfOf,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
  submit,
  whoAmI,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';

const DEVICES = '/-/user_settings/active_sessions';
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0';
const HOSTILE = 'Mozilla/5.0 (X11; Linux x86_64) "><script>alert(1)</script>';

interface Device {
  id: string;
  current: boolean;
  device: string;
  agent: string;
  address: string;
  provider: string;
  remembered: boolean;
  created_at: string;
  last_seen_at: string;
}

async function devicesOf(browser: Browser): Promise<Device[]> {
  const answer = await browser.get(`${DEVICES}.json`).expect(200);
  return (answer.body as { devices: Device[] }).devices;
}

function openDevice(app: { url: string }, agent: string): Browser {
  const browser = openBrowser(app);
  browser.set('User-Agent', agent);
  return browser;
}

/** Presses a button of the page. */
const press = (browser: Browser, path: string) => submit(browser, DEVICES, DEVICES + path);

function cookieOf(answer: Answer): string {
  const lines = [answer.headers['set-cookie'] ?? []].flat().map(String);
  return lines.find((line) => line.startsWith('gatehouse='))?.split(';')[0] ?? '';
}

test('three devices are listed, the one used last first, with place, agent, way in and times; ending one ends that one (SE-033)', async () => {
  let now = Date.now();
  const { app, sandbox } = await startBoth({ now: () => now });
  const laptop = openDevice(app, FIREFOX);
  await signInWithBitbucket(laptop, sandbox);
  const signedInAt = now;
  now += 5 * 60_000;
  const phone = openDevice(app, HOSTILE);
  await signInWithBitbucket(phone, sandbox, 'alice', { remember_me: '1' });
  now += 5 * 60_000;
  const script = openDevice(app, 'curl/8.5.0');
  await signInWithBitbucket(script, sandbox);
  now += 5 * 60_000;

  const devices = await devicesOf(laptop);
  expect(devices.map(({ device, current }) => [device, current])).toEqual([
    ['Firefox on Windows', true],
    ['curl', false],
    ['Unknown browser on Linux', false],
  ]);
  expect(devices[0]).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    current: true,
    device: 'Firefox on Windows',
    agent: FIREFOX,
    address: '127.0.0.1',
    provider: 'bitbucket',
    remembered: false,
    created_at: new Date(signedInAt).toISOString(),
    last_seen_at: new Date(now).toISOString(),
  });
  expect(devices[2]).toMatchObject({ agent: HOSTILE, remembered: true });
  const { text } = await laptop.get(DEVICES).expect(200);
  expect(text.match(/this device<\/span>/g)).toHaveLength(1);
  expect(text).toContain('<dd>Bitbucket</dd>');
  expect(text).not.toContain('<script>');

  const answer = await press(laptop, `/${devices[2]?.id}/end`);
  expect([answer.status, answer.headers['location']]).toEqual([303, DEVICES]);
  expect((await laptop.get(DEVICES)).text).toContain('Unknown browser on Linux has to sign in again.');
  expect(await Promise.all([laptop, phone, script].map(whoAmI))).toEqual(['alice', null, 'alice']);
  const [event, ...more] = await eventsOf(app, 'session_ended');
  expect(more).toEqual([]);
  expect(event).toMatchObject({ actor_name: 'alice', account_name: 'alice', target: 'Unknown browser on Linux' });
});

test('signing out everywhere else ends all others at their next request, on every process, for pages and JSON (SE-014)', async () => {
  const app = await startApp();
  const second = await startApp({ dataDir: app.dataDir });
  const keeper = await openAsRoot(app);
  const others = await Promise.all(
    [app, second].map(async (where) => cookieOf(await signInWithPassword(openBrowser(where)))),
  );
  const ask = async ({ url }: TestApp, path: string, cookie: string) =>
    (await request(url).get(path).set('Cookie', cookie)).status;
  for (const cookie of others) {
    for (const where of [app, second]) {
      expect([await ask(where, '/api/v4/user', cookie), await ask(where, '/', cookie)]).toEqual([200, 200]);
    }
  }
  expect((await press(keeper, '/end_others')).status).toBe(303);
  for (const cookie of others) {
    for (const where of [app, second]) {
      expect([await ask(where, '/api/v4/user', cookie), await ask(where, '/', cookie)]).toEqual([401, 303]);
    }
  }
  expect(await whoAmI(keeper)).toBe('root');
  expect(await devicesOf(keeper)).toHaveLength(1);
  const events = await eventsOf(app, 'sessions_ended');
  expect(events).toMatchObject([{ actor_name: 'root', reason: 'others', details: '{"count":2}' }]);

  expect((await press(keeper, '/end_others')).status).toBe(303); // nothing left
  expect((await keeper.get(DEVICES)).text).toContain('You are signed in nowhere else.');
  expect(await eventsOf(app, 'sessions_ended')).toHaveLength(1);
});

test('a slow request in flight while its session is ended from elsewhere does not bring it back (SE-012)', async () => {
  const app = await startApp();
  const [keeper, other] = [await openAsRoot(app), openBrowser(app)];
  const cookie = cookieOf(await signInWithPassword(other));
  const { db, config, now, log } = app.services;
  const store = new SessionStore({ db, config, now, log, cookie: {} });
  const id = decodeURIComponent(cookie.replace('gatehouse=s%3A', '')).split('.')[0] ?? '';
  // The slow request has read its session …
  const found = await new Promise<SessionData>((resolve) =>
    store.get(id, (_error, session) => resolve(session as SessionData)),
  );
  const session = store.createSession({ sessionID: id, sessionStore: store } as never, found);
  await press(keeper, '/end_others');
  // … and now writes a changed one back.
  Object.assign(session, { changed: true });
  await new Promise<void>((resolve, reject) => store.set(id, session, (error) => (error ? reject(error) : resolve())));
  expect(await whoAmI(other)).toBeNull();
  expect(await devicesOf(keeper)).toHaveLength(1);
});

test('ending the device in hand signs out', async () => {
  const app = await startApp();
  const browser = await openAsRoot(app);
  const [device] = await devicesOf(browser);
  const answer = await press(browser, `/${device?.id}/end`);
  expect([answer.status, answer.headers['location']]).toEqual([303, '/users/sign_in']);
  expect(await whoAmI(browser)).toBeNull();
});

test("what is no session, or somebody else's, is not found, and nothing ends (AD-016)", async () => {
  const { app, sandbox } = await startBoth();
  const [root, alice] = [await openAsRoot(app), await openAs(app, sandbox)];
  const [foreign] = await devicesOf(alice);
  for (const id of [foreign?.id, '0', '-1', '1.5', 'x', '9223372036854775808', '%00', "'", 'f'.repeat(64)]) {
    expect([id, (await press(root, `/${id}/end`)).status]).toEqual([id, 404]);
  }
  expect(await whoAmI(alice)).toBe('alice');
  await root.get(`${DEVICES}/${foreign?.id}/end`).expect(405);
  await root.get(`${DEVICES}/end_others`).expect(405);
  await root
    .post(DEVICES)
    .type('form')
    .send({ _csrf: csrfOf(await root.get('/')) })
    .expect(405);
});

test('only sessions that still count are listed, and each account sees its own', async () => {
  let now = Date.now();
  const app = await startApp({ now: () => now, yaml: 'session: { idle_minutes: 60 }\n' });
  await signInWithPassword(openBrowser(app));
  now += 59 * 60_000;
  const browser = await openAsRoot(app);
  expect(await devicesOf(browser)).toHaveLength(2);
  now += 2 * 60_000;
  expect(await devicesOf(browser)).toHaveLength(1);
  await makeAccount(app, { username: 'bob' });
  const { id } = await app.services.db
    .selectFrom('accounts')
    .select('id')
    .where('username', '=', 'bob')
    .executeTakeFirstOrThrow();
  await app.services.db
    .updateTable('sessions')
    .set({ account_id: id })
    .where('seen_at', '<', now - 60_000)
    .execute();
  expect((await devicesOf(browser)).map(({ current }) => current)).toEqual([true]);
});

test('strangers are led to the sign-in page or told 401, and a form needs its token', async () => {
  const app = await startApp();
  const answer = await openBrowser(app).get(DEVICES).expect(303);
  expect(answer.headers['location']).toBe(`/users/sign_in?return_to=${encodeURIComponent(DEVICES)}`);
  await openBrowser(app).get(`${DEVICES}.json`).expect(401);
  const [browser, other] = [openBrowser(app), openBrowser(app)];
  await signInWithPassword(browser);
  await signInWithPassword(other);
  await browser.post(`${DEVICES}/end_others`).type('form').send({}).expect(403);
  expect(await whoAmI(other)).toBe('root');
});
