// Connecting and disconnecting identities, and proving an account whose address somebody came with.
import { offerProof } from '../../src/accounts/pending-links.ts';
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
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  signOut,
  startBoth,
  submit,
  whoAmI,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';

const ACCOUNT = '/-/profile/account';
const PASSWORD = 'a long enough password';
const NO_LIMITS = 'rate_limits: { oauth_per_minute: 0, password_per_minute: 0, password_per_account: 0 }\n';
const MINUTE_MS = 60_000;

async function identitiesOf({ services: { db } }: TestApp) {
  return db.selectFrom('identities').selectAll().orderBy('id').execute();
}

async function makePerson(app: TestApp, username: string, more: { email?: string; email_verified?: number } = {}) {
  await makeAccount(app, { username, password: PASSWORD, ...more });
}

function disconnect(browser: Browser, id: number | string): Promise<Answer> {
  return submit(browser, ACCOUNT, `${ACCOUNT}/identities/${id}/disconnect`);
}

/** What the page of "an account with this e-mail exists" sends along. */
async function openLink(browser: Browser) {
  const page = await browser.get('/users/link').expect(200);
  return { page, _csrf: csrfOf(page), mark: /name="mark" value="([^"]+)"/.exec(page.text)?.[1] ?? '' };
}

async function prove(browser: Browser, password: string): Promise<Answer> {
  const { _csrf, mark } = await openLink(browser);
  return browser.post('/users/link').type('form').send({ _csrf, mark, password });
}

test('somebody connects Bitbucket, sees it, comes in with it, and disconnects it again (LK-037)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAsRoot(app);
  const answer = await goToBitbucket(browser, sandbox, 'alice');
  expect([answer.status, answer.headers['location']]).toEqual([303, ACCOUNT]);
  const page = await browser.get(ACCOUNT).expect(200);
  expect(page.text).toContain('Alice Example');
  expect(page.text).toContain('A Bitbucket account was connected');
  const other = await openAs(app, sandbox, 'alice');
  expect(await whoAmI(other)).toBe('root');
  const [identity] = await identitiesOf(app);
  expect((await disconnect(browser, identity?.id ?? 0)).status).toBe(303);
  expect(await identitiesOf(app)).toEqual([]);
  const events = ['identity_connected ok bitbucket', 'identity_disconnected ok bitbucket'];
  expect(await eventsOf(app, 'identity_connected', 'identity_disconnected')).toEqual(events);
  expect((await browser.get(ACCOUNT)).text).toContain('A Bitbucket account was disconnected');
});

test('connecting needs a person, a form of ours and a fresh proof of presence (LK-007)', async () => {
  let now = Date.now();
  const { app, sandbox } = await startBoth({ now: () => now });
  const stranger = openBrowser(app);
  const _csrf = csrfOf(await stranger.get('/users/sign_in'));
  const link = { purpose: 'link' };
  await stranger
    .post('/users/auth/bitbucket')
    .type('form')
    .send({ _csrf, ...link })
    .expect(401);
  const browser = await openAsRoot(app);
  await browser.post('/users/auth/bitbucket').type('form').send(link).expect(403);
  now += 16 * MINUTE_MS;
  const late = await goToBitbucket(browser, sandbox, 'alice');
  expect(late.status).toBe(403);
  expect(late.text).toContain('Please confirm that it is you');
  expect((await browser.get(ACCOUNT)).text).not.toContain('name="purpose" value="link"');
  expect(await identitiesOf(app)).toEqual([]);
});

test('an identity of somebody else is not connected, and the page does not tell whose it is (LK-008)', async () => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox, 'alice');
  const browser = await openAsRoot(app);
  const answer = await goToBitbucket(browser, sandbox, 'alice');
  expect(answer.status).toBe(409);
  expect(answer.text).toContain('connected elsewhere');
  expect(answer.text).not.toContain('alice');
  expect(await identitiesOf(app)).toHaveLength(1);
  expect(await eventsOf(app, 'identity_connected')).toEqual(['identity_connected refused identity_taken bitbucket']);
});

