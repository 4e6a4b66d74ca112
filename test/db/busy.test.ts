// Another process writes: ours waits without stopping, and gives up in time. Kysely has one connection to SQLite, and who
// waits for the lock keeps it; so whoever needs the database waits too, and only who needs none goes on.
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import request from 'supertest';
import { openBrowser, signInWithPassword, whoAmI } from '../support/people.ts';
import { startApp } from '../support/start-app.ts';

test('a lock of one second: who needs the database waits, reading included, and who needs none is served meanwhile (SE-045)', async () => {
  const app = await startApp();
  const other = new BetterSqlite3(join(app.dataDir, 'gatehouse.db'));
  const reader = openBrowser(app);
  const { header } = await signInWithPassword(reader);
  expect(header).toHaveProperty('location');
  const stylesheet = /href="([^"]+\.css)"/.exec((await reader.get('/')).text)?.[1] ?? '';

  other.exec('begin immediate');
  const locked = performance.now();
  const served: string[] = [];
  const note = <T>(what: string, asked: Promise<T>) => asked.finally(() => served.push(what));
  // Begun in this process, so that it has the connection before any request does.
  const writing = note('write', app.services.db.updateTable('accounts').set({ name: 'Root' }).execute());
  const signingIn = note('sign-in', signInWithPassword(openBrowser(app)));
  const reading = note('read', whoAmI(reader));
  await note('health', request(app.url).get('/-/health').expect(200).then());
  await note('stylesheet', request(app.url).get(stylesheet).expect(200).then());
  await new Promise((resolve) => setTimeout(resolve, locked + 1000 - performance.now()));
  expect(served).toEqual(['health', 'stylesheet']);
  other.exec('commit');
  other.close();

  await writing;
  expect((await signingIn).status).toBe(303);
  expect(await reading).toBe('root');
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
