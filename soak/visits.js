// Sends visitors to a server, and tells whether they had to wait too long.
import { freeShare, readMetrics, runJob } from './world.js';
import { ms, tally } from './report.js';

/** With less of a core than this, what is measured is the scheduler of the machine. */
const LEAST_SHARE = 0.25;

/** What did not hold counts only where there was a core to hold it on. */
export function judged(good, share) {
  return good || (share < LEAST_SHARE ? undefined : false);
}

/** @param {{ url: string, bitbucket: { url: string } }} world @param {object} job see visitors.js */
export async function visit({ url, bitbucket }, { share, ...job }) {
  const free = share ?? (await freeShare());
  const perSecond = Math.max(1, Math.round(job.perSecond * free));
  const result = await runJob('visitors.js', { url, bitbucket: bitbucket.url, ...job, perSecond });
  return { ...result, perSecond, share: free };
}

/**
 * A row for how long people wait. The machine may be busy with something else, and that is no fault of ours: on half a
 * core twice the time is allowed, and what the server that does nothing took in the same moment is added.
 * @param {{ p50?: number, p95?: number, p99?: number, max?: number }} limits in ms
 */
export function judgeTimes(
  report,
  { id, what, limits, expected = ['200'], times, reference, counts, perSecond, share },
) {
  const names = Object.keys(limits);
  const list = (values) => names.map((name) => `${name} ${ms(values[name])}`).join(', ');
  const unexpected = Object.fromEntries(Object.entries(counts).filter(([outcome]) => !expected.includes(outcome)));
  const wrong = Object.keys(unexpected).length === 0 ? '' : `; ${tally(unexpected)}`;
  const measured = `${list(times)}; ${perSecond} a second${machineNow(share, list(reference))}${wrong}`;
  const inTime = names.every((name) => times[name] <= limits[name] / share + reference[name]);
  report.row(id, what, list(limits).replaceAll(/ (?=\d)/g, ' ≤ '), measured, wrong === '' && judged(inTime, share));
}

function machineNow(share, reference) {
  return share === 1 ? '' : `, ${Math.round(share * 100)} % of the core free, doing nothing takes ${reference}`;
}

/** Forgets the delays so far, for each look at the metrics begins a new count. @returns makes a row of those since */
export async function watchLoop(world) {
  await readMetrics(world);
  return async (report, { what, reference, share }) => {
    const value = await readMetrics(world);
    const [p99, max] = ['p99', 'max'].map((part) => 1000 * value(`nodejs_eventloop_lag_${part}_seconds`));
    const good = p99 <= 50 / share + reference.p99 && max <= 250 / share + reference.max;
    report.row(
      'R-06',
      `delay of the event loop, ${what}`,
      'p99 ≤ 50 ms, max ≤ 250 ms',
      `p99 ${ms(p99)}, max ${ms(max)}`,
      judged(good, share),
    );
  };
}
