// Reloading: SIGHUP or a change of the file; a broken file changes nothing; some keys wait for a restart.
import { renameSync, rmSync } from 'node:fs';
import type { LoadedConfig } from '../../src/config/load.ts';
import { restartKeys } from '../../src/config/load.ts';
import { watchConfig, type WatchedConfig } from '../../src/config/reload.ts';
import { until } from '../support/until.ts';
import { makePlace } from './make-place.ts';

const stops: (() => void)[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop()));

/** Starts watching a place's file; collects what is told. */
function startWatching(yaml?: string) {
  const place = makePlace(yaml);
  const reloads: { loaded: LoadedConfig; needRestart: string[] }[] = [];
  const broken: string[] = [];
  const watched: WatchedConfig = watchConfig({
    initial: place.load(),
    load: () => place.load(),
    onReload: (loaded, needRestart) => reloads.push({ loaded, needRestart }),
    onBroken: (error) => broken.push(String(error)),
    pollMs: 20,
  });
  stops.push(watched.stop);
  return { place, reloads, broken, watched };
}

test('reload takes over what changed', () => {
  const { place, reloads, watched } = startWatching('session: { idle_minutes: 10 }');
  place.write('config/gatehouse.yml', 'session: { idle_minutes: 20 }');
  watched.reload();
  expect(watched.current().session.idle_minutes).toBe(20);
  expect(Object.isFrozen(watched.current())).toBe(true);
  expect(reloads).toMatchObject([{ needRestart: [], loaded: { config: { session: { idle_minutes: 20 } } } }]);
});

test('a broken file leaves the running configuration as it is and is told with its line (CF-001, CF-007)', () => {
  const { place, reloads, broken, watched } = startWatching('session: { idle_minutes: 10 }');
  const before = watched.current();
  place.write('config/gatehouse.yml', 'session:\n  idle_minutes: soon\n');
  watched.reload();
  expect(watched.current()).toBe(before);
  expect(reloads).toEqual([]);
  expect(broken).toEqual([
    'config/gatehouse.yml:2:3 session.idle_minutes: expected a whole number from 1 to 525600, got "soon"',
  ]);
});

test('a file that was not there at start is noticed when it appears', async () => {
  const { place, watched } = startWatching();
  place.write('config/gatehouse.yml', 'session: { idle_minutes: 20 }');
  await until(() => watched.current().session.idle_minutes === 20);
});

test('a file that is gone is no wish for defaults (CF-007)', () => {
  const { place, broken, watched } = startWatching('session: { idle_minutes: 10 }');
  rmSync(`${place.cwd}/config/gatehouse.yml`);
  watched.reload();
  expect(watched.current().session.idle_minutes).toBe(10);
  expect(broken).toEqual([`${place.cwd}/config/gatehouse.yml: expected the configuration file, got no such file`]);
});

test('keys that need a restart keep their running value and are told (CF-001)', () => {
  const [first, second] = ['first-0123456789-0123456789-0123', 'second-0123456789-0123456789-012'];
  const { place, reloads, watched } = startWatching(`secret_key: ${first}\nlog: { format: json, level: info }\n`);
  const data = watched.current().data_dir;
  place.write(
    'config/gatehouse.yml',
    'listen: { port: 4000 }\ndata_dir: other\nlog: { format: pretty, level: debug }\n',
  );
  watched.reload();
  expect(watched.current()).toMatchObject({
    external_url: 'http://localhost:3000',
    listen: { host: '127.0.0.1', port: 3000 },
    data_dir: data,
    secret_key: [first],
    log: { format: 'json', level: 'debug' },
  });
  const needRestart = ['external_url', 'listen.port', 'data_dir', 'secret_key', 'log.format'];
  expect(reloads[0]?.needRestart).toEqual(needRestart);

  place.write('config/gatehouse.yml', `secret_key: [${second}, ${first}]\n`);
  watched.reload();
  expect(reloads[1]?.needRestart).toEqual(['secret_key']);
});

test('restartKeys names nothing that takes effect at once', () => {
  const before = makePlace('password_sign_in: true').load().config;
  const after = { ...before, password_sign_in: false };
  expect(restartKeys(before, after)).toEqual([]);
  expect(
    restartKeys(before, { ...after, database_url: 'sqlite:/x', listen: { ...before.listen, host: '::' } }),
  ).toEqual(['listen.host', 'database_url']);
});

test('SIGHUP reloads, and no longer after stop', () => {
  const others = process.listenerCount('SIGHUP');
  const { place, reloads, watched } = startWatching('session: { idle_minutes: 10 }');
  place.write('config/gatehouse.yml', 'session: { idle_minutes: 20 }');
  process.emit('SIGHUP', 'SIGHUP');
  expect(watched.current().session.idle_minutes).toBe(20);
  watched.stop();
  expect(process.listenerCount('SIGHUP')).toBe(others);
  expect(reloads).toHaveLength(1);
});

test('a change of the file reloads, written in place or replaced by an editor', async () => {
  const { place, watched } = startWatching('session: { idle_minutes: 10 }');
  place.write('config/gatehouse.yml', 'session: { idle_minutes: 2000 }');
  await until(() => watched.current().session.idle_minutes === 2000);
  const draft = place.write('config/draft', 'session: { idle_minutes: 30 }');
  renameSync(draft, `${place.cwd}/config/gatehouse.yml`);
  await until(() => watched.current().session.idle_minutes === 30);
});

test('what was loaded at a signal is not loaded once more when the file is looked at, broken or not', async () => {
  const { place, reloads, broken, watched } = startWatching('session: { idle_minutes: 10 }');
  place.write('config/gatehouse.yml', 'session: { idle_minutes: soon }');
  watched.reload();
  place.write('config/gatehouse.yml', 'session: { idle_minutes: 300 }');
  watched.reload();
  place.write('config/gatehouse.yml', 'session: { idle_minutes: 4000 }');
  await until(() => watched.current().session.idle_minutes === 4000);
  await new Promise((resolve) => setTimeout(resolve, 200)); // for looks that find nothing
  expect([broken.length, reloads.length]).toEqual([1, 2]);
});
