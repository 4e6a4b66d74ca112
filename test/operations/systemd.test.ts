// The systemd unit of docs/samples, as far as systemd's own checks go without running it.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeDataDir } from '../support/start-app.ts';
import { command, describeWith } from './needs.ts';

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