test(
  'one identity connected by many people at once belongs to exactly one of them, and the others are told (LK-009)',
  async () => {
    const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
    const people = ['ann', 'ben', 'cem', 'dee'];
    for (const name of people) await makePerson(app, name);
    const browsers = await Promise.all(
      people.map(async (name) => {
        const browser = openBrowser(app);
        await signInWithPassword(browser, name, PASSWORD);
        return browser;
      }),
    );
    await race(async ({ late }) => {
      await app.services.db.deleteFrom('identities').execute();
      const paths: string[] = [];
      for (const browser of browsers) {
        const start = await submit(browser, '/', '/users/auth/bitbucket', { purpose: 'link' });
        paths.push(pathOf(await sandbox.decide(String(start.headers['location']), { as: 'alice' })));
      }
      const come = browsers.map((browser, at) => late(async () => browser.get(paths[at] ?? '')));
      const statuses = (await Promise.all(come)).map(({ status }) => status);
      expect(statuses.sort()).toEqual([303, 409, 409, 409]);
      expect(await identitiesOf(app)).toHaveLength(1);
    });
  },
  RACE_MS,
);

test('a second Bitbucket account stands beside the first one, and either opens the account (LK-011)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox, 'alice');
  await goToBitbucket(browser, sandbox, 'carol');
  expect((await identitiesOf(app)).map(({ account_id }) => account_id)).toEqual([2, 2]);
  const page = await browser.get(ACCOUNT);
  for (const person of ['alice', 'carol']) expect(page.text).toContain(sandbox.person(person).displayName);
  const other = await openAs(app, sandbox, 'carol');
  expect(await whoAmI(other)).toBe('alice');
});

test('the last way in is not disconnected, and the page says so beforehand (LK-012)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox, 'alice');
  const page = await browser.get(ACCOUNT);
  expect(page.text).toContain('This is your last way in, so it cannot be disconnected. Set a password');
  expect(page.text).not.toContain('/disconnect"');
  const [identity] = await identitiesOf(app);
  const answer = await disconnect(browser, identity?.id ?? 0);
  expect(answer.status).toBe(400);
  expect(answer.text).toContain('That is your last way in');
  expect(await identitiesOf(app)).toHaveLength(1);
});

test('a way in that is switched off does not count as one (LK-012, LK-034)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox, 'alice');
  await app.services.db.updateTable('accounts').set({ password_hash: 'x' }).where('username', '=', 'alice').execute();
  const [identity] = await identitiesOf(app);
  const { db } = app.services;
  const off = { key: 'password_authentication_enabled_for_web', value: 'false', updated_at: 0, updated_by: 'root' };
  await db.insertInto('settings').values(off).execute();
  expect((await disconnect(browser, identity?.id ?? 0)).status).toBe(400);
  await db.deleteFrom('settings').execute();
  expect((await disconnect(browser, identity?.id ?? 0)).status).toBe(303);
});

test('a provider that is switched off says so on the account page and connects nobody (LK-034)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox, 'alice');
  app.reconfigure('omniauth: { enabled: false }');
  const page = await browser.get(ACCOUNT).expect(200);
  expect(page.text).toContain('switched off here');
  expect(page.text).not.toContain('name="purpose" value="link"');
  expect((await goToBitbucket(browser, sandbox, 'carol')).status).toBe(404);
  expect(await identitiesOf(app)).toHaveLength(1);
});

test(
  'two ways in disconnected at the same moment: one remains (LK-013)',
  async () => {
    const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
    await race(async ({ late }) => {
      await app.services.db.deleteFrom('accounts').where('username', '!=', 'root').execute();
      await app.services.db.deleteFrom('identities').execute();
      const [one, other] = [openBrowser(app), openBrowser(app)];
      await signInWithBitbucket(one, sandbox, 'alice');
      await goToBitbucket(one, sandbox, 'carol');
      await signInWithBitbucket(other, sandbox, 'carol');
      const [first, second] = (await identitiesOf(app)).map(({ id }) => id);
      const [form, otherForm] = await Promise.all([one.get(ACCOUNT).expect(200), other.get(ACCOUNT).expect(200)]);
      const send = (browser: Browser, id: number | undefined, page: Answer) => () =>
        browser
          .post(`${ACCOUNT}/identities/${id}/disconnect`)
          .type('form')
          .send({ _csrf: csrfOf(page) });
      const answers = await Promise.all([late(send(one, first, form)), late(send(other, second, otherForm))]);
      // The other one is told that it is the last way in, or finds its session ended with the identity.
      expect(answers.filter(({ headers }) => headers['location'] === ACCOUNT)).toHaveLength(1);
      expect(await identitiesOf(app)).toHaveLength(1);
    });
  },
  RACE_MS,
);

