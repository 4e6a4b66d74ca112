// a day in small. People come and go while the configuration is changed, and nothing grows.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryMb, openFiles } from '../bench/process.js';
import { tally, whole } from './report.js';
import { freeShare, openWorld, startReference } from './world.js';
import { judgeTimes, visit } from './visits.js';

const PAGES_PER_SECOND = 60;
const SIGN_INS_PER_SECOND = 3;
const RELOADS = 5;
/** R-07 in docs/soak.md. Within minutes the waves of the garbage collector are almost as high, so less would tell nothing. */
const MAX_GROWTH_MB = 30;
const MAX_FILES = 10;
const MAX_WAL_MB = 64;

export async function endurance(context) {
  const { report } = context;
  const world = await openWorld(context, { title: 'a day in small' });
  const reference = await startReference(context);
  const share = await freeShare();
  // Until everything is compiled that will be.
  await use(world, { reference, share, seconds: context.seconds * 0.25 });
  await sleep(3000);
  const filesBefore = openFiles(world.child).length;
  const watch = watchGrowth(world);
  const reloading = reload(world, context.seconds * 0.65);
  const { pages, signIns } = await use(world, { reference, share, seconds: context.seconds * 0.65 });
  await reloading;
  const { memory, walMb } = watch.stop();
  await sleep(3000);
  const files = openFiles(world.child).length - filesBefore;
  const log = readFileSync(join(world.folder, 'gatehouse.log'), 'utf8');
  const reloads = log.match(/"msg":"configuration reloaded"/g)?.length ?? 0;

  judgeTimes(report, { id: 'R-07', what: 'signed-in pages at 30 % load', limits: { p95: 60 }, ...pages });
  const good = Object.keys(signIns.counts).join() === 'ok';
  report.row({
    id: 'R-07',
    what: `people who sign in and out, the configuration read ${reloads} times`,
    hold: 'all well',
    measured: tally(signIns.counts),
    good: good && reloads > 0,
  });
  const third = Math.floor(memory.length / 3);
  const growth = average(memory.slice(-third)) - average(memory.slice(third, 2 * third));
  report.row({
    id: 'R-07',
    what: 'memory, last third against the one before',
    hold: `+ ≤ ${MAX_GROWTH_MB} MB`,
    measured: `${growth.toFixed(1)} MB of ${whole(average(memory))} MB`,
    good: growth <= MAX_GROWTH_MB,
  });
  report.row({
    id: 'R-07',
    what: 'open files and sockets, after against before',
    hold: `± ${MAX_FILES}`,
    measured: String(files),
    good: Math.abs(files) <= MAX_FILES,
  });
  report.row({
    id: 'R-07',
    what: 'write-ahead log at most',
    hold: `< ${MAX_WAL_MB} MB`,
    measured: `${walMb.toFixed(1)} MB`,
    good: walMb < MAX_WAL_MB,
  });
  await world.close();
}

async function use(world, { reference, share, seconds }) {
  const [pages, signIns] = await Promise.all([
    visit(world, { what: 'user', perSecond: PAGES_PER_SECOND, reference, seconds, share }),
    visit(world, { what: 'sign-in-and-out', perSecond: SIGN_INS_PER_SECOND, seconds, share }),
  ]);
  return { pages, signIns };
}

async function reload({ folder }, seconds) {
  const file = join(folder, 'gatehouse.yml');
  const text = readFileSync(file, 'utf8');
  for (let time = 1; time <= RELOADS; time += 1) {
    await sleep((seconds * 1000) / (RELOADS + 1));
    writeFileSync(file, `${text}session: { idle_minutes: ${470 + time} }\n`);
  }
}

function watchGrowth({ child, folder }) {
  const memory = [];
  let walMb = 0;
  const timer = setInterval(() => {
    memory.push(memoryMb(child));
    walMb = Math.max(walMb, statSync(join(folder, 'gatehouse.db-wal')).size / 1e6);
  }, 500);
  return {
    stop: () => {
      clearInterval(timer);
      return { memory, walMb };
    },
  };
}

function average(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
