// Where the log goes when nobody takes it.
import { execFile, execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LogOutput } from '../src/log-output.ts';
import { closeAtEnd, makeDataDir } from './support/at-end.ts';

test('lines for which a reader that has stopped leaves no room are dropped, counted and told of (LG-006)', async () => {
  const pipe = join(makeDataDir(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const fd = openSync(pipe, 'r+');
  closeAtEnd(() => closeSync(fd));
  const output = new LogOutput(fd, 150_000);
  output.write(`${'x'.repeat(100_000)}\n`); // more than a pipe holds
  for (let line = 0; line < 10; line += 1) output.write(`${String(line).padEnd(29_999)}\n`);

  const read = await promisify(execFile)('head', ['-n', '7', pipe], { timeout: 60_000 });
  const [first = '', told = '', ...others] = read.stdout.trimEnd().split('\n');
  expect(first).toHaveLength(100_000);
  expect(JSON.parse(told)).toMatchObject({ level: 'warn', dropped: 5 });
  expect(others.map(Number)).toEqual([0, 1, 2, 3, 4]);
});