test('a disconnected identity does not open the account any more (LK-014)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAsRoot(app);
  await goToBitbucket(browser, sandbox, 'carol');
  const [identity] = await identitiesOf(app);
  await disconnect(browser, identity?.id ?? 0);
  const later = await openAs(app, sandbox, 'carol');
  expect(await whoAmI(later)).toBe('carol');
});

test('what was begun before a disconnection cannot bring the identity back (LK-015)', async () => {
  const { app, sandbox } = await startBoth();
  await makePerson(app, 'ann', { email: 'alice@example.test' });
  const [owner, second, third] = [openBrowser(app), openBrowser(app), openBrowser(app)];
  await signInWithPassword(owner, 'ann', PASSWORD);
  await goToBitbucket(owner, sandbox, 'carol');
  // A connection under way in a second browser, a proof offered in a third one.
  await signInWithPassword(second, 'ann', PASSWORD);
  const start = await submit(second, '/', '/users/auth/bitbucket', { purpose: 'link' });
  const callback = pathOf(await sandbox.decide(String(start.headers['location']), { as: 'dan' }));
  expect((await signInWithBitbucket(third, sandbox, 'alice')).status).toBe(409);
  const { _csrf, mark } = await openLink(third);
  const [identity] = await identitiesOf(app);
  expect((await disconnect(owner, identity?.id ?? 0)).status).toBe(303);
  expect((await second.get(callback)).status).toBe(400);
  const proof = await third.post('/users/link').type('form').send({ _csrf, mark, password: PASSWORD });
  expect(proof.status).toBe(400);
  await third.get('/users/link').expect(400);
  expect(await identitiesOf(app)).toEqual([]);
});

test.each(['0', '-1', '99999999999999999999', 'x', '1.0', '%00'])(
  'disconnecting %s is "not found" (LK-017)',
  async (id) => {
    const { app, sandbox } = await startBoth();
    const browser = await openAs(app, sandbox, 'alice');
    await goToBitbucket(browser, sandbox, 'carol');
    expect((await disconnect(browser, id)).status).toBe(404);
    expect(await identitiesOf(app)).toHaveLength(2);
  },
);

test('an identity of somebody else is "not found" when one tries to disconnect it (LK-017)', async () => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox, 'alice');
  const [identity] = await identitiesOf(app);
  const browser = await openAsRoot(app);
  expect((await disconnect(browser, identity?.id ?? 0)).status).toBe(404);
  expect(await identitiesOf(app)).toHaveLength(1);
});

test('who comes with the address of an account proves it with its password, is connected and signed in (LK-003)', async () => {
  const { app, sandbox } = await startBoth();
  await makePerson(app, 'ann', { email: 'alice@example.test' });
  const browser = openBrowser(app);
  const refused = await signInWithBitbucket(browser, sandbox, 'alice');
  expect(refused.status).toBe(409);
  expect(refused.text).toContain('href="/users/link"');
  const { page } = await openLink(browser);
  expect(page.text).toContain('Alice Example');
  expect(page.text).toContain('alice@example.test');
  expect(page.text).not.toMatch(/\bann\b/);
  expect(await whoAmI(browser)).toBeNull();
  const wrong = await prove(browser, 'not it');
  expect(wrong.status).toBe(422);
  expect(wrong.text).toContain('The username, e-mail address or password is not right.');
  expect(await whoAmI(browser)).toBeNull();
  const answer = await prove(browser, PASSWORD);
  expect([answer.status, answer.headers['location']]).toEqual([303, '/']);
  expect(await whoAmI(browser)).toBe('ann');
  const later = await openAs(app, sandbox, 'alice');
  expect(await whoAmI(later)).toBe('ann');
  expect(await eventsOf(app, 'identity_connected')).toEqual(['identity_connected ok bitbucket']);
  await browser.get('/users/link').expect(400); // used up
});

