// R-23, HT-015, HT-016: clients that are slow, silent or far too many, and those who want a page meanwhile.
import { readFileSync } from 'node:fs';
import { memoryMb } from '../bench/process.js';
import { ms, whole } from './report.js';
import { judged, judgeTimes, visit } from './visits.js';
import { isHealthy, openWorld, runJob, startReference } from './world.js';

const SLOW = { header: 500, body: 100, silent: 2000 };
/** The limits of the server, and up to 5 s until it looks. Twice that on a machine that is busy. */
const LONGEST_MS = { header: 20_000, body: 30_000, silent: 20_000 };
const GRACE_MS = 10_000;
const CROWD = 10_000;
/** How many the server keeps at once: `maxConnections` in src/web/http-server.ts. */
const MAX_HELD = 5000;
const PIPELINED = 10_000;
const PIPELINED_TIMES = 6;
const RESETS = 200;

export async function clients(context) {
  const { report } = context;
  const world = await openWorld(context, { title: 'slow and many clients' });
  const reference = await startReference(context);
  await visit(world, { what: 'user', perSecond: 100, seconds: 2 });
  await slow(report, world, reference);
  await crowd(report, world, { reference, seconds: context.quick ? 2 : 5 });
  await rude(report, world);
  await world.close();
}

async function slow(report, world, reference) {
  const seconds = 45;
  const [held, others] = await Promise.all([
    runJob('slow-clients.js', { what: 'hold', url: world.url, counts: SLOW, seconds }),
    visit(world, { what: 'user', perSecond: 50, reference, seconds: 25 }),
  ]);
  const names = {
    header: 'one byte of a header every 2 s',
    body: 'one byte of a body every 2 s',
    silent: 'no byte at all',
  };
  for (const [kind, { count, left, longestMs }] of Object.entries(held)) {
    const limit = LONGEST_MS[kind];
    const measured = `${left} left, the last after ${ms(longestMs)}`;
    report.row({
      id: 'HT-015',
      what: `${whole(count)} connections, ${names[kind]}`,
      hold: `gone after ${ms(limit)} + ${ms(GRACE_MS)}`,
      measured,
      good: left === 0 && longestMs <= limit + GRACE_MS,
    });
  }
  judgeTimes(report, { id: 'R-23', what: 'signed-in pages meanwhile', limits: { p99: 500 }, ...others });
}

async function crowd(report, world, { reference, seconds }) {
  const count = Math.min(CROWD, maxFiles() - 500);
  const { held } = await runJob('slow-clients.js', { what: 'crowd', url: world.url, count, seconds });
  const after = await visit(world, { what: 'user', perSecond: 50, reference, seconds: 10 });
  judgeTimes(report, {
    id: 'HT-016',
    what: `pages right after ${whole(count)} connections at once`,
    limits: { p95: 300 },
    ...after,
  });
  report.row({
    id: 'HT-016',
    what: `connections that are held, of ${whole(count)} at once`,
    hold: `1 to ${whole(MAX_HELD)}`,
    measured: whole(held),
    // Where this process may not open more than that, nothing was refused and nothing is shown.
    good: count > MAX_HELD ? judged(held > 0 && held <= MAX_HELD, after.share) : undefined,
  });
}

/** Both sides of this machine share its limit per process. */
function maxFiles() {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);
}

async function rude(report, world) {
  const pipeline = { what: 'pipeline', url: world.url, count: PIPELINED, depth: PIPELINED };
  const [memory, answers] = [[], []];
  for (let time = 1; time <= PIPELINED_TIMES; time += 1) {
    answers.push((await runJob('slow-clients.js', pipeline)).answered);
    memory.push(memoryMb(world.child));
  }
  // How much of it is garbage depends on the moment. The least of several times is what the process really keeps.
  const half = PIPELINED_TIMES / 2;
  const grown = Math.min(...memory.slice(half)) - Math.min(...memory.slice(0, half));
  const most = Math.max(...memory);
  report.row({
    id: 'HT-015',
    what: `${whole(PIPELINED)} requests on one connection, sent at once, ${PIPELINED_TIMES} times`,
    hold: 'all answered; memory ≤ 400 MB, in the second half of the times + ≤ 30 MB',
    measured: `${whole(Math.min(...answers))}; ${most.toFixed(0)} MB, ${grown < 0 ? '' : '+'}${grown.toFixed(0)} MB`,
    good: answers.every((answered) => answered === PIPELINED) && most <= 400 && grown <= 30,
  });
  await runJob('slow-clients.js', { what: 'reset', url: world.url, count: RESETS });
  const healthy = await isHealthy(world);
  report.row({
    id: 'HT-015',
    what: `${RESETS} connections cut during the answer`,
    hold: 'goes on',
    measured: healthy ? 'goes on' : 'does not answer',
    good: healthy,
  });
}
