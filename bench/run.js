// `npm run bench`: Gatehouse beside its baselines, on this machine, in one run. What the figures mean: docs/performance.md.
import { loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { measureAdmin } from './admin.js';
import { fill, makeSchema } from './databases.js';
import { makeFolder, migrate, prepareGatehouse, startGatehouse, timeStarts } from './gatehouse.js';
import { measure, measureRounds, median } from './measure.js';
import { memoryMb, nextMessage, startWorker, stop } from './process.js';
import { recordAnswers } from './record.js';
import { growthTable, machine, speedTable, targetTable, writeDocument } from './report.js';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean' }, write: { type: 'boolean' } } });

const settings = options.quick
  ? {
      rounds: 2,
      seconds: 0.5,
      signIns: 1000,
      patience: 5,
      starts: 2,
      sizes: [10, 10_000],
      growthRounds: 2,
      admin: { people: 1000, events: 10_000 },
    }
  : {
      rounds: 5,
      seconds: 1,
      signIns: 10_000,
      patience: 75,
      starts: 5,
      sizes: [10, 10_000, 1e6],
      growthRounds: 3,
      admin: { people: 10_000, events: 100_000 },
    };
/** Before anything is measured: often enough for Node to compile what is hot, but no longer than this. */
const WARM_UP_SECONDS = options.quick ? 0.3 : 5;
const WARM_UP_COUNTS = { 'sign-in': 400, user: 3000, page: 3000 };
const warmUpFor = (what) => ({ count: WARM_UP_COUNTS[what], seconds: WARM_UP_SECONDS });
/** Different people who sign in: each comes back now and then, as at a real server. */
const PEOPLE = 1000;

const cleanUps = [];
const atEnd = (cleanUp) => cleanUps.push(cleanUp);

async function start() {
  const load = await startWorker('load', 'load.js');
  atEnd(() => stop(load.child));
  const bitbucket = await startWorker('load', 'bitbucket.js');
  atEnd(() => stop(bitbucket.child));
  return { load: load.child, bitbucketUrl: bitbucket.hello.url };
}

async function startServers(tools) {
  const { url, child } = await startPlain(tools);
  const servers = [
    { name: 'plain', url, child, people: PEOPLE },
    { name: 'sqlite', people: PEOPLE, ...(await startOne(tools)) },
  ];
  const postgresUrl = process.env.TEST_POSTGRES_URL;
  if (postgresUrl) {
    const schema = await makeSchema(postgresUrl);
    atEnd(schema.drop);
    tools.postgresVersion = schema.version;
    servers.push({ name: 'postgres', people: PEOPLE, ...(await startOne(tools, schema.url)) });
  } else {
    say('PostgreSQL is left out: TEST_POSTGRES_URL is not set.');
  }
  return [await startBare(tools, servers[1]), ...servers];
}

async function startPlain({ bitbucketUrl }) {
  const { child, hello } = await startWorker('server', 'plain.js', [bitbucketUrl]);
  atEnd(() => stop(child));
  return { child, url: hello.url };
}

async function startOne(tools, databaseUrl) {
  const gatehouse = await newGatehouse(tools, databaseUrl);
  if (databaseUrl) await migrate(gatehouse); // with SQLite the server does it
  return startAgain(gatehouse);
}

async function newGatehouse({ bitbucketUrl }, databaseUrl) {
  const { folder, remove } = makeFolder();
  atEnd(remove);
  return prepareGatehouse({ folder, bitbucketUrl, databaseUrl });
}

async function startAgain(gatehouse) {
  const { child, url } = await startGatehouse(gatehouse);
  atEnd(() => stop(child));
  return { child, url };
}

/** Asks a server for one sign-in and lets bare node:http repeat it. */
async function startBare({ bitbucketUrl }, { url }) {
  const { child } = await startWorker('server', 'bare.js');
  atEnd(() => stop(child));
  const recorded = await recordAnswers(url, bitbucketUrl, 1);
  const ready = nextMessage(child);
  child.send(recorded);
  return { name: 'bare', child, url: (await ready).url, people: 1, step: 1 };
}

/** Fresh processes, as many sign-ins at each. Warms both up for what follows. @returns MB by server, and how many there were */
async function measureMemory(tools, servers) {
  const { signIns: count, patience: seconds } = settings;
  const memory = { signIns: count };
  for (const server of servers.filter(({ name }) => name === 'plain' || name === 'sqlite')) {
    const before = memoryMb(server.child);
    const { count: done } = await measure(tools, server, { what: 'sign-in', count, seconds });
    memory[server.name] = memoryMb(server.child);
    memory.signIns = Math.min(memory.signIns, done);
    say(`  ${server.name}: ${Math.round(before)} MB, after ${done} sign-ins ${Math.round(memory[server.name])} MB`);
  }
  return memory;
}

async function measureSpeed(tools, servers) {
  const { rounds, seconds } = settings;
  const speed = {};
  for (const what of ['sign-in', 'user', 'page']) {
    speed[what] = await measureRounds(tools, servers, { what, rounds, seconds, warmUp: warmUpFor(what) });
  }
  return speed;
}

async function measureGrowth(tools) {
  const servers = [];
  for (const size of settings.sizes) {
    const gatehouse = await newGatehouse(tools);
    await migrate(gatehouse);
    say(`  ${size} accounts, identities and sessions: made in ${fill(gatehouse.folder, size).toFixed(1)} s`);
    // People from all over the table, so that no small part of it is all that is ever read.
    const people = Math.min(size, 2000);
    servers.push({
      name: String(size),
      size,
      people,
      step: Math.floor(size / people),
      ...(await startAgain(gatehouse)),
    });
  }
  const { growthRounds: rounds, seconds } = settings;
  const measured = (what) => measureRounds(tools, servers, { what, rounds, seconds, warmUp: warmUpFor(what) });
  const signIn = await measured('sign-in');
  const user = await measured('user');
  return servers.map(({ name, size }) => ({ size, user: user[name], signIn: signIn[name] }));
}

async function run() {
  const began = performance.now();
  const loadBefore = loadavg()[0];
  const tools = await start();
  say('Time from spawn to ready …');
  const first = await newGatehouse(tools);
  await timeStarts(first, 1); // makes the database
  const ready = median(await timeStarts(first, settings.starts));
  const servers = await startServers(tools);
  say(`Memory after ${settings.signIns} sign-ins …`);
  const memory = await measureMemory(tools, servers);
  say(`Speed, ${settings.rounds} rounds …`);
  const speed = await measureSpeed(tools, servers);
  for (const { child } of servers) await stop(child);
  say('Growth …');
  const growth = await measureGrowth(tools);
  say('Administration …');
  const admin = await measureAdmin(tools, { ...settings.admin, say });

  const text = [
    machine(loadBefore, tools.postgresVersion),
    speedTable(speed),
    targetTable({ speed, memory, ready }),
    growthTable(growth),
    admin,
  ].join('\n\n');
  say(`\n${text}\n\n${Math.round((performance.now() - began) / 1000)} s in all`);
  if (options.write) await writeDocument(text);
}

function say(line) {
  console.log(line);
}

let cleaning;

/** Ends what was started, once, whoever asks for it. */
function cleanUp() {
  const all = async () => {
    for (const step of cleanUps.reverse()) await step();
  };
  return (cleaning ??= all());
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
try {
  await run();
} finally {
  await cleanUp();
}
