// `node bench/profile.js sign-in|user|page [seconds]`: where a Gatehouse on SQLite spends its time, from `node --cpu-prof`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, prepareGatehouse, startGatehouse } from './gatehouse.js';
import { measure } from './measure.js';
import { startWorker, stop } from './process.js';
import { table } from './report.js';

const [what = 'sign-in', seconds = '8'] = process.argv.slice(2);
const LINES = 30;
const WARM_UP_MS = 3000;

async function takeProfile() {
  const load = await startWorker('load', 'load.js');
  const bitbucket = await startWorker('load', 'bitbucket.js');
  const { folder, remove } = makeFolder();
  try {
    const gatehouse = await prepareGatehouse({ folder, bitbucketUrl: bitbucket.hello.url });
    const started = await startGatehouse(gatehouse, ['--cpu-prof', '--cpu-prof-dir', folder]);
    const server = { name: 'sqlite', people: 1000, ...started };
    const tools = { load: load.child, bitbucketUrl: bitbucket.hello.url };
    await measure(tools, server, { what, seconds: Number(seconds) });
    await stop(server.child);
    const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    return { profile, skipMs: started.readyMs + WARM_UP_MS };
  } finally {
    await stop(load.child);
    await stop(bitbucket.child);
    remove();
  }
}

/**
 * Microseconds by package and by function, once everything is warm. What Node's own code and native code cost counts for
 * whoever called them. Not by what a function calls in turn: Express's middlewares all call each other.
 */
function summarize({ nodes, samples, timeDeltas }, skipMs) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) byId.get(child).parent = node;
  const [packages, functions] = [new Map(), new Map()];
  let [elapsed, all] = [0, 0];
  samples.forEach((id, index) => {
    elapsed += timeDeltas[index];
    const node = byId.get(id);
    if (elapsed < skipMs * 1000 || node.callFrame.functionName === '(idle)') return;
    all += timeDeltas[index];
    const { name, place } = ownerOf(node);
    add(packages, name, timeDeltas[index]);
    add(functions, place, timeDeltas[index]);
  });
  return { packages, functions, all };
}

function add(times, key, time) {
  times.set(key, (times.get(key) ?? 0) + time);
}

/** The next caller that is no part of Node. */
function ownerOf(leaf) {
  for (let node = leaf; node; node = node.parent) {
    const { url, functionName, lineNumber } = node.callFrame;
    if (!url.startsWith('file:')) continue;
    const path = url.replace(/.*\/(?=dist\/(?!esm))/, '').replace(/.*\/node_modules\//, '');
    const name = /^(@[^/]+\/)?[^/]+/.exec(path)[0];
    return { name: name === 'dist' ? path : name, place: `${functionName || '(anonymous)'} ${path}:${lineNumber + 1}` };
  }
  const { functionName } = leaf.callFrame;
  const name = functionName === '(garbage collector)' ? functionName : 'Node: HTTP, streams, promises';
  return { name, place: `${functionName || '(anonymous)'} ${leaf.callFrame.url || 'native'}` };
}

function top(times, all) {
  const sorted = [...times].sort((a, b) => b[1] - a[1]).slice(0, LINES);
  return sorted.map(([key, time]) => [key, `${((time / all) * 100).toFixed(1)} %`]);
}

const { profile, skipMs } = await takeProfile();
const { packages, functions, all } = summarize(profile, skipMs);
console.log(`${table([`${what}: by package`, 'share'], top(packages, all))}\n`);
console.log(table([`${what}: by function`, 'share'], top(functions, all)));
