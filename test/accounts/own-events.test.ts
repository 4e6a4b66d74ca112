// The page of a person's own events: all of theirs, and nothing of anybody else's.
import { recordEvent } from '../../src/audit/record.ts';
import type { Browser } from '../support/people.ts';
import { openAs, openBrowser, signInWithBitbucket, signInWithPassword, signOut, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';

const EVENTS = '/-/user_settings/authentication_log';

interface Page {
  events: { id: number; what: string; [field: string]: unknown }[];
  next_before: number | null;
}

async function eventsOf(browser: Browser, query = ''): Promise<Page> {
  return (await browser.get(`${EVENTS}.json${query}`).expect(200)).body as Page;
}

async function personOf({ services }: TestApp, username: string) {
  return services.db
    .selectFrom('accounts')
    .select(['id', 'username'])
    .where('username', '=', username)
    .executeTakeFirstOrThrow();
}

test('a person sees what they did and what was refused, with time, reason, place and agent in words', async () => {
  const { app, sandbox } = await startBoth();
  const browser = openBrowser(app);
  browser.set('User-Agent', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) <b>Firefox/145.0</b>');
  await signInWithBitbucket(browser, sandbox);
  await signOut(browser);
  await signInWithBitbucket(browser, sandbox);
  await signInWithPassword(openBrowser(app), 'alice', 'wrong');
  const { events, next_before } = await eventsOf(browser);
  expect(next_before).toBeNull();
  expect(events.map(({ what, result }) => [what, result])).toEqual([
    ['Sign-in', 'refused'],
    ['Sign-in', 'ok'],
    ['Sign-out', 'ok'],
    ['Sign-in', 'ok'],
    ['Account made', 'ok'],
  ]);
  expect(events[0]).toMatchObject({ target: 'Username and password', reason_words: 'wrong password', by: null });
  expect(events[1]).toMatchObject({ target: 'Bitbucket', address: '127.0.0.1', device: 'Firefox on macOS' });
  const { text } = await browser.get(EVENTS).expect(200);
  expect(text).toContain('wrong password');
  expect(text).toContain('Firefox on macOS');
  expect(text).not.toContain('<b>');
});

test("of other people's doings only the administrator's user name is shown, and no event of anybody else (AD-016)", async () => {
  const { app, sandbox } = await startBoth();
  const [alice, root, bob] = [openBrowser(app), openBrowser(app), openBrowser(app)];
  root.set('User-Agent', 'The-Administrators-Own/1.0');
  await signInWithBitbucket(alice, sandbox);
  await signInWithBitbucket(bob, sandbox, 'bob');
  await signInWithPassword(root);
  const { services } = app;
  const [victim, admin, other] = [
    await personOf(app, 'alice'),
    await personOf(app, 'root'),
    await personOf(app, 'bob_builder'),
  ];
  const byAdmin = { ip: '203.0.113.7', id: 'request-of-root', headers: { 'user-agent': 'The-Administrators-Own/1.0' } };
  for (const account of [victim, other]) {
    const event = { action: 'sessions_ended', actor: admin, account, details: { note: 'not for everybody' } } as const;
    await recordEvent(services, services.db, event, byAdmin as never);
  }
  const { events } = await eventsOf(alice);
  expect(events[0]).toEqual({
    id: expect.any(Number) as number,
    at: expect.stringMatching(/Z$/) as string,
    action: 'sessions_ended',
    what: 'Signed out everywhere',
    target: null,
    result: 'ok',
    reason: null,
    reason_words: null,
    by: 'root',
    account: null,
    address: null,
    agent: null,
    device: null,
  });
  const everything = JSON.stringify(events) + (await alice.get(EVENTS).expect(200)).text;
  for (const foreign of ['203.0.113.7', 'Administrators-Own', 'request-of-root', 'not for everybody', 'bob'])
    expect(everything).not.toContain(foreign);
  expect(everything).toContain('by @root');
  // Whoever did it sees to whom, and from where: it was their own doing.
  expect((await eventsOf(root)).events[0]).toMatchObject({ by: null, account: 'bob_builder', address: '203.0.113.7' });
});

test('the list is read in pages of 50 that do not shift, and a page that is none is told so', async () => {
  const { app, sandbox } = await startBoth();
  const browser = await openAs(app, sandbox);
  const actor = await personOf(app, 'alice');
  for (let index = 0; index < 99; index += 1) {
    await recordEvent(app.services, app.services.db, { action: 'confirm', actor, reason: 'a_reason_of_ours' });
  }
  const first = await eventsOf(browser);
  expect(first.events).toHaveLength(50);
  await recordEvent(app.services, app.services.db, { action: 'confirm', actor });
  const second = await eventsOf(browser, `?before=${first.next_before}`);
  const third = await eventsOf(browser, `?before=${second.next_before}`);
  expect([second.events.length, third.events.length, third.next_before]).toEqual([50, 1, null]);
  const ids = [first, second, third].flatMap(({ events }) => events.map(({ id }) => id));
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
  const page = await browser.get(`${EVENTS}?before=${first.next_before}`).expect(200);
  expect(page.text).toContain(`${EVENTS}?before=${second.next_before}"`);
  expect(page.text).toContain('a reason of ours');
  for (const before of ['-1', '0', '1.5', 'x', '9223372036854775808', '1&before=2', "1'"])
    expect([before, (await browser.get(`${EVENTS}?before=${before}`)).status]).toEqual([before, 400]);
  expect((await eventsOf(browser, '?before=1')).events).toEqual([]);
  expect((await browser.get(`${EVENTS}?before=1`)).text).toContain('Nothing yet.');
});

test('strangers are led to the sign-in page, or told 401', async () => {
  const { app } = await startBoth();
  const answer = await openBrowser(app).get(EVENTS).expect(303);
  expect(answer.headers['location']).toBe(`/users/sign_in?return_to=${encodeURIComponent(EVENTS)}`);
  await openBrowser(app).get(`${EVENTS}.json`).expect(401);
});
