// Another process writes: ours waits without stopping, and gives up in time.
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import request from 'supertest';
import { openBrowser, signInWithPassword } from '../support/people.ts';
import { startApp } from '../support/start-app.ts';

test('a lock of one second is waited for, and pages that only read are served meanwhile (SE-045)', async () => {
  const app = await startApp();
  const other = new BetterSqlite3(join(app.dataDir, 'gatehouse.db'));
  const browser = openBrowser(app);
  await browser.get('/users/sign_in');
  other.exec('begin immediate');
  const signingIn = signInWithPassword(browser);
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await request(app.url).get('/-/health').expect(200);
  expect(performance.now() - started).toBeLessThan(900);
  setTimeout(() => other.exec('commit'), 1000);
  expect((await signingIn).status).toBe(303);
  other.close();
});

test('a lock that stays gives 503, and all is well after it (DB-012)', async () => {
  const app = await startApp();
  const other = new BetterSqlite3(join(app.dataDir, 'gatehouse.db'));
  other.exec('begin immediate');
  const answer = await signInWithPassword(openBrowser(app));
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBeTruthy();
  expect(answer.text).not.toMatch(/SQLITE|locked/);
  other.exec('commit');
  other.close();
  expect((await signInWithPassword(openBrowser(app))).status).toBe(303);
});
