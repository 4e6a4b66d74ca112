// The commands, run as processes.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { CONSUMER, providerYaml } from '../support/provider.ts';
import { closeAtEnd, closeSandboxAtEnd, makeDataDir } from '../support/at-end.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { freePort, run, start } from './run.ts';

async function openSandbox(): Promise<Sandbox> {
  const sandbox = await startSandbox({
    consumers: [{ ...CONSUMER, callbackUrl: 'http://localhost:3000/users/auth', permissions: ['account', 'email'] }],
  });
  closeSandboxAtEnd(sandbox);
  return sandbox;
}

function configured(yaml: string): string {
  const cwd = makeDataDir();
  mkdirSync(join(cwd, 'config'));
  writeFileSync(join(cwd, 'config/gatehouse.yml'), yaml, { mode: 0o600 });
  return cwd;
}

test('wrong usage ends with 2 and a line that says what is there', async () => {
  const cwd = makeDataDir();
  const wrong = [[], ['nope'], ['serve', '--nope'], ['admin'], ['admin', 'approve'], ['admin', 'approve', 'a', 'b']];
  const [help, ...others] = await Promise.all([['--help'], ...wrong].map((args) => run(cwd, args)));
  for (const other of others) {
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('usage: gatehouse') as string });
  }
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help?.out).toContain('check-config');
  expect(others[2]?.err).toMatch(/^gatehouse: Unknown option '--nope'\nusage: /);
});

test('--help behind a command that takes words says how that one is called', async () => {
  const cwd = makeDataDir();
  const [admin, importing] = await Promise.all([run(cwd, ['admin', '--help']), run(cwd, ['import', '-h'])]);
  expect(admin).toMatchObject({ code: 0, out: expect.stringMatching(/^usage: gatehouse admin ACTION NAME/) as string });
  expect(importing).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^usage: gatehouse import WORKSPACE/) as string,
  });
});

test('a database that is away is told with the next step by every command that needs it', async () => {
  const cwd = makeDataDir();
  const env = {
    DATABASE_URL: `postgres://nobody@127.0.0.1:${await freePort()}/none`,
    GATEHOUSE_SECRET_KEY: 'a key that is long enough for this test',
  };
  const all = [['admin', 'link', 'root'], ['migrate'], ['serve']].map((args) => run(cwd, args, env));
  for (const { code, err } of await Promise.all(all)) {
    expect(code).toBe(1);
    expect(err).toMatch(
      /^gatehouse: the database cannot be used: .*ECONNREFUSED.* Check that it runs, and database_url/,
    );
    expect(err.trim().split('\n')).toHaveLength(1);
  }
});

test('check-config tells every mistake with line and column, touches nothing, and prints no secret (CF-002, CF-003, CF-004)', async () => {
  const cwd = configured(
    `listen: { prot: 3000 }\nlog: { level: loud }\nomniauth:\n  providers:\n    - { name: bitbucket, app_id: k, app_secrt: s3cr3t }\n`,
  );
  const [{ code, err, out }, good] = await Promise.all([
    run(cwd, ['check-config']),
    run(configured(''), ['check-config']),
  ]);
  expect(code).toBe(1);
  const lines = (err + out).trim().split('\n');
  expect(lines[0]).toMatch(/^config\/gatehouse\.yml:1:\d+ listen\.prot: expected .*, got .* \(did you mean port\?\)$/);
  expect(lines[1]).toMatch(/^config\/gatehouse\.yml:2:\d+ log\.level: expected /);
  expect(lines.length).toBeGreaterThanOrEqual(4);
  expect(err + out).not.toContain('s3cr3t');
  expect(existsSync(join(cwd, 'data'))).toBe(false);
  expect(good).toMatchObject({ code: 0 });
});

test('check-config prints the warnings also when there are mistakes, which come first for editors (CF-002)', async () => {
  const cwd = configured('log: { level: loud }\n');
  writeFileSync(join(cwd, '.env'), 'PORTT=1\nPORT=none\n', { mode: 0o600 });
  const { code, err, out } = await run(cwd, ['check-config']);
  expect(code).toBe(1);
  expect(err.trim().split('\n')).toEqual([
    expect.stringMatching(/^config\/gatehouse\.yml:1:\d+ log\.level: /),
    expect.stringMatching(/^\.env:2:1 listen\.port: /),
  ]);
  expect(out).toBe('warning: .env:1: PORTT is no setting (did you mean PORT?)\n');
});

