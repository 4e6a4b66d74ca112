// `npm run build && node bench/import.js`: what an import costs in calls of Bitbucket's API, in time and in memory. The
// stand-in for Bitbucket runs in this process and counts no hours; the worker runs in its own.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../dist/config/load.js';
import { initialState } from '../dist/config/reload.js';
import { Accesses, clientWith } from '../dist/imports/access.js';
import { keepTyped } from '../dist/imports/credentials.js';
import { describeImport } from '../dist/imports/describe.js';
import { startImport } from '../dist/imports/start.js';
import { findImport } from '../dist/imports/store.js';
import { openLog } from '../dist/log.js';
import { manyPullRequests } from '../dist/sandbox/many-pull-requests.js';
import { startSandbox } from '../dist/sandbox/sandbox.js';
import { openServices } from '../dist/services.js';
import { makeFolder, migrate, prepareGatehouse } from './gatehouse.js';
import { memoryMb, stop } from './process.js';
import { table } from './report.js';

const { values: options } = parseArgs({
  options: {
    /** How many pull requests. */
    count: { type: 'string', default: '1000' },
    /** Share of them with comments, and how many comments such a one has at most; on average it is half of that. */
    commented: { type: 'string', default: '0.4' },
    'most-comments': { type: 'string', default: '9' },
    /** Branches besides those of pull requests, and objects of Git LFS. */
    branches: { type: 'string', default: '0' },
    lfs: { type: 'string', default: '0' },
    /** What `task_count` of the stand-in counts: `open`, as Bitbucket documents it, or `all`. */
    tasks: { type: 'string', default: 'open' },
  },
});
const SOURCE = 'acme/many';
const MAIN = join(import.meta.dirname, '../dist/main.js');
const WATCH = join(import.meta.dirname, 'watch-loop.js');
const SCOPES = ['account', 'repository', 'pullrequest', 'project'];
/** What goes to git, to storage and to the web site does not count for the hourly limit of the API. */
const BESIDES = ['git', 'lfs', 'storage', 'image', 'token', 'authorize', 'sign-in'];
const LOOK_EVERY_MS = 100;

const { folder, remove } = makeFolder();
const count = Number(options.count);
const sandbox = await startSandbox({
  consumers: [{ key: 'bench-key', secret: 'bench-secret', callbackUrl: 'http://127.0.0.1', permissions: SCOPES }],
  repositories: [makeSource],
  switches: { hourlyLimit: 0, taskCount: options.tasks },
});
try {
  await measureImport();
} finally {
  await sandbox.close();
  remove();
}

async function makeSource(place) {
  const large = Array.from({ length: Number(options.lfs) }, (_, index) => [
    `large/${index}.bin`,
    { lfs: `large file ${index}` },
  ]);
  const make = manyPullRequests({
    count,
    fullName: SOURCE,
    commented: Number(options.commented),
    mostComments: Number(options['most-comments']),
    files: Object.fromEntries(large),
  });
  const [repository] = await make(place);
  const names = Array.from({ length: Number(options.branches) }, (_, index) => `more/${index}`);
  const input = names.map((name) => `create refs/heads/${name} refs/heads/main\n`).join('');
  const { status } = spawnSync('git', [`--git-dir=${repository.dir}`, 'update-ref', '--stdin'], { input });
  if (status !== 0) throw new Error('git made no branches');
  return [repository];
}

