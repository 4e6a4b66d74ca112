// The systemd unit of docs/samples, as far as systemd's own checks go without running it.
import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, MAIN } from '../commands/run.ts';
import { closeAtEnd, makeDataDir } from '../support/at-end.ts';
import { readSample } from './fronts.ts';
import { command, describeWith } from './needs.ts';
import { configure, openSandbox, PUBLIC_URL, ROOT_PASSWORD, untilWithin } from './nodes.ts';
import { Visitor } from './visitor.ts';

const run = promisify(execFile);
const UNIT = readFileSync(join(__dirname, '../../docs/samples/gatehouse.service'), 'utf8');

/** Places that are there on this machine, as `verify` wants them. */
function installed(unit: string, name = 'gatehouse.service'): string {
  const path = join(makeDataDir(), name);
  writeFileSync(path, unit.replace('/usr/bin/node', process.execPath));
  return path;
}

describeWith([command('systemd-analyze')], 'the systemd unit', () => {
  test.each([
    ['as it is', 'gatehouse.service', (unit: string) => unit],
    ['with credentials', 'gatehouse.service', (unit: string) => unit.replace(/^#(LoadCredential|Environment)/gm, '$1')],
    [
      'as a template for several processes',
      'gatehouse@3000.service',
      (unit: string) => unit.replace(/^ExecStart=/m, 'Environment=PORT=%i\nExecStart='),
    ],
  ])('passes the checks of systemd %s', async (_how, name, change) => {
    expect(await run('systemd-analyze', ['verify', '--man=no', installed(change(UNIT), name)])).toMatchObject({
      stdout: '',
      stderr: '',
    });
  });

  test('goes with a socket that stays open while it is restarted', async () => {
    const socket = installed(readSample('gatehouse.socket'), 'gatehouse.socket');
    // Beside its service, as in /etc/systemd/system.
    writeFileSync(join(dirname(socket), 'gatehouse.service'), readFileSync(installed(UNIT)));
    expect(await run('systemd-analyze', ['verify', '--man=no', socket])).toMatchObject({ stdout: '', stderr: '' });
  });

  test('leaves little to whoever takes the process over', async () => {
    // The scale ends at 10; 2 is "OK".
    const args = ['security', '--offline=yes', '--threshold=20', installed(UNIT)];
    const { stdout } = await run('systemd-analyze', args);
    expect(stdout).toMatch(/Overall exposure level for gatehouse\.service: [01]\.\d/);
  });
});

test('the systemd unit lets the JavaScript engine run, keeps data private and stops later than Gatehouse does', () => {
  expect(UNIT).not.toMatch(/^MemoryDenyWriteExecute=/m);
  expect(UNIT).toMatch(/^StateDirectory=gatehouse$/m);
  expect(UNIT).toMatch(/^UMask=0077$/m);
  expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(UNIT)?.[1])).toBeGreaterThan(10);
});

describeWith([command('systemd-socket-activate')], 'a socket that systemd hands over', () => {
  test('is what Gatehouse listens on, whatever listen says (R-10)', async () => {
    const sandbox = await openSandbox();
    const [port, other] = [await freePort(), await freePort()];
    const env = { PATH: process.env['PATH'], PORT: String(other), GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD };
    const args = [`--listen=127.0.0.1:${port}`, '--setenv=PORT', '--setenv=GATEHOUSE_ROOT_PASSWORD'];
    const child = spawn('systemd-socket-activate', [...args, process.execPath, MAIN, 'serve'], {
      cwd: configure(sandbox),
      env,
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    closeAtEnd(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    // The first connection starts it; until systemd listens there is none.
    const visitor = new Visitor({ url: PUBLIC_URL, port });
    await untilWithin(
      10_000,
      async () => (await visitor.get('/users/sign_in').catch(() => ({ status: 0 }))).status === 200,
    );
    expect((await visitor.signIn(sandbox)).status).toBe(303);
    await expect(visitor.through(other).get('/')).rejects.toThrow('ECONNREFUSED');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});
