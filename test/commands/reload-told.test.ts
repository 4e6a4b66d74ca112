// A reload is told: in the audit log, and on the page of the running configuration.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { openBrowser, signInWithPassword } from '../support/people.ts';
import { makeDataDir } from '../support/at-end.ts';
import { ROOT_PASSWORD } from '../support/start-app.ts';
import { until } from '../support/until.ts';
import { freePort, start } from './run.ts';

interface Event {
  result: string;
  reason: string | null;
  details: string;
}

function reloadsIn(cwd: string): Event[] {
  const db = new BetterSqlite3(join(cwd, 'data/gatehouse.db'), { readonly: true });
  const rows = db.prepare("select * from audit_events where action = 'configuration_reloaded' order by id").all();
  db.close();
  return rows as Event[];
}

test('a good and a broken reload are events without values; the page names the line, and forgets it when it is mended (CF-007, CF-014)', async () => {
  const port = await freePort();
  const cwd = makeDataDir();
  mkdirSync(join(cwd, 'config'));
  const write = (yaml: string) =>
    writeFileSync(join(cwd, 'config/gatehouse.yml'), `listen: { port: ${port} }\n${yaml}`, { mode: 0o600 });
  write('');
  const server = start(cwd, ['serve'], { GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD });
  await server.says('Gatehouse is ready');
  const reload = async (yaml: string, words: string) => {
    write(yaml);
    const before = reloadsIn(cwd).length;
    server.process.kill('SIGHUP');
    await server.says(words);
    await until(() => reloadsIn(cwd).length > before);
  };
  const root = openBrowser({ url: `http://localhost:${port}` });
  await signInWithPassword(root);
  const page = async () => (await root.get('/admin/configuration').set('Accept', 'application/json')).body as object;
  expect(await page()).toMatchObject({ broken: null, need_restart: [], file: join(cwd, 'config/gatehouse.yml') });

  await reload('session: { idle_minutes: soon }\n', 'configuration not reloaded');
  const mistake =
    'config/gatehouse.yml:2:12 session.idle_minutes: expected a whole number from 1 to 525600, got "soon"';
  expect(await page()).toMatchObject({ broken: { mistakes: [mistake] } });

  await reload('session: { idle_minutes: 33 }\ndata_dir: elsewhere\n', 'configuration reloaded');
  expect(await page()).toMatchObject({
    broken: null,
    need_restart: ['data_dir'],
    settings: expect.arrayContaining([
      { key: 'session.idle_minutes', value: '33', source: 'config/gatehouse.yml:2:12' },
      { key: 'data_dir', value: join(cwd, 'data'), source: 'config/gatehouse.yml:3:1' },
    ]) as unknown,
  });
  const events = reloadsIn(cwd).slice(0, 2);
  expect(events.map(({ result, reason, details }) => [result, reason, JSON.parse(details) as unknown])).toEqual([
    ['failed', 'mistakes', { mistakes: 1 }],
    ['ok', null, { changed: ['session.idle_minutes'], need_restart: ['data_dir'] }],
  ]);
});