async function measureImport() {
  const gatehouse = await prepareGatehouse({ folder, bitbucketUrl: sandbox.url });
  await migrate(gatehouse);
  const file = join(folder, 'gatehouse.yml');
  const loaded = loadConfig({ file, env: {}, cwd: folder });
  const log = openLog({ ...loaded.config.log, level: 'warn' }, process.stderr);
  const services = await openServices({ configuration: () => initialState(loaded), log });
  const id = await begin(services);
  sandbox.counts.clear();
  const loopFile = join(folder, 'loop.json');
  const began = performance.now();
  const worker = spawn(process.execPath, ['--import', WATCH, MAIN, 'work', '--config', file], {
    cwd: folder,
    env: { PATH: process.env.PATH, BENCH_LOOP_FILE: loopFile },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const watched = await watch(worker, async () => describeImport(services.db, await findImport(services.db, id)));
  const seconds = (performance.now() - began) / 1000;
  await stop(worker);
  await services.close();
  report({ ...watched, seconds, loop: JSON.parse(readFileSync(loopFile, 'utf8')) });
}

async function begin(services) {
  const { db, now } = services;
  const account = await db
    .insertInto('accounts')
    .values({
      username: 'bench',
      name: 'Bench',
      email: null,
      email_key: null,
      state: 'active',
      admin: 0,
      created_at: now(),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const [{ address: email }] = sandbox.person('alice').emails;
  const token = sandbox.apiToken('alice', SCOPES);
  const typed = { provider: 'bitbucket', kind: 'api_token', email, token, label: 'bench' };
  const credentialId = await keepTyped(services, account, typed);
  const access = await new Accesses(services).open(credentialId);
  const client = clientWith(access, { http: services.http, signal: new globalThis.AbortController().signal });
  const repository = await client.getRepository(SOURCE);
  const source = { provider: 'bitbucket', repository };
  return (await startImport(services, { account, source, credentialId })).id;
}

/** Looks at the import until it is over. @returns its end, and by stage: seconds, most memory, longest standstill */
async function watch(worker, look) {
  const stages = new Map();
  let shown = '';
  let [movedAt, lookedAt] = [performance.now(), performance.now()];
  for (;;) {
    const state = await look();
    if (worker.exitCode !== null || worker.signalCode !== null) throw new Error('the worker ended before the import');
    const now = performance.now();
    const name = state.stage ?? 'before and after';
    const stage = stages.get(name) ?? { seconds: 0, mb: 0, stillMs: 0 };
    const told = JSON.stringify([state.stage, state.stages]);
    if (told !== shown) [shown, movedAt] = [told, now];
    stage.mb = Math.max(stage.mb, memoryMb(worker) ?? 0);
    stage.stillMs = Math.max(stage.stillMs, now - movedAt);
    stage.seconds += (now - lookedAt) / 1000;
    lookedAt = now;
    stages.set(name, stage);
    if (state.finished_at !== null) return { state, stages, peakMb: peakOf(worker.pid) };
    await sleep(LOOK_EVERY_MS);
  }
}

/** The most memory the process has had, MB. */
function peakOf(pid) {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

function report({ state, stages, seconds, peakMb, loop }) {
  const calls = [...sandbox.counts].filter(([route]) => !BESIDES.includes(route)).sort((a, b) => b[1] - a[1]);
  const total = calls.reduce((sum, [, each]) => sum + each, 0);
  const { found, missing } = state.verification ?? {};
  print(`${count} pull requests, ${state.status} in ${seconds.toFixed(1)} s, worker at most ${peakMb.toFixed(0)} MB`);
  print(`here: ${JSON.stringify(found)}; missing: ${missing?.join('; ') || 'nothing'}`);
  print(`event loop held up: 99 % of looks less than ${loop.p99.toFixed(0)} ms, at most ${loop.max.toFixed(0)} ms\n`);
  const lines = [...stages].map(([name, { seconds: all, mb, stillMs }]) => [
    name,
    all.toFixed(1),
    mb.toFixed(0),
    (stillMs / 1000).toFixed(1),
  ]);
  print(`${table(['stage', 'seconds', 'most MB', 'seconds without progress'], lines)}\n`);
  const perEach = ['together', String(total), (total / count).toFixed(2)];
  const routes = calls.map(([route, each]) => [route, String(each), (each / count).toFixed(2)]);
  print(table(['calls', 'all', 'for each pull request'], [...routes, perEach]));
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
