// A machine whose file system nobody may write to, but for data_dir, as in a hardened container.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../commands/run.ts';
import { closeAtEnd, makeDataDir } from '../support/at-end.ts';
import { until } from '../support/until.ts';
import { command, describeWith, linux, root } from './needs.ts';

/** On the file system that is mounted read-only, and not in one of its own in memory. */
const ON_ROOT = '/tmp';
const MAIN = join(__dirname, '../../dist/main.js');

/** Runs `gatehouse serve` in a mount namespace of its own, where everything is read-only but what `writable` names. */
async function serveReadOnly(cwd: string, writable: string[]): Promise<string> {
  const port = await freePort();
  const script = `mount --bind / "$0" && for place in "$@"; do mount --bind "$place" "$0$place"; done &&
mount -o remount,bind,ro "$0" && mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" &&
exec chroot "$0" sh -c 'cd "$1" && exec "$2" "$3" serve' sh ${cwd} ${process.execPath} ${MAIN}`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, makeDataDir(ON_ROOT), ...writable], {
    env: { PATH: process.env['PATH'], PORT: String(port), GATEHOUSE_ROOT_PASSWORD: 'correct horse battery' },
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  let isOver = false; // when all that it said is here, which is later than its exit
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve(void (isOver = true))));
  closeAtEnd(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  await until(() => isOver || said.includes('Gatehouse is ready'));
  if (!isOver) said += (await fetch(`http://localhost:${port}/users/sign_in`)).status;
  return said;
}

describeWith([command('unshare'), linux, root], 'a read-only file system', () => {
  test('is enough, as long as data_dir can be written to (CF-012)', async () => {
    const cwd = makeDataDir(ON_ROOT);
    mkdirSync(join(cwd, 'data'));
    expect(await serveReadOnly(cwd, [join(cwd, 'data')])).toMatch(/Gatehouse is ready[^]*200$/);
  });

  test('without a data_dir that can be written to ends with one plain line (CF-012)', async () => {
    expect(await serveReadOnly(makeDataDir(ON_ROOT), [])).toMatch(/^gatehouse: the folder .*\/data cannot be made\. /m);
  });
});
