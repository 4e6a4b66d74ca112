// a hundred thousand sessions that live, a million that have expired.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { fill, fillExpired } from '../bench/databases.js';
import { memoryMb } from '../bench/process.js';
import { whole } from './report.js';
import { judgeTimes, visit } from './visits.js';
import { openWorld, startReference } from './world.js';

const LIVE = 100_000;
const EXPIRED = 1_000_000;
const QUICK_EXPIRED = 20_000;
const MAX_MEMORY_MB = 400;
const PAGES_PER_SECOND = 50;

export async function sessions(context) {
  const { report, quick } = context;
  const expired = quick ? QUICK_EXPIRED : EXPIRED;
  const world = await openWorld(context, {
    title: 'many sessions',
    prepare: (folder) => {
      fill(folder, LIVE);
      fillExpired(folder, expired);
    },
  });
  const reference = await startReference(context);
  const db = new BetterSqlite3(join(world.folder, 'gatehouse.db'), { readonly: true });
  context.atEnd(() => db.close());
  const left = () => db.prepare('select count(*) from sessions where expires_at <= ?').pluck().get(Date.now());
  const until = performance.now() + Math.max(20, context.seconds) * 1000;
  let [worst, swept] = [undefined, false];
  // While the server removes what has expired, people use it.
  while (!swept && performance.now() < until) {
    const result = await visit(world, {
      what: 'user',
      perSecond: PAGES_PER_SECOND,
      reference,
      seconds: quick ? 4 : 10,
    });
    if (!worst || result.times.max > worst.times.max) worst = result;
    swept = left() === 0;
  }
  report.row({
    id: 'R-05',
    what: `${whole(expired)} expired sessions removed`,
    hold: '0 left',
    measured: `${whole(left())} left`,
    good: swept,
  });
  judgeTimes(report, { id: 'R-05', what: 'signed-in pages meanwhile', limits: { max: 100 }, ...worst });
  await sleep(1000);
  const memory = memoryMb(world.child);
  const after = await visit(world, { what: 'user', perSecond: 100, reference, seconds: quick ? 4 : 15 });
  judgeTimes(report, {
    id: 'R-05',
    what: `signed-in pages among ${whole(LIVE)} sessions`,
    limits: { p50: 15, p95: 60, p99: 150 },
    ...after,
  });
  report.row({
    id: 'R-05',
    what: `memory with ${whole(LIVE)} sessions`,
    hold: `≤ ${MAX_MEMORY_MB} MB`,
    measured: `${whole(memory)} MB`,
    good: memory <= MAX_MEMORY_MB,
  });
  await world.close();
}