test('check-config and doctor warn that anyone can make an account', async () => {
  const sandbox = await openSandbox();
  const cwd = configured(providerYaml(sandbox));
  const both = await Promise.all([run(cwd, ['check-config']), run(cwd, ['doctor'])]);
  for (const { out } of both) expect(out).toMatch(/warning.*anyone|warning.*anybody/i);
});

test('two environment variables alone set up Bitbucket', async () => {
  const { code, out } = await run(makeDataDir(), ['check-config'], {
    BITBUCKET_APP_KEY: 'k3y',
    BITBUCKET_APP_SECRET: 's3cr3t',
  });
  expect(code).toBe(0);
  expect(out).toContain('sign-in providers: bitbucket');
  expect(out).not.toContain('s3cr3t');
});

describe('doctor', () => {
  test('prints what to enter at Bitbucket and finds all well; it changes nothing', async () => {
    const cwd = configured(providerYaml(await openSandbox()));
    const { code, out } = await run(cwd, ['doctor']);
    expect(out).toContain('Callback URL  http://localhost:3000/users/auth');
    expect(out).toMatch(/ok +provider bitbucket, reachable/);
    expect(out).toMatch(/ok +provider bitbucket, key and secret/);
    expect(out).toMatch(/ok +clock/);
    expect(out).toMatch(/ok +database/);
    expect(out).toMatch(/ok +disk/);
    expect(code).toBe(0);
    expect(existsSync(join(cwd, 'data'))).toBe(false);
  });

  test('finds a wrong secret, a wrong key and a wrong callback, each with the next step', async () => {
    const sandbox = await openSandbox();
    const [wrongSecret, wrongCallback] = await Promise.all([
      run(configured(providerYaml(sandbox).replace(CONSUMER.secret, 'wrong')), ['doctor']),
      run(configured(`external_url: http://localhost:4000\n${providerYaml(sandbox)}`), ['doctor']),
    ]);
    expect(wrongSecret.code).toBe(1);
    expect(wrongSecret.out).toMatch(/failed +provider bitbucket, key and secret.*\n +-> copy key and secret again/);
    expect(wrongSecret.out).not.toContain('wrong');
    expect(wrongCallback.code).toBe(1);
    expect(wrongCallback.out).toMatch(
      /failed +provider bitbucket, callback.*\n +-> set the consumer's callback URL to http:\/\/localhost:4000\/users\/auth/,
    );
  });

  test('says that Bitbucket cannot be reached', async () => {
    const sandbox = await openSandbox();
    const cwd = configured(providerYaml(sandbox));
    await sandbox.close();
    const { code, out } = await run(cwd, ['doctor']);
    expect(code).toBe(1);
    expect(out).toMatch(/failed +provider bitbucket, reachable/);
  });
});

