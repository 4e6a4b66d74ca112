// LG-007: many people at once, the ordinary way and the other.
import { ROOT_PASSWORD } from '../bench/gatehouse.js';
import { makeSchema } from '../bench/databases.js';
import { ms, tally } from './report.js';
import { judged, judgeTimes, slackOf, visit, watchLoop } from './visits.js';
import { freeShare, openWorld, startReference } from './world.js';

const PAGES = { what: 'user', perSecond: 200 };
const PAGE_LIMITS = { p50: 15, p95: 60, p99: 150 };
/** Not 50, as a server with two cores of its own would have to: load and stand-in share the machine (R-03 in docs/soak.md). */
const SIGN_INS_PER_SECOND = 15;
const BITBUCKET_MS = 50;
const PASSWORDS_PER_SECOND = 15;
const FLOOD_PER_SECOND = 200;
/** By the hundred, not by the thousand (docs/soak.md): as many as one core of a laptop answers beside its visitors. */
const ERRORS_PER_SECOND = 300;

export async function load(context) {
  const world = await openWorld(context, { title: 'load' });
  const reference = await startReference(context);
  const seconds = context.seconds;
  await pages(context, world, { reference, seconds: seconds * 0.3 });
  await signIns(context, world, { reference, seconds: seconds * 0.25 });
  await passwords(context, world, { reference, seconds: seconds * 0.1 });
  await errors(context, world, { reference, seconds: seconds * 0.12 });
  await world.close();
  await flood(context, { reference, seconds: seconds * 0.12 });
}

/** The same on PostgreSQL, where there is one. */
export async function postgres(context) {
  const postgresUrl = process.env.TEST_POSTGRES_URL;
  if (!postgresUrl) return console.log('  left out: TEST_POSTGRES_URL is not set');
  const schema = await makeSchema(postgresUrl);
  context.atEnd(schema.drop);
  const world = await openWorld(context, {
    title: 'load on PostgreSQL',
    databaseUrl: schema.url,
    count: schema.count,
  });
  const reference = await startReference(context);
  await pages(context, world, { reference, seconds: context.seconds * 0.4, on: ', PostgreSQL' });
  await signIns(context, world, { reference, seconds: context.seconds * 0.4, on: ', PostgreSQL' });
  await world.close();
}

async function pages({ report }, world, { reference, seconds, on = '' }) {
  await visit(world, { what: 'user', perSecond: 100, seconds: Math.min(5, seconds) }); // until Node has compiled what is hot
  const judgeLoop = await watchLoop(world);
  const result = await visit(world, { ...PAGES, reference, seconds });
  judgeTimes(report, {
    id: 'R-01',
    what: `signed-in pages, 200 a second on a whole core${on}`,
    limits: PAGE_LIMITS,
    ...result,
  });
  await judgeLoop(report, { what: `signed-in pages${on}`, ...result });
}

async function signIns({ report }, world, { reference, seconds, on = '' }) {
  world.bitbucket.child.send({ delayMs: BITBUCKET_MS });
  const judgeLoop = await watchLoop(world);
  const result = await visit(world, { what: 'sign-in', perSecond: SIGN_INS_PER_SECOND, reference, seconds });
  world.bitbucket.child.send({ delayMs: 0 });
  const what = `whole sign-ins, ${SIGN_INS_PER_SECOND} a second on a whole core, Bitbucket takes ${BITBUCKET_MS} ms${on}`;
  judgeTimes(report, { id: 'R-03', what, limits: { p95: 400 }, expected: ['ok'], ...result });
  await judgeLoop(report, { what: `sign-ins${on}`, ...result });
}

async function passwords({ report }, world, { reference, seconds }) {
  const right = { login: 'root', password: ROOT_PASSWORD };
  const job = { what: 'password', perSecond: PASSWORDS_PER_SECOND, ...right, ownThreads: true, reference, seconds };
  const what = `password sign-ins, ${PASSWORDS_PER_SECOND} a second on one core`;
  judgeTimes(report, { id: 'R-04', what, limits: { p95: 1000 }, expected: ['303'], ...(await visit(world, job)) });
}

/** Far more than can be checked: those beyond the queue are told so at once, and everybody else hardly notices. */
async function flood(context, { reference, seconds }) {
  const { report } = context;
  // On all cores: the figure is for two of them, and checking passwords takes one.
  const world = await openWorld(context, { title: 'a flood of passwords', core: 'any' });
  await visit(world, { what: 'page', perSecond: 100, seconds: 2 });
  const share = await freeShare();
  const [tries, others] = await Promise.all([
    visit(world, {
      what: 'password',
      perSecond: FLOOD_PER_SECOND,
      password: 'wrong',
      ownThreads: true,
      reference,
      seconds,
      share,
    }),
    visit(world, { what: 'user', perSecond: 50, ownThreads: true, reference, seconds, share }),
  ]);
  const refused = tries.byOutcome['503'] ?? tries.byOutcome['429'] ?? { p95: 0, count: 0 };
  const known = Object.keys(tries.counts).every((outcome) => ['422', '429', '503'].includes(outcome));
  // The server's own threads want the core, too, so what it gets in fact says nothing here.
  const least = Math.min(share, await freeShare());
  const inTime = refused.count > 0 && refused.p95 <= 1000 * slackOf(least) + tries.reference.p95;
  report.row({
    id: 'R-04',
    what: `flood of ${FLOOD_PER_SECOND} passwords a second`,
    hold: 'the excess gets 429 or 503, p95 ≤ 1,000 ms',
    measured: `${tries.perSecond} a second: ${tally(tries.counts)}; refused ones p95 ${ms(refused.p95)}`,
    good: known && judged(inTime, least),
  });
  judgeTimes(report, {
    id: 'R-04',
    what: 'signed-in pages during the flood',
    limits: { p95: 300 },
    ...others,
    share: least,
  });
  await world.close();
}

async function errors({ report }, world, { reference, seconds }) {
  const share = await freeShare();
  const [storm, others] = await Promise.all([
    visit(world, { what: 'missing', perSecond: ERRORS_PER_SECOND, reference, seconds, share }),
    visit(world, { what: 'user', perSecond: 20, reference, seconds, share }),
  ]);
  report.row({
    id: 'LG-007',
    what: `failing requests, ${ERRORS_PER_SECOND} a second`,
    hold: 'each answered 400',
    measured: `${storm.perSecond} a second: ${tally(storm.counts)}`,
    good: storm.counts['400'] === storm.times.count,
  });
  judgeTimes(report, { id: 'LG-007', what: 'signed-in pages meanwhile', limits: { p95: 300 }, ...others });
}
