// `npm run soak`: attacks, faults and load for as long as a laptop can spare, one table at the end. See docs/soak.md.
import { loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { machine } from '../bench/report.js';
import { clients } from './clients.js';
import { fuzz } from './fuzz.js';
import { load, postgres } from './load.js';
import { outage } from './outage.js';
import { provider } from './provider.js';
import { Report, whole } from './report.js';
import { sessions } from './sessions.js';
import { timing } from './timing.js';

/** In the order they run, with their shares of the time. */
const PARTS = {
  fuzz: { run: fuzz, share: 13 },
  provider: { run: provider, share: 4 },
  load: { run: load, share: 3 },
  sessions: { run: sessions, share: 2 },
  clients: { run: clients, share: 2 },
  outage: { run: outage, share: 1 },
  timing: { run: timing, share: 2 },
  postgres: { run: postgres, share: 1 },
};
const MINUTES = 30;
const QUICK_MINUTES = 3;

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string' }, quick: { type: 'boolean' }, seed: { type: 'string' } },
});

function choose() {
  const unknown = names.find((name) => !(name in PARTS));
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}; parts are ${Object.keys(PARTS).join(', ')}`);
  return Object.entries(PARTS).filter(([name]) => names.length === 0 || names.includes(name));
}

async function run() {
  const began = performance.now();
  const [loadBefore] = loadavg();
  const seed = Number(options.seed ?? Date.now() % 1e9);
  const parts = choose();
  const shares = Object.values(PARTS).reduce((sum, { share }) => sum + share, 0);
  const given = options.minutes === undefined ? undefined : Number(options.minutes);
  const whole_ = given ?? (options.quick ? QUICK_MINUTES : MINUTES);
  // A time that is given is for the parts that are named; else each has its share of all.
  const all = given === undefined ? shares : parts.reduce((sum, [, { share }]) => sum + share, 0);
  const report = new Report();
  console.log(`seed ${seed}`);
  for (const [name, part] of parts) {
    const seconds = (whole_ * 60 * part.share) / all;
    console.log(`${name}, at most about ${whole(seconds)} s, load average ${loadavg()[0].toFixed(1)} …`);
    await runPart(part, { report, seed, seconds, quick: options.quick === true });
  }
  console.log(
    `\n${machine(loadBefore)} · seed ${seed}\n\n${report}\n\n${whole((performance.now() - began) / 1000)} s in all`,
  );
  if (!report.good) process.exitCode = 1;
}

const cleanUps = [];

async function runPart({ run: part }, context) {
  try {
    await part({ ...context, atEnd: (cleanUp) => cleanUps.push(cleanUp) });
  } catch (error) {
    context.report.row('soak', `this part ran to its end`, 'yes', error.message.split('\n')[0].slice(0, 200), false);
    console.error(error);
  } finally {
    await cleanUp();
  }
}

async function cleanUp() {
  while (cleanUps.length > 0) await cleanUps.pop()();
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
await run();
