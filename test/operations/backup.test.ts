// A backup made while people sign in and out, brought back somewhere else with the commands of docs/operations.md.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { freePort } from '../commands/run.ts';
import { makeDataDir } from '../support/at-end.ts';
import { command, describeWith, postgres } from './needs.ts';
import { configure, makePeople, openSandbox, PUBLIC_URL, ROOT_PASSWORD, SECRET_KEY, startNode } from './nodes.ts';
import { makeDatabase } from './postgres.ts';
import { Visitor } from './visitor.ts';

const run = promisify(execFile);

/** People who come and go for as long as the work takes. */
async function underLoad(sandbox: Sandbox, port: number, work: () => Promise<unknown>): Promise<void> {
  let over = false;
  const coming = ['person-1', 'person-2', 'person-3'].map(async (person) => {
    while (!over) {
      const visitor = new Visitor({ url: PUBLIC_URL, port });
      await visitor.signIn(sandbox, person);
      await visitor.signOut();
    }
  });
  await work();
  over = true;
  await Promise.all(coming);
}

/** Whoever was signed in at the time of the backup still is, and everybody else can sign in. */
async function expectRestored(sandbox: Sandbox, before: Visitor, port: number): Promise<void> {
  expect(await before.through(port).whoAmI()).toBe('person-0');
  for (const person of ['person-0', 'person-1', 'person-9']) {
    const visitor = new Visitor({ url: PUBLIC_URL, port });
    expect((await visitor.signIn(sandbox, person)).status).toBe(303);
    expect(await visitor.whoAmI()).toBe(person);
  }
  const root = new Visitor({ url: PUBLIC_URL, port });
  expect((await root.signInWithPassword('root', ROOT_PASSWORD)).status).toBe(303);
}

describeWith([command('sqlite3')], 'a backup of SQLite', () => {
  test('is made under load and works elsewhere (DB-011, R-26)', async () => {
    const sandbox = await openSandbox(makePeople(10));
    const cwd = configure(sandbox);
    const port = await freePort();
    await startNode(cwd, port);
    const before = new Visitor({ url: PUBLIC_URL, port });
    await before.signIn(sandbox, 'person-0');
    const backup = makeDataDir();
    await underLoad(sandbox, port, async () => {
      await run('sqlite3', [join(cwd, 'data/gatehouse.db'), `.backup '${backup}/gatehouse.db'`]);
      await run('sqlite3', [join(cwd, 'data/gatehouse.db'), `vacuum into '${backup}/compact.db'`]);
      copyFileSync(join(cwd, 'data/secret_key'), join(backup, 'secret_key'));
    });

    for (const file of ['gatehouse.db', 'compact.db']) {
      const { stdout } = await run('sqlite3', [
        join(backup, file),
        'pragma integrity_check; select count(*) > 1 from accounts',
      ]);
      expect(stdout.trim()).toBe('ok\n1');
    }
    const elsewhere = configure(sandbox);
    mkdirSync(join(elsewhere, 'data'));
    copyFileSync(join(backup, 'gatehouse.db'), join(elsewhere, 'data/gatehouse.db'));
    copyFileSync(join(backup, 'secret_key'), join(elsewhere, 'data/secret_key'));
    const other = await freePort();
    await startNode(elsewhere, other);
    await expectRestored(sandbox, before, other);
  });
});

describeWith([postgres, command('pg_dump'), command('pg_restore')], 'a backup of PostgreSQL', () => {
  test('is made under load and works elsewhere (DB-011, R-26)', async () => {
    const sandbox = await openSandbox(makePeople(10));
    const [here, there] = [await makeDatabase(), await makeDatabase({ empty: true })];
    const cwd = configure(sandbox);
    const port = await freePort();
    const keys = { GATEHOUSE_SECRET_KEY: SECRET_KEY };
    await startNode(cwd, port, { DATABASE_URL: here.url, ...keys });
    const before = new Visitor({ url: PUBLIC_URL, port });
    await before.signIn(sandbox, 'person-0');
    const dump = join(makeDataDir(), 'gatehouse.dump');
    await underLoad(sandbox, port, () => run('pg_dump', ['--format=custom', `--file=${dump}`, here.url]));

    await run('pg_restore', ['--no-owner', '--exit-on-error', `--dbname=${there.url}`, dump]);
    const other = await freePort();
    await startNode(configure(sandbox), other, { DATABASE_URL: there.url, ...keys });
    await expectRestored(sandbox, before, other);
  });
});
