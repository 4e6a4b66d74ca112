// `npm run build && node bench/clone.js`: how long a mirror takes beside `git clone --mirror` by hand, of a repository with
// thousands of commits, over HTTP on this machine. They take turns, so that all find the machine alike.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { mirror } from '../dist/git/mirror.js';
import { sizeOf } from '../dist/git/quota.js';
import { makeFolder } from './gatehouse.js';
import { median } from './measure.js';
import { cpuSeconds, startWorker } from './process.js';
import { table } from './report.js';

const { values: options } = parseArgs({
  options: { commits: { type: 'string', default: '5000' }, rounds: { type: 'string', default: '9' } },
});
const LIMITS = { maxBytes: 2 ** 40, maxRefs: 1e6, timeoutMs: 600_000 };

const { folder, remove } = makeFolder();
const bitbucket = await startWorker('any', 'large-repository.js', [options.commits]);
try {
  await compare(bitbucket.hello);
} finally {
  bitbucket.child.disconnect();
  remove();
}

async function compare(remote) {
  const ways = {
    Gatehouse: (dir) => mirror({ remote, dir, limits: LIMITS }),
    'git clone --mirror, objects checked': (dir) => cloneByHand(remote, dir, ['-c', 'transfer.fsckObjects=true']),
    'git clone --mirror': (dir) => cloneByHand(remote, dir, []),
  };
  const [load] = loadavg();
  const measured = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = -1; round < Number(options.rounds); round += 1) {
    for (const [name, clone] of Object.entries(ways)) {
      const one = await measure(clone);
      if (round >= 0) measured[name].push(one); // the first round warms the caches up
    }
  }
  report(measured, load);
}

async function measure(clone) {
  const dir = join(folder, 'clone.git');
  const [began, used] = [performance.now(), cpuSeconds(process)];
  await clone(dir);
  const ms = performance.now() - began;
  const cpuMs = (cpuSeconds(process) - used) * 1000;
  const bytes = await sizeOf(dir);
  rmSync(dir, { recursive: true, force: true });
  return { ms, cpuMs, bytes };
}

/** As somebody does it at a terminal. */
function cloneByHand({ url, credential }, dir, settings) {
  const basic = globalThis.Buffer.from(`${credential.username}:${credential.password}`).toString('base64');
  const header = ['-c', `http.extraHeader=Authorization: Basic ${basic}`];
  const git = spawn('git', [...settings, ...header, 'clone', '--quiet', '--mirror', url, dir], { stdio: 'inherit' });
  return new Promise((resolve, reject) =>
    git.once('exit', (code) => (code === 0 ? resolve() : reject(new Error('git failed')))),
  );
}

/** Ratios are medians of those of the rounds: whatever else the machine does meets all of a round alike. */
function report({ Gatehouse: ours, ...others }, load) {
  const mb = (ours[0].bytes / 1e6).toFixed(0);
  process.stdout.write(`${options.commits} commits, ${mb} MB, load average ${load.toFixed(1)} before\n\n`);
  const middle = (all, key) => median(all.map((one) => one[key])).toFixed(0);
  const ratio = (all, key) => median(ours.map((one, round) => one[key] / all[round][key])).toFixed(2);
  const rows = Object.entries({ Gatehouse: ours, ...others }).map(([name, all]) => [
    name,
    `${middle(all, 'ms')} ms`,
    `${middle(all, 'cpuMs')} ms`,
    ratio(all, 'ms'),
    ratio(all, 'cpuMs'),
  ]);
  const head = ['medians', 'time', 'CPU time', 'Gatehouse ÷ it', 'by CPU time'];
  process.stdout.write(`${table(head, rows)}\n`);
}
