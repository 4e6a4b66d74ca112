// What was just done is told on the very next page, however slow the store of the sessions is and fast the browser.
import type { SessionData } from 'express-session';
import { SessionStore } from '../../src/web/session-store.ts';
import { csrfOf, openBrowser, signInWithPassword } from '../support/people.ts';
import { startApp } from '../support/start-app.ts';

/** How long a write of a message takes to arrive. */
const SLOW_MS = 300;

afterEach(() => jest.restoreAllMocks());

test('a page asked for as soon as the headers of a redirect have come tells what was done', async () => {
  const app = await startApp();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  const _csrf = csrfOf(await browser.get('/-/profile/account').expect(200));
  const jar = browser.jar.getCookies({ domain: 'localhost', path: '/', secure: false, script: false });
  const cookie = jar.toValueString();
  const write = Object.getOwnPropertyDescriptor(SessionStore.prototype, 'set')?.value as SessionStore['set'];
  jest.spyOn(SessionStore.prototype, 'set').mockImplementation(function (
    this: SessionStore,
    ...[id, value, done]: [string, SessionData, ((error?: unknown) => void)?]
  ) {
    setTimeout(() => write.call(this, id, value, done), SLOW_MS);
  });
  const answer = await fetch(`${app.url}/-/profile/account`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie },
    body: new URLSearchParams({ _csrf, name: 'Another Root' }),
  });
  expect(answer.status).toBe(303);
  const next = await fetch(new URL(answer.headers.get('location') ?? '', app.url), { headers: { cookie } });
  const text = await next.text();
  expect(text).toContain('Another Root');
  expect(text).toMatch(/class="[^"]*flash/);
  await answer.arrayBuffer();
});
