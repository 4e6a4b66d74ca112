// Guessing passwords: whom the limits stop, and whom they must not stop.
import { hash } from '@node-rs/argon2';
import { hashPassword } from '../../src/accounts/passwords.ts';
import type { Answer, Browser } from '../support/people.ts';
import { eventsOf, makeAccount, openBrowser, openSignIn, signInWithPassword, signOut } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { ROOT_PASSWORD, startApp } from '../support/start-app.ts';

const DEVICE = 'gatehouse-device';
const THREE_TRIES = 'rate_limits: { password_per_minute: 0, password_per_account: 3 }\n';

/** Wrong passwords until the account's form is closed for strangers. */
async function closeForm(app: TestApp, login = 'root'): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) await signInWithPassword(openBrowser(app), login, 'no');
  expect((await signInWithPassword(openBrowser(app), login)).status).toBe(429);
}

function deviceCookie(answer: Answer): string {
  const lines = (answer.headers['set-cookie'] as unknown as string[] | undefined) ?? [];
  return lines.find((line) => line.startsWith(`${DEVICE}=`)) ?? '';
}

/** A stranger who got hold of a cookie. */
function openWith(app: TestApp, cookie: string): Browser {
  const browser = openBrowser(app);
  browser.jar.setCookie(cookie.split(';')[0] ?? '', 'localhost', '/');
  return browser;
}

test('strangers who close an account by wrong tries do not shut out the browser its owner has used before (PW-005)', async () => {
  let now = Date.now();
  const app = await startApp({ yaml: THREE_TRIES, now: () => now });
  const owner = openBrowser(app);
  const cookie = deviceCookie(await signInWithPassword(owner));
  expect(cookie).toMatch(/^gatehouse-device=[\w.-]+; Max-Age=15552000; Path=\/; .*HttpOnly; SameSite=Lax$/);
  await signOut(owner);
  await closeForm(app);
  expect((await signInWithPassword(owner)).status).toBe(303);
  await signOut(owner);
  // The owner's coming in gives strangers no new tries, and the form opens again by itself.
  expect((await signInWithPassword(openBrowser(app))).status).toBe(429);
  now += 15 * 60_000 + 1000;
  expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
});

test('a known browser has as many tries as strangers have, and no more (PW-005)', async () => {
  const app = await startApp({ yaml: THREE_TRIES });
  const browser = openBrowser(app);
  const first = deviceCookie(await signInWithPassword(browser));
  // Signing in again and again, also with an older copy of the cookie, gathers no further counts.
  await signOut(browser);
  expect(deviceCookie(await signInWithPassword(browser)).split(';')[0]).toBe(first.split(';')[0]);
  await signOut(browser);
  for (let tries = 0; tries < 3; tries += 1) expect((await signInWithPassword(browser, 'root', 'no')).status).toBe(422);
  expect((await signInWithPassword(browser)).status).toBe(429);
  expect((await signInWithPassword(openWith(app, first))).status).toBe(429);
  expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
});

test('a device cookie is worth nothing for another account, changed, invented, or after the password has changed (PW-005)', async () => {
  const app = await startApp({ yaml: THREE_TRIES });
  await makeAccount(app, { username: 'ann', password: ROOT_PASSWORD });
  const cookie = deviceCookie(await signInWithPassword(openBrowser(app), 'ann'));
  await closeForm(app);
  const changed = cookie.replace(/=(.)/, (_all, letter) => `=${letter === 'A' ? 'B' : 'A'}`);
  const invented = `${DEVICE}=${'A'.repeat(22)}.${'A'.repeat(43)}`;
  for (const bad of [cookie, changed, invented, `${DEVICE}=`, `${DEVICE}=${'x'.repeat(3000)}`]) {
    expect((await signInWithPassword(openWith(app, bad))).status).toBe(429);
  }
  await closeForm(app, 'ann');
  expect((await signInWithPassword(openWith(app, cookie), 'ann')).status).toBe(303);
  const changed_hash = await hashPassword('a new one, same person');
  const accounts = app.services.db.updateTable('accounts').where('username', '=', 'ann');
  await accounts.set({ password_hash: changed_hash }).execute();
  expect((await signInWithPassword(openWith(app, cookie), 'ann', 'a new one, same person')).status).toBe(429);
});

