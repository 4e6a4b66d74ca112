// R-13, PF-027, PF-028: a Bitbucket that is down or slow, and everybody who does not need it.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../bench/connection.js';
import { ROOT_PASSWORD } from '../bench/gatehouse.js';
import { openFiles } from '../bench/process.js';
import { ms, tally } from './report.js';
import { judged, judgeTimes, slackOf, visit } from './visits.js';
import { freeShare, openWorld, startReference } from './world.js';

const STARTS_PER_SECOND = 20;
const RECOVERY_MS = 30_000;
const SLOW_MS = 8000;
const WAITING = 200;
/** Requests to Bitbucket under way at once. */
const MAX_OUTGOING = 100;

export async function outage(context) {
  const { report } = context;
  const world = await openWorld(context, { title: 'an outage of Bitbucket' });
  const reference = await startReference(context);
  await visit(world, { what: 'callback', perSecond: 10, seconds: 2 });
  await down(report, world, { reference, seconds: Math.max(8, context.seconds * 0.2) });
  await recovery(report, world);
  await slow(report, world, reference);
  await world.close();
}

async function down(report, world, { reference, seconds }) {
  const root = { what: 'password', perSecond: 2, login: 'root', password: ROOT_PASSWORD, reference, seconds };
  const share = await freeShare();
  const before = await visit(world, { ...root, seconds: Math.min(8, seconds), share });
  world.bitbucket.child.send({ down: true });
  // Until the breaker opens each of them is really tried.
  await visit(world, { what: 'callback', perSecond: 10, seconds: 2 });
  const [tries, passwords] = await Promise.all([
    visit(world, { what: 'callback', perSecond: STARTS_PER_SECOND, reference, seconds, share }),
    visit(world, { ...root, share }),
  ]);
  const page = await signInPage(world);
  judgeTimes(report, {
    id: 'PF-027',
    what: `Bitbucket is down: starts with callbacks, ${STARTS_PER_SECOND} a second`,
    limits: { p95: 1000 },
    expected: ['502', '503'],
    ...tries,
  });
  report.row({
    id: 'R-13',
    what: 'the sign-in page says so',
    hold: 'yes',
    measured: page.includes('has not answered lately') ? 'yes' : 'no',
    good: page.includes('has not answered lately'),
  });
  // The same machine a moment before is the measure; what it does beside is no fault of ours.
  const limit = before.times.p95 * 2 + 50 * slackOf(passwords.share) + passwords.reference.p95;
  const good =
    passwords.counts['303'] === passwords.times.count && judged(passwords.times.p95 <= limit, passwords.share);
  report.row({
    id: 'R-13',
    what: 'password sign-ins meanwhile, p95',
    hold: `about as before (${ms(before.times.p95)})`,
    measured: `${ms(passwords.times.p95)}; ${tally(passwords.counts)}`,
    good,
  });
}

async function signInPage({ url }) {
  const site = new Connection(url);
  const { body } = await site.get('/users/sign_in');
  site.close();
  return body;
}

async function recovery(report, world) {
  world.bitbucket.child.send({ down: false });
  const began = performance.now();
  let ok = false;
  while (!ok && performance.now() - began < RECOVERY_MS + 10_000) {
    const { counts } = await visit(world, { what: 'callback', perSecond: 1, seconds: 1, share: 1 });
    ok = counts['303'] > 0;
    await sleep(500);
  }
  const tookMs = performance.now() - began;
  report.row({
    id: 'R-13',
    what: 'sign-ins work again after its return',
    hold: `≤ ${ms(RECOVERY_MS)}`,
    measured: ok ? ms(tookMs) : 'not at all',
    good: ok && tookMs <= RECOVERY_MS,
  });
}

async function slow(report, world, reference) {
  world.bitbucket.child.send({ delayMs: SLOW_MS });
  const share = await freeShare();
  const perSecond = WAITING / 3 / share; // all within three seconds, whatever the share
  const crowd = visit(world, { what: 'callback', perSecond, seconds: 3, share });
  const others = visit(world, { what: 'page', perSecond: 30, reference, seconds: 9 });
  let most = 0;
  const until = performance.now() + 9000;
  while (performance.now() < until) {
    most = Math.max(most, outgoing(world));
    await sleep(200);
  }
  const [{ counts }, pages] = await Promise.all([crowd, others]);
  world.bitbucket.child.send({ delayMs: 0 });
  judgeTimes(report, {
    id: 'PF-028',
    what: `Bitbucket takes 8 s, ${WAITING} wait for it: other pages`,
    limits: { p95: 300 },
    ...pages,
  });
  const known = Object.keys(counts).every((outcome) => ['303', '502', '503', '504'].includes(outcome));
  report.row({
    id: 'PF-028',
    what: 'those who wait',
    hold: 'signed in or told 503, 504',
    measured: tally(counts),
    good: known && counts['503'] > 0,
  });
  report.row({
    id: 'PF-028',
    what: 'connections to Bitbucket at most',
    hold: `1 to ${MAX_OUTGOING}`,
    measured: String(most),
    good: most > 0 && most <= MAX_OUTGOING,
  });
}

/** Connections that the server's process has to Bitbucket, as Linux counts them. */
function outgoing({ child, bitbucket }) {
  const port = Number(new URL(bitbucket.url).port).toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const inodes = new Set(
    lines
      .map((line) => line.trim().split(/\s+/))
      .flatMap((fields) => (fields[2]?.endsWith(`:${port}`) ? [fields[9]] : [])),
  );
  return openFiles(child).filter((target) => inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1])).length;
}