test('the proof has the limits of the regular form (LK-003)', async () => {
  const { app, sandbox } = await startBoth({ yaml: 'rate_limits: { password_per_account: 2 }\n' });
  await makePerson(app, 'ann', { email: 'alice@example.test' });
  const browser = await openAs(app, sandbox, 'alice');
  for (let time = 0; time < 2; time += 1) expect((await prove(browser, 'not it')).status).toBe(422);
  expect((await prove(browser, PASSWORD)).status).toBe(429);
  expect((await signInWithPassword(openBrowser(app), 'ann', PASSWORD)).status).toBe(429);
  expect(await identitiesOf(app)).toEqual([]);
});

test.each([
  ['blocked', 422],
  ['waiting', 403],
] as const)('the right password of a %s account connects nothing: %i', async (state, status) => {
  const { app, sandbox } = await startBoth();
  await makePerson(app, 'ann', { email: 'alice@example.test' });
  const browser = await openAs(app, sandbox, 'alice');
  await app.services.db.updateTable('accounts').set({ state }).where('username', '=', 'ann').execute();
  expect((await prove(browser, PASSWORD)).status).toBe(status);
  expect(await identitiesOf(app)).toEqual([]);
});

test('who has signed in to that account in this browser meanwhile connects with one button', async () => {
  const { app, sandbox } = await startBoth();
  await makePerson(app, 'ann', { email: 'alice@example.test' });
  const browser = await openAs(app, sandbox, 'alice');
  await signInWithPassword(browser, 'ann', PASSWORD);
  expect((await browser.get(ACCOUNT)).text).toContain('Bitbucket: Alice Example waits to be connected');
  const { page, _csrf, mark } = await openLink(browser);
  expect(page.text).not.toContain('type="password"');
  await browser.post('/users/link').type('form').send({ _csrf, mark }).expect(303);
  expect(await identitiesOf(app)).toHaveLength(1);
});

test('an old session, or one of somebody else, is no proof', async () => {
  let now = Date.now();
  const { app, sandbox } = await startBoth({ now: () => now });
  await makePerson(app, 'ann', { email: 'alice@example.test' });
  await makePerson(app, 'eve');
  for (const [name, ageMinutes, status] of [
    ['ann', 9, 403],
    ['eve', 0, 401],
  ] as const) {
    const browser = openBrowser(app);
    await signInWithPassword(browser, name, PASSWORD);
    now += 7 * MINUTE_MS;
    const start = await submit(browser, '/', '/users/auth/bitbucket');
    const callback = await sandbox.decide(String(start.headers['location']), { as: 'alice' });
    expect((await browser.get(pathOf(callback))).status).toBe(409);
    const { _csrf, mark } = await openLink(browser);
    now += ageMinutes * MINUTE_MS;
    await browser.post('/users/link').type('form').send({ _csrf, mark }).expect(status);
    if (name === 'ann') expect((await browser.get('/users/link')).text).toContain('Confirm that it is you');
  }
  expect(await identitiesOf(app)).toEqual([]);
});

test('a stranger who took an address first gets nothing of its owner, and the owner nothing of the stranger (LK-005)', async () => {
  const { app, sandbox } = await startBoth({ omniauth: '  auto_link_user: true\n' });
  await makePerson(app, 'stranger', { email: 'alice@example.test', email_verified: 0 });
  const owner = openBrowser(app);
  expect((await signInWithBitbucket(owner, sandbox, 'alice')).status).toBe(409);
  expect(await whoAmI(owner)).toBeNull();
  // The stranger's password proves it in the browser that came only, and there only the owner is.
  const stranger = openBrowser(app);
  await signInWithPassword(stranger, 'stranger', PASSWORD);
  await stranger.get('/users/link').expect(400);
  expect((await stranger.get(ACCOUNT)).text).not.toContain('waits to be connected');
  expect(await identitiesOf(app)).toEqual([]);
});