describe('serve', () => {
  test('comes up, keeps its files to itself, reloads, and stops gracefully', async () => {
    const sandbox = await openSandbox();
    const port = await freePort();
    const yaml = `listen: { port: ${port} }\n${providerYaml(sandbox)}`;
    const cwd = configured(yaml);
    const server = start(cwd, ['serve', '--no-jobs']);
    await server.says('Gatehouse is ready');
    for (const file of ['gatehouse.db', 'secret_key', 'initial_root_password']) {
      expect(statSync(join(cwd, 'data', file)).mode & 0o077).toBe(0);
    }
    expect(server.out).not.toContain(readFileSync(join(cwd, 'data/initial_root_password'), 'utf8').trim());
    const page = async () => (await fetch(`http://localhost:${port}/users/sign_in`)).text();
    expect(await page()).toContain('Sign in with Bitbucket');

    writeFileSync(join(cwd, 'config/gatehouse.yml'), `${yaml}nonsense: true\n`);
    server.process.kill('SIGHUP');
    await server.says('not reloaded');
    expect(server.out).toContain('nonsense');
    expect(await page()).toContain('Sign in with Bitbucket');

    writeFileSync(
      join(cwd, 'config/gatehouse.yml'),
      `listen: { port: ${port} }\npassword_sign_in: false\ndata_dir: other\n`,
    );
    server.process.kill('SIGHUP');
    await server.says('configuration reloaded');
    expect(server.out).toContain('"need_restart":["data_dir"]');
    expect(await page()).not.toContain('type="password"');

    server.process.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
  });

  test('notices a changed file by itself', async () => {
    const port = await freePort();
    const cwd = configured(`listen: { port: ${port} }\n`);
    const server = start(cwd, ['serve']);
    await server.says('Gatehouse is ready');
    writeFileSync(join(cwd, 'config/gatehouse.yml'), `listen: { port: ${port} }\nsession: { idle_minutes: 5 }\n`);
    await server.says('configuration reloaded');
  });

  test('a taken port is named with the cure (CF-010)', async () => {
    const taken = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    closeAtEnd(() => new Promise<void>((resolve) => void taken.close(() => resolve())));
    const { code, err } = await run(makeDataDir(), ['serve'], { PORT: String(port) });
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^gatehouse: port ${port} is in use.*PORT=`));
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test.each([
    ['a folder that cannot be made', { GATEHOUSE_DATA_DIR: '/dev/null/x' }],
    [
      'PostgreSQL that is away',
      { DATABASE_URL: 'postgres://u:p4ss@localhost/db', GATEHOUSE_SECRET_KEY: 'k'.repeat(32) },
    ],
    ['a file that is no database', { DATABASE_URL: 'sqlite:gatehouse.yml' }],
  ])('%s ends with one plain line (CF-010, CF-012)', async (_name, env) => {
    const cwd = makeDataDir();
    writeFileSync(join(cwd, 'gatehouse.yml'), 'this is no database, but long enough to look at: '.repeat(100));
    const { code, err } = await run(cwd, ['serve'], { PORT: String(await freePort()), ...env });
    expect(code).toBe(1);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).toMatch(/^gatehouse: /);
    expect(err).not.toContain('p4ss');
  });

  test('two servers on one database file are safe, started at the same moment (CF-011)', async () => {
    const cwd = makeDataDir();
    const ports = [await freePort(), await freePort()];
    const servers = ports.map((port) => start(cwd, ['serve'], { PORT: String(port) }));
    await Promise.all(servers.map((server) => server.says('Gatehouse is ready')));
    const made = servers.filter(({ out }) => out.includes('first administrator made'));
    expect(made).toHaveLength(1);
  });
});

test('admin approve lets a waiting person in, and says who waits when the name is wrong', async () => {
  const sandbox = await openSandbox();
  const port = await freePort();
  const cwd = configured(`listen: { port: ${port} }\n${providerYaml(sandbox)}  block_auto_created_users: true\n`);
  sandbox.consumers[0]!.callbackUrl = `http://localhost:${port}/users/auth`;
  const server = start(cwd, ['serve']);
  await server.says('Gatehouse is ready');
  const { openBrowser, signInWithBitbucket } = await import('../support/people.ts');
  const app = { url: `http://localhost:${port}` };
  expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(403);
  const wrongName = await run(cwd, ['admin', 'approve', 'alicia']);
  expect(wrongName).toMatchObject({ code: 1, err: expect.stringContaining('Waiting: alice') as string });
  expect(await run(cwd, ['admin', 'approve', 'alice'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('may sign in now') as string,
  });
  expect(await run(cwd, ['admin', 'approve', 'alice'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('already') as string,
  });
  expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
});

describe('demo', () => {
  test('needs nothing, reads no configuration, and prints where to click, who is there and the password', async () => {
    const port = await freePort();
    const cwd = configured('this: is not read');
    writeFileSync(join(cwd, '.env'), 'PORT=1\nDATABASE_URL=nonsense\n');
    const demo = start(cwd, ['demo'], { PORT: String(port) });
    await demo.says('Stop with Ctrl+C');
    expect(demo.out).toContain(`http://localhost:${port}`);
    expect(demo.out).toContain(`http://127.0.0.1:${port + 1}/`);
    expect(demo.out).toContain('Alice');
    expect(demo.out).toMatch(/as root with the password \S{12}/);
    const page = await (await fetch(`http://localhost:${port}/users/sign_in`)).text();
    expect(page).toContain('Sign in with Bitbucket');
    expect(existsSync(join(cwd, 'data/demo/gatehouse.db'))).toBe(true);
    demo.process.kill('SIGINT');
    expect((await demo.ended).code).toBe(0);
  });

  test.each([0, 1])('a taken port is named with the cure (port + %i)', async (offset) => {
    const port = await freePort();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(port + offset, '127.0.0.1', resolve));
    closeAtEnd(() => new Promise<void>((resolve) => void taken.close(() => resolve())));
    const { code, err } = await run(makeDataDir(), ['demo'], { PORT: String(port) });
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`port ${port + offset}.* in use.*PORT=`));
  });
});

test('migrate brings a database to this version once', async () => {
  const cwd = makeDataDir();
  const both = await Promise.all([run(cwd, ['migrate']), run(cwd, ['migrate'])]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(both.filter(({ out }) => out.includes('from version 0'))).toHaveLength(1);
});
