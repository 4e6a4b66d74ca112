// Tests of `npm test` that can do more than their everyday number of kills, races, cuts …: run with large numbers.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { whole } from './report.js';

const ROOT = join(import.meta.dirname, '..');

/**
 * `times` is for FULL_SECONDS of this part; with less or more time it shrinks or grows. To reach the figure of the case:
 * `npm run soak -- tests --minutes 30`.
 */
const FULL_SECONDS = 300;
const TESTS = [
  {
    id: 'R-08',
    what: 'kill -9 under writes',
    test: 'test/operations/kill.test.ts',
    variable: 'OPERATIONS_KILLS',
    times: 40,
  },
  {
    id: 'R-09',
    what: 'torn database files',
    test: 'test/operations/damaged-files.test.ts',
    variable: 'OPERATIONS_TEARS',
    times: 100,
  },
  {
    id: 'R-10',
    what: 'rolling restarts behind a proxy',
    test: 'test/operations/restarts.test.ts',
    variable: 'OPERATIONS_RESTARTS',
    times: 4,
  },
  { id: 'R-15', what: 'PostgreSQL lost and back', test: 'test/operations/postgres-lost.test.ts', postgres: true },
  { id: 'R-24', what: 'races', test: 'test/accounts/races.test.ts', variable: 'RACES', times: 150 },
  {
    id: 'R-25',
    what: 'kills during an upgrade',
    test: 'test/operations/upgrade.test.ts',
    variable: 'OPERATIONS_UPGRADE_KILLS',
    times: 4,
  },
  {
    id: 'R-27',
    what: 'seconds of a history with kills and pauses',
    test: 'test/operations/history.test.ts',
    variable: 'OPERATIONS_HISTORY_SECONDS',
    times: 20,
  },
];

export async function tests({ report, seconds, atEnd }) {
  for (const { id, what, test, variable, times, postgres } of TESTS) {
    if (postgres && !process.env.TEST_POSTGRES_URL) {
      console.log(`  ${id} is left out: TEST_POSTGRES_URL is not set`);
      continue;
    }
    const count = variable && Math.max(2, 2 * Math.round((times * seconds) / FULL_SECONDS / 2));
    const title = count === undefined ? what : `${what}: ${whole(count)}`;
    const began = performance.now();
    const problem = await runTest(test, variable ? { [variable]: String(count) } : {}, atEnd);
    const took = `${whole((performance.now() - began) / 1000)} s`;
    report.row(id, title, `${test} passes`, problem ?? `passes, ${took}`, problem === undefined);
  }
}

/** @returns why it did not pass */
async function runTest(test, env, atEnd) {
  if (!existsSync(join(ROOT, test))) return 'there is no such test';
  const child = spawn(process.execPath, ['node_modules/.bin/jest', '--runInBand', test], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  atEnd(() => child.kill());
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code === 0) return undefined;
  console.log(text.slice(-4000));
  return /^\s+● (.*)$/m.exec(text)?.[1]?.slice(0, 100) ?? `exit code ${code}`;
}