test('a password that is hashed anew with other costs leaves known browsers known, with their own count of tries (PW-005, PW-023)', async () => {
  const app = await startApp({ yaml: THREE_TRIES });
  const [one, other] = [openBrowser(app), openBrowser(app)];
  for (const browser of [one, other]) {
    expect((await signInWithPassword(browser)).status).toBe(303);
    await signOut(browser);
  }
  const told = await eventsOf(app, 'new_device');
  // As if both had signed in at a time with other costs.
  const { db } = app.services;
  const hashOf = async () =>
    (await db.selectFrom('accounts').select('password_hash').executeTakeFirstOrThrow()).password_hash ?? '';
  const today = await hashOf();
  const salt = Buffer.from(today.split('$')[4] ?? '', 'base64');
  const weak = await hash(ROOT_PASSWORD, { memoryCost: 8192, timeCost: 1, parallelism: 1, salt });
  await db.updateTable('accounts').set({ password_hash: weak }).execute();
  await signInWithPassword(one);
  expect([weak === today, await hashOf()]).toEqual([false, today]);
  await closeForm(app);
  expect((await signInWithPassword(other)).status).toBe(303);
  expect(await eventsOf(app, 'new_device')).toEqual(told);
});

test('one password tried on many accounts ends at the limit of the address, known or unknown names alike (PW-006)', async () => {
  const app = await startApp({ yaml: 'rate_limits: { password_per_minute: 5 }\n' });
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const statuses = [];
  for (let person = 0; person < 8; person += 1) {
    const guess = { _csrf, login: person === 6 ? 'root' : `person-${person}`, password: ROOT_PASSWORD };
    const { status } = await browser.post('/users/sign_in').type('form').send(guess);
    statuses.push(status);
  }
  expect(statuses).toEqual([422, 422, 422, 422, 422, 429, 429, 429]);
});

test('no other way to send a password is open, so none is without the limits: Basic, a token, a query, a header (PW-011)', async () => {
  const app = await startApp();
  for (const headers of [
    { Authorization: `Basic ${Buffer.from(`root:${ROOT_PASSWORD}`).toString('base64')}` },
    { Authorization: `Bearer ${ROOT_PASSWORD}` },
    { 'PRIVATE-TOKEN': ROOT_PASSWORD },
    { 'X-Forwarded-User': 'root', 'Remote-User': 'root' },
  ]) {
    await openBrowser(app).get('/api/v4/user').set(headers).expect(401);
    await openBrowser(app).get(`/api/v4/user?private_token=${ROOT_PASSWORD}`).set(headers).expect(401);
  }
});

test('a flood of sign-ins by password is bounded: the rest is told to come again, and other pages answer (PW-025)', async () => {
  const app = await startApp({ yaml: 'rate_limits: { password_per_minute: 0, password_per_account: 0 }\n' });
  const browser = openBrowser(app);
  const _csrf = await openSignIn(browser);
  const right = { _csrf, login: 'root', password: ROOT_PASSWORD };
  const flood = Promise.all(
    Array.from({ length: 100 }, async () => browser.post('/users/sign_in').type('form').send(right)),
  );
  await openBrowser(app).get('/users/sign_in').expect(200);
  const answers = await flood;
  const refused = answers.filter(({ status }) => status === 503);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303, 503]));
  expect(refused.length).toBeGreaterThan(0);
  for (const { headers } of refused) expect(headers['retry-after']).toBe('2');
  expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
});

test('look-alike, invisible and folded letters are no other spelling of a name (PW-015)', async () => {
  const app = await startApp();
  for (const login of ['r\u043eot', '\uff52\uff4f\uff4f\uff54', 'ro\u200bot', 'ro\u00adot', 'roo\u0300t']) {
    expect((await signInWithPassword(openBrowser(app), login)).status).toBe(422);
  }
});
