// R-22, second half: ten thousand answers of a Bitbucket that is broken in every way, between good ones.
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { memoryMb, nextMessage, startWorker, stop } from '../bench/process.js';
import { CANARY, DRIPPING, planFor } from './provider/plans.js';
import { addUp, isEnough, ms, tally, wantedText, whole } from './report.js';
import { isHealthy, openWorld, runJob } from './world.js';

const ANSWERS = 10_000;
const QUICK_ANSWERS = 500;
const ROUND = 250;
const MAX_MEMORY_MB = 400;
/** The deadline of a whole callback is 15 s. */
const MAX_MS = 16_000;

export async function provider(context) {
  const { report, seed, quick } = context;
  const farEnd = await startFarEnd(context, seed);
  const world = await openWorld(context, { title: 'a broken Bitbucket', bitbucket: farEnd, secrets: [CANARY] });
  const wanted = quick ? QUICK_ANSWERS : ANSWERS;
  const until = Date.now() + context.seconds * 1000;
  const results = [];
  let [answers, from, slowestMs, memory, alive, unasked] = [0, 1, 0, 0, true, 0];
  for (; answers < wanted && alive && Date.now() < until; from += ROUND) {
    const seconds = (until - Date.now()) / 1000;
    const result = await runJob('provider/load.js', { url: world.url, seed, from, count: ROUND, seconds });
    results.push(result);
    for (const example of result.examples.slice(0, 4)) console.log(`    ${example}`);
    slowestMs = Math.max(slowestMs, result.slowestMs);
    unasked += result.unasked;
    alive = await isHealthy(world);
    memory = Math.max(memory, memoryMb(world.child) ?? 0);
    answers = await farEnd.count();
  }
  const [statuses, faults] = ['statuses', 'faults'].map((key) => addUp(results, key));
  console.log(`  statuses: ${tally(statuses)}`);
  report.row({
    id: 'R-22',
    what: 'fuzzed answers of Bitbucket',
    hold: wantedText(wanted, context),
    measured: whole(answers),
    good: isEnough(answers, wanted, context),
  });
  report.row({
    id: 'R-22',
    what: 'sign-ins with another end than planned',
    hold: 'none',
    measured: tally(faults),
    good: Object.keys(faults).length === 0,
  });
  const share = (100 * unasked) / from;
  report.row({
    id: 'R-22',
    what: 'good answers not asked for (breaker)',
    hold: '≤ 5 %',
    measured: `${share.toFixed(1)} %`,
    good: share <= 5,
  });
  report.row({
    id: 'R-22',
    what: 'slowest sign-in',
    hold: `≤ ${ms(MAX_MS)}`,
    measured: ms(slowestMs),
    good: slowestMs <= MAX_MS,
  });
  report.row({
    id: 'R-22',
    what: 'same process after each round; its memory',
    hold: `yes; ≤ ${MAX_MEMORY_MB} MB`,
    measured: `${alive ? 'yes' : 'no'}; ${whole(memory)} MB`,
    good: alive && memory <= MAX_MEMORY_MB,
  });
  await dripping(context, world);
  await world.close();
  const strangers = countStrangers(world.folder, { seed, from });
  report.row({
    id: 'R-22',
    what: 'identities of people who must not come in',
    hold: '0',
    measured: String(strangers),
    good: strangers === 0,
  });
}

/** One after the other endpoint a byte a second: the deadline ends it, not the far end. */
async function dripping({ report, seed }, world) {
  const job = { url: world.url, seed, from: DRIPPING, count: 6, seconds: 20 };
  const { statuses, faults, fastestMs, slowestMs } = await runJob('provider/load.js', job);
  const good = statuses['504'] === 6 && fastestMs >= 9500 && slowestMs <= MAX_MS && Object.keys(faults).length === 0;
  const measured = `${tally({ ...statuses, ...faults })} after ${ms(fastestMs)} to ${ms(slowestMs)}`;
  report.row({ id: 'PF-021', what: 'answers of one byte a second', hold: '504 after 10 to 15 s', measured, good });
}

async function startFarEnd(context, seed) {
  const { child, hello } = await startWorker('load', join(import.meta.dirname, 'provider/far-end.js'), [String(seed)]);
  context.atEnd(() => stop(child));
  const count = async () => {
    const message = nextMessage(child);
    child.send('count');
    return (await message).answers;
  };
  return { url: hello.url, count };
}

function countStrangers(folder, { seed, from }) {
  const db = new BetterSqlite3(join(folder, 'gatehouse.db'));
  const stored = db.prepare('select extern_uid from identities').pluck().all();
  db.close();
  const welcome = new Set();
  for (let number = 1; number < from; number += 1) {
    const { uuid, verdict } = planFor(seed, number);
    if (verdict !== 'bad') welcome.add(uuid);
  }
  return stored.filter((uuid) => !welcome.has(uuid)).length;
}
