// `npm run soak`: attacks, faults and load for as long as a laptop can spare, and one table at the end. See docs/soak.md.
import { loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { machine } from '../bench/report.js';
import { clients } from './clients.js';
import { endurance } from './endurance.js';
import { fuzz } from './fuzz.js';
import { load, postgres } from './load.js';
import { outage } from './outage.js';
import { provider } from './provider.js';
import { Report, whole } from './report.js';
import { sessions } from './sessions.js';
import { tests } from './tests.js';
import { timing } from './timing.js';

/** In the order they run, with the minutes each has. What has a figure to reach stops when it is there. */
const PARTS = {
  fuzz: { run: fuzz, minutes: 18, quickMinutes: 0.7 },
  provider: { run: provider, minutes: 3, quickMinutes: 0.4 },
  load: { run: load, minutes: 2.5, quickMinutes: 0.4 },
  sessions: { run: sessions, minutes: 1.5, quickMinutes: 0.2 },
  clients: { run: clients, minutes: 1.2, quickMinutes: 0 },
  outage: { run: outage, minutes: 0.8, quickMinutes: 0.4 },
  timing: { run: timing, minutes: 1.5, quickMinutes: 0.3 },
  endurance: { run: endurance, minutes: 2, quickMinutes: 0.3 },
  postgres: { run: postgres, minutes: 0.5, quickMinutes: 0.2 },
  tests: { run: tests, minutes: 5, quickMinutes: 0 },
};
const NAMES = Object.keys(PARTS);

/** @throws with one line for whoever called it wrongly */
function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: 'string' }, quick: { type: 'boolean' }, seed: { type: 'string' } },
  });
  const unknown = positionals.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}; parts are ${NAMES.join(', ')}`);
  const [minutes, seed] = [values.minutes, values.seed].map((text) => (text === undefined ? undefined : Number(text)));
  if (Number.isNaN(minutes) || Number.isNaN(seed)) throw new Error('--minutes and --seed take a number');
  const key = values.quick ? 'quickMinutes' : 'minutes';
  const named = NAMES.filter((name) => positionals.length === 0 || positionals.includes(name));
  const parts = named.filter((name) => PARTS[name][key] > 0 || positionals.length > 0);
  for (const name of named)
    if (!parts.includes(name)) console.log(`${name} is left out: it takes longer than --quick allows`);
  return { parts, key, minutes, quick: values.quick === true, seed: seed ?? Date.now() % 1_000_000 };
}

async function run({ parts, key, minutes, quick, seed }) {
  const began = performance.now();
  const [loadBefore] = loadavg();
  const usual = parts.reduce((sum, name) => sum + PARTS[name][key], 0);
  const report = new Report();
  for (const name of parts) {
    // The time that is given is for all that is named, shared as usual.
    const seconds = 60 * PARTS[name][key] * (minutes === undefined ? 1 : minutes / usual);
    console.log(`${name}: about ${whole(seconds)} s at most, load average ${loadavg()[0].toFixed(1)} …`);
    await runPart(PARTS[name].run, { report, seed, seconds, quick, name, limited: quick || minutes !== undefined });
  }
  const took = `${whole((performance.now() - began) / 1000)} s in all`;
  console.log(`\n${machine(loadBefore)} · seed ${seed} · ${took}\n\n${report}\n`);
  if (report.open > 0)
    console.log(
      `${report.open} lines (–) show nothing: what they need was left out, or less than a quarter of the core was free.\n`,
    );
  if (!report.good) process.exitCode = 1;
}

const cleanUps = [];

async function runPart(part, context) {
  try {
    await part({ ...context, atEnd: (cleanUp) => cleanUps.push(cleanUp) });
  } catch (error) {
    const [line] = error.message.split('\n');
    context.report.row({
      id: '–',
      what: `${context.name} runs to its end`,
      hold: 'yes',
      measured: line.slice(0, 200),
      good: false,
    });
    console.error(error);
  } finally {
    await cleanUp();
  }
}

/** Ends what a part has started, newest first. */
async function cleanUp() {
  while (cleanUps.length > 0) await cleanUps.pop()();
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
try {
  await run(readArguments());
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
