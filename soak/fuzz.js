// R-22, first half: a million requests that nobody should send, at two servers, one with its rate limits on.
import { setInterval, clearInterval } from 'node:timers';
import { performance } from 'node:perf_hooks';
import { memoryMb } from '../bench/process.js';
import { addUp, isEnough, ms, tally, wantedText, whole } from './report.js';
import { seedOf } from './random.js';
import { isHealthy, openWorld, runJob } from './world.js';

const REQUESTS = 1_000_000;
const QUICK_REQUESTS = 25_000;
const MAX_MEMORY_MB = 400;
const ANY_CORE = 'any';
/** Of one server; the other has none. Those of the form are high enough for it to be reached. */
const LIMITS = { oauth_per_minute: 60, password_per_minute: 200, password_per_account: 10 };

export async function fuzz(context) {
  const { report, seed } = context;
  const count = context.quick ? QUICK_REQUESTS : REQUESTS;
  const worlds = [
    await openWorld(context, { title: 'fuzzing without limits', core: ANY_CORE }),
    await openWorld(context, { title: 'fuzzing with limits', core: ANY_CORE, rateLimits: LIMITS }),
  ];
  const start = performance.now();
  const memory = watchMemory(worlds);
  const jobs = worlds.map(({ url, bitbucket }, index) => ({
    url,
    bitbucket: bitbucket.url,
    seed: seedOf(seed, index * 1000),
    count: count / 2,
    seconds: context.seconds,
    people: 500,
  }));
  const results = await Promise.all(jobs.map((job) => runJob('fuzz/load.js', job, ANY_CORE)));
  const seconds = (performance.now() - start) / 1000;
  judge(context, { results, count, seconds });
  report.row({
    id: 'R-22',
    what: 'memory of each server at most',
    hold: `≤ ${MAX_MEMORY_MB} MB`,
    measured: `${whole(memory.stop())} MB`,
    good: memory.stop() <= MAX_MEMORY_MB,
  });
  for (const world of worlds) {
    const began = performance.now();
    const healthy = await isHealthy(world);
    report.row({
      id: 'R-22',
      what: 'same process, well within a second',
      hold: 'yes',
      measured: healthy ? ms(performance.now() - began) : 'no',
      good: healthy,
    });
    await world.close();
  }
}

function judge(context, { results, count, seconds }) {
  const { report } = context;
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
  const [statuses, faults, kinds] = ['statuses', 'faults', 'kinds'].map((key) => addUp(results, key));
  console.log(
    `  statuses: ${tally(statuses)}…, kinds: ${Object.keys(kinds).length}, ${whole(total('sent') / seconds)} per second`,
  );
  for (const example of results.flatMap(({ examples }) => examples)) console.log(`    ${example}`);
  report.row({
    id: 'R-22',
    what: 'fuzzed requests and good sign-ins',
    hold: wantedText(count, context),
    measured: `${whole(total('sent'))} (${whole(total('signIns'))} sign-ins)`,
    good: isEnough(total('sent'), count, context),
  });
  report.row({
    id: 'R-22',
    what: 'answers that should not be: 5xx, reflection, foreign Location, no answer',
    hold: 'none',
    measured: tally(faults),
    good: Object.keys(faults).length === 0,
  });
  report.row({
    id: 'invariants',
    what: 'sessions kept, and ended ones refused',
    hold: 'all',
    measured: `${total('alive')} and ${total('ended')}`,
    good: faults['session lost'] === undefined && faults['ended session accepted'] === undefined,
  });
}

function watchMemory(worlds) {
  let most = 0;
  const look = () => (most = Math.max(most, ...worlds.map(({ child }) => memoryMb(child) ?? 0)));
  const timer = setInterval(() => worlds.every(({ child }) => child.exitCode === null) && look(), 500);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}