test('a page that names one Bitbucket account does not connect another that came since (LK-016)', async () => {
  const { app, sandbox } = await startBoth();
  await makePerson(app, 'ann', { email: 'alice@example.test' });
  const browser = await openAs(app, sandbox, 'alice');
  const { _csrf, mark } = await openLink(browser);
  expect((await signInWithBitbucket(browser, sandbox, 'twin')).status).toBe(409);
  const answer = await browser.post('/users/link').type('form').send({ _csrf, mark, password: PASSWORD });
  expect(answer.status).toBe(400);
  expect(await identitiesOf(app)).toEqual([]);
  // Nor does a proof that was meant for another account.
  const account = await app.services.db.selectFrom('accounts').selectAll().where('username', '=', 'root').execute();
  const [root] = account;
  if (!root) throw new Error('there is no root');
  const rows = await app.services.db.selectFrom('pending_links').selectAll().execute();
  const [row] = rows;
  const profile = JSON.parse(row?.profile ?? '') as Parameters<typeof offerProof>[2]['profile'];
  const page = await openLink(browser);
  const tokens = { accessToken: '', refreshToken: undefined, expiresIn: 0, scopes: [] };
  const came = { provider: 'bitbucket', profile, tokens, workspaces: undefined };
  await offerProof(app.services, row?.browser_hash ?? '', { ...came, account: root });
  const again = { _csrf: page._csrf, mark: page.mark, password: PASSWORD };
  await browser.post('/users/link').type('form').send(again).expect(400);
  expect(await identitiesOf(app)).toEqual([]);
});

test(
  'of many proofs at the same moment one connects, and none fails otherwise',
  async () => {
    const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
    await makePerson(app, 'ann', { email: 'alice@example.test' });
    await race(async ({ together }) => {
      await app.services.db.deleteFrom('identities').execute();
      const browser = await openAs(app, sandbox, 'alice');
      const { _csrf, mark } = await openLink(browser);
      const proof = { _csrf, mark, password: PASSWORD };
      const answers = await together(4, async () => browser.post('/users/link').type('form').send(proof));
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses.filter((status) => status === 303)).toHaveLength(1);
      expect(statuses.every((status) => [303, 400, 403].includes(status))).toBe(true);
      expect(await identitiesOf(app)).toHaveLength(1);
    });
  },
  RACE_MS,
);

test('a connection begun by one person is not finished for another, nor with nobody signed in (CB-036, CB-037)', async () => {
  const { app, sandbox } = await startBoth();
  await makePerson(app, 'ann');
  for (const next of ['ann', null]) {
    const browser = await openAsRoot(app);
    const start = await submit(browser, '/', '/users/auth/bitbucket', { purpose: 'link' });
    const callback = pathOf(await sandbox.decide(String(start.headers['location']), { as: 'alice' }));
    await signOut(browser);
    if (next !== null) await signInWithPassword(browser, next, PASSWORD);
    expect((await browser.get(callback)).status).toBe(400);
    expect(await whoAmI(browser)).toBe(next);
  }
  expect(await identitiesOf(app)).toEqual([]);
});

test('a sign-in that was started connects nothing to whoever is signed in by the time it ends (CB-035)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  const callback = pathOf(await sandbox.decide(await clickBitbucket(browser), { as: 'alice' }));
  await signInWithPassword(browser);
  await browser.get(callback).expect(303);
  expect(await whoAmI(browser)).toBe('alice'); // an account of their own; nothing was added to root's
  const [identity] = await identitiesOf(app);
  const { db } = app.services;
  const root = await db.selectFrom('accounts').select('id').where('username', '=', 'root').executeTakeFirstOrThrow();
  expect(identity?.account_id).not.toBe(root.id);
});

test('the id of a session changes with each connection and disconnection, and the old one is worth nothing (SE-005)', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAsRoot(app);
  const ids = new Set<string>();
  const note = async () => {
    const rows = await app.services.db.selectFrom('sessions').select('id_hash').execute();
    expect(rows).toHaveLength(1);
    ids.add(rows[0]?.id_hash ?? '');
    expect(await whoAmI(browser)).toBe('root');
  };
  await note();
  await goToBitbucket(browser, sandbox, 'alice');
  await note();
  const [identity] = await identitiesOf(app);
  await disconnect(browser, identity?.id ?? 0);
  await note();
  await app.services.db.updateTable('accounts').set({ external: 1 }).where('username', '=', 'root').execute();
  await browser.get('/').expect(200);
  await note();
  await submit(browser, '/users/confirm', '/users/confirm', { password: 'correct horse battery' });
  await note();
  expect(ids.size).toBe(5);
});
