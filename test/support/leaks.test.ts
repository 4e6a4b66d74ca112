// The search for secrets that each test ends with (test/support/leaks.ts) finds what it is there for.
import { run } from '../commands/run.ts';
import { takeLeaks, takeLeaksSoFar } from './leaks.ts';
import { makeAccessToken, openBrowser, signInWithBitbucket, signInWithPassword, startBoth } from './people.ts';
import { endAll, makeDataDir } from './at-end.ts';
import { ROOT_PASSWORD } from './start-app.ts';

/** Somebody has signed in by each way. */
async function signInBoth() {
  const both = await startBoth();
  const browser = openBrowser(both.app);
  await signInWithPassword(openBrowser(both.app));
  const answer = await signInWithBitbucket(browser, both.sandbox);
  const lines = [answer.headers['set-cookie'] ?? []].flat().join('\n');
  const sessionId = /gatehouse=s%3A([\w-]+)/.exec(lines)?.[1] ?? '';
  return { ...both, browser, sessionId };
}

test('when all goes well nothing secret is written anywhere, no session id and no form token either (LG-001, SE-036)', async () => {
  const { app } = await signInBoth();
  expect(app.log.length).toBeGreaterThan(5);
  await endAll();
  expect(takeLeaks()).toEqual([]);
});

test('a secret in the log, a page, the database or what a process prints would fail the test that wrote it (LG-001)', async () => {
  const { app, sandbox, browser, sessionId } = await signInBoth();
  const valueOf = (kind: string) => sandbox.handedOut.find((secret) => secret.kind === kind)?.value ?? '';
  app.services.log.info({ headers: { cookie: `gatehouse=s%3A${sessionId}` } }, 'a careless line');
  app.services.log.info({ url: `/users/auth?code=${valueOf('code')}` }, 'another one');
  await app.services.db
    .updateTable('accounts')
    .set({ name: valueOf('refresh token') })
    .execute();
  await browser.get('/').expect(200); // shows the name
  await run(makeDataDir(), ['check-config', '--config', ROOT_PASSWORD]);
  await endAll();
  expect(takeLeaks()).toEqual(
    expect.arrayContaining([
      'session id in log: of the started app',
      'code in log: of the started app',
      'refresh token in answer: GET /',
      expect.stringMatching(/^refresh token in database: /),
      `password in output of a process: check-config --config ${ROOT_PASSWORD}`,
    ]),
  );
});

test('in the middle of a long test, too, what Bitbucket has handed out so far is looked for (LG-001)', async () => {
  const { app, sandbox, browser } = await signInBoth();
  const { value = '' } = sandbox.handedOut.find(({ kind }) => kind === 'refresh token') ?? {};
  await app.services.db.updateTable('accounts').set({ name: value }).execute();
  await browser.get('/').expect(200); // shows the name
  await app.services.db.updateTable('accounts').set({ name: 'Alice' }).execute();
  expect(takeLeaksSoFar()).toEqual(['refresh token in answer: GET /']);
  await endAll();
  takeLeaks(); // the name is still in the database's log of changes
});

test('an access token is looked for as well, from the answer on that shows it once (LG-001)', async () => {
  const { app, browser } = await signInBoth();
  const token = await makeAccessToken(browser);
  expect(takeLeaksSoFar()).toEqual([]);
  app.services.log.info({ token }, 'a careless line');
  await app.services.db.updateTable('accounts').set({ name: token }).execute();
  await browser.get('/').expect(200); // shows the name
  await endAll();
  expect(takeLeaks()).toEqual(
    expect.arrayContaining(['access token in log: of the started app', 'access token in answer: GET /']),
  );
});
