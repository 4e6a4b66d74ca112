// Sends visitors to a server, and tells whether they had to wait too long.
import { watchShare } from '../bench/process.js';
import { freeShare, readMetrics, runJob } from './world.js';
import { ms, tally } from './report.js';

/** With less of a core than this, what is measured is the scheduler of the machine. */
const LEAST_SHARE = 0.25;

/** How many times as much is allowed. Where nothing can be told nothing is relaxed either: what holds there holds anywhere. */
export function slackOf(share) {
  return share < LEAST_SHARE ? 1 : 1 / share;
}

/** What did not hold counts only where there was a core to hold it on. */
export function judged(good, share) {
  return good || (share < LEAST_SHARE ? undefined : false);
}

/**
 * @param {{ url: string, bitbucket: { url: string }, child: object }} world
 * @param {object} job see visitors.js; `share` is the free part of the core, where it is known already
 * @returns what was counted, at which rate, and the share of a core to judge it by: what was free before, or what the server
 *   got in fact, where that was less and not its own doing (`ownThreads`)
 */
export async function visit({ url, bitbucket, child }, { share, ownThreads = false, ...job }) {
  const free = share ?? (await freeShare());
  const perSecond = Math.max(1, Math.round(job.perSecond * free));
  const gotShare = watchShare(child);
  const result = await runJob('visitors.js', { url, bitbucket: bitbucket.url, ...job, perSecond });
  const got = gotShare();
  return { ...result, perSecond, share: ownThreads || got > 0.9 ? free : Math.min(free, got) };
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
  const inTime = names.every((name) => times[name] <= limits[name] * slackOf(share) + reference[name]);
  report.row({
    id,
    what,
    hold: list(limits).replaceAll(/ (?=\d)/g, ' ≤ '),
    measured,
    good: wrong === '' && judged(inTime, share),
  });
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
    const good = p99 <= 50 * slackOf(share) + reference.p99 && max <= 250 * slackOf(share) + reference.max;
    report.row({
      id: 'R-06',
      what: `delay of the event loop, ${what}`,
      hold: 'p99 ≤ 50 ms, max ≤ 250 ms',
      measured: `p99 ${ms(p99)}, max ${ms(max)}`,
      good: judged(good, share),
    });
  };
}
