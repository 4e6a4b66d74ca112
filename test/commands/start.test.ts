// Starting where something is in the way: it is said in one line, or it does not matter.
import { createServer } from 'node:http';
import { join } from 'node:path';
import SqliteFile from 'better-sqlite3';
import { nodeWarning } from '../../src/commands/node-version.ts';
import { closeAtEnd, makeDataDir } from '../support/at-end.ts';
import { freePort, run, start } from './run.ts';

test('check-config needs neither the port nor the database that it names (CF-003)', async () => {
  const taken = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
  closeAtEnd(() => new Promise<void>((resolve) => void taken.close(() => resolve())));
  const database = {
    DATABASE_URL: 'postgres://u:p4ss@127.0.0.1:9/db',
    GATEHOUSE_SECRET_KEY: '0123456789abcdef'.repeat(2),
  };
  const { code, out, err } = await run(makeDataDir(), ['check-config'], { PORT: String(port), ...database });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).not.toContain('p4ss');
});

test('a database of a newer Gatehouse ends with one plain line, and stays as it is (CF-010)', async () => {
  const cwd = makeDataDir();
  await run(cwd, ['migrate']);
  const file = new SqliteFile(join(cwd, 'data/gatehouse.db'));
  file.prepare('update schema_version set version = 99').run();
  for (const command of ['serve', 'migrate']) {
    const { code, err } = await run(cwd, [command], { PORT: String(await freePort()) });
    expect(code).toBe(1);
    expect(err).toMatch(/^gatehouse: the database has version \d+, this Gatehouse knows \d+.*\n$/);
  }
  expect(file.prepare('select version from schema_version').all()).toEqual([{ version: 99 }]);
  file.close();
});

test('root as its user and a Node without fixes are said in the log (CF-012, HT-024)', async () => {
  const server = start(makeDataDir(), ['serve'], { PORT: String(await freePort()) });
  await server.says('Gatehouse is ready');
  expect(server.out.includes('running as root')).toBe(process.getuid?.() === 0);
  expect(server.out.includes(`Node ${process.version} gets no security fixes`)).toBe(
    /^v(2[0135])\./.test(process.version),
  );
});

test.each([
  ['v20.20.2', false],
  ['v21.0.0', false],
  ['v22.22.0', true],
  ['v23.11.0', false],
  ['v24.8.0', true],
  ['v25.0.0', false],
  ['v26.4.0', true],
])('of Node %s it is known whether it gets fixes: %j (HT-024)', (version, fixed) => {
  expect(nodeWarning(version) === undefined).toBe(fixed);
});

test('doctor tells the version of Node (HT-024)', async () => {
  const { out } = await run(makeDataDir(), ['doctor']);
  expect(out).toMatch(
    nodeWarning(process.version) === undefined ? /^ok +node: v\d/m : /^warning +node: .*\n +-> install Node 24/m,
  );
});
