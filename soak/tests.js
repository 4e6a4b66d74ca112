// Tests of `npm test` that can do more than their everyday number of kills, races, cuts …: run with large numbers.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { whole } from './report.js';

const ROOT = join(import.meta.dirname, '..');

/**
 * `times` is for FULL_SECONDS of this part; with less or more time it shrinks or grows: `npm run soak -- tests --minutes 30`
 * does six times as many.
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
  { id: 'R-15', what: 'PostgreSQL lost and back', test: 'test/operations/postgres-lost.test.ts' },
  { id: 'R-24', what: 'races', test: 'test/accounts/races.test.ts', variable: 'RACES', times: 150 },
  {
    id: 'R-24',
    what: 'administrators who unmake each other',
    test: 'test/admin/last-administrator.test.ts',
    variable: 'RACES',
    times: 150,
  },
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
  for (const { id, what, test, variable, times } of TESTS) {
    const count = variable && countFor(times, seconds);
    const title = count === undefined ? what : `${what}: ${whole(count)}`;
    const began = performance.now();
    const { good, words } = await runTest(test, variable ? { [variable]: String(count) } : {}, atEnd);
    const took = `${whole((performance.now() - began) / 1000)} s`;
    report.row({ id, what: title, hold: `${test} passes, nothing left out`, measured: `${words}, ${took}`, good });
  }
}

/** Even, because the kills are shared by two servers side by side, half of them for each. */
function countFor(times, seconds) {
  return Math.max(2, 2 * Math.round((times * seconds) / FULL_SECONDS / 2));
}

/** @returns {Promise<{ good: boolean | undefined, words: string }>} undefined: something was left out, the rest passes */
async function runTest(test, variables, atEnd) {
  if (!existsSync(join(ROOT, test))) return { good: false, words: 'there is no such test' };
  const env = { ...process.env, ...variables };
  // Without PostgreSQL jest would refuse it; then what is skipped is read from its output.
  if (env.TEST_POSTGRES_URL) env.GATEHOUSE_TEST_ALL = '1';
  else delete env.GATEHOUSE_TEST_ALL;
  const child = spawn(process.execPath, ['node_modules/.bin/jest', '--runInBand', test], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  atEnd(() => child.kill());
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return judge(code, text);
}

function judge(code, text) {
  const why = whyLeftOut(text);
  // With GATEHOUSE_TEST_ALL a file that would leave something out fails as a whole, before its first test.
  const allLeftOut = text.includes('GATEHOUSE_TEST_ALL: nothing may be left out');
  if (code !== 0 && !allLeftOut) {
    console.log(text.slice(-4000));
    return { good: false, words: /^\s+● (.*)$/m.exec(text)?.[1]?.slice(0, 100) ?? `exit code ${code}` };
  }
  if (why !== undefined) return { good: undefined, words: `left out: ${why}` };
  // Only what has been run can have passed.
  const passed = /^Tests:.*\b[1-9]\d* passed/m.test(text);
  return { good: passed, words: passed ? 'passes' : 'no test was run' };
}

/** What test/operations/needs.ts says of what is missing; or how many jest has skipped for another reason. */
function whyLeftOut(text) {
  const reasons = [...text.matchAll(/Left out: .* \(([^()]+)\)$/gm)].map(([, reason]) => reason);
  if (reasons.length > 0) return [...new Set(reasons)].join(', ');
  const skipped = /^Tests:.*?(\d+) skipped/m.exec(text)?.[1];
  return skipped === undefined ? undefined : `${skipped} tests`;
}
