// Runs the load against servers in turn (A B C A B C …), so that whatever else the machine does meets all of them alike.
import { cpuSeconds, nextMessage } from './process.js';

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {string} url
 * @property {import('node:child_process').ChildProcess} child
 * @property {number} people how many different people sign in at it
 * @property {number} [step] see load.js
 */

const CONNECTIONS = 16;

/** One run. @returns what load.js counted, and the server's CPU time per action in ms */
export async function measure({ load, bitbucketUrl }, server, job) {
  const { url, people, step, child } = server;
  const before = cpuSeconds(child);
  load.send({ url, people, step, bitbucket: bitbucketUrl, connections: CONNECTIONS, ...job });
  const { result, error } = await nextMessage(load);
  if (error) throw new Error(`${server.name}: ${error}`);
  if (result.count === 0) throw new Error(`${server.name}: nothing was answered in time`);
  const cpu = cpuSeconds(child) - before;
  return { ...result, cpuMs: (cpu * 1000) / result.count };
}

/**
 * @param {{ what: string, seconds: number, rounds: number, warmUp: object }} job `seconds` of one run; `warmUp` as for load.js
 * @returns {Promise<Record<string, object[]>>} by server, one result per round
 */
export async function measureRounds(tools, servers, { rounds, warmUp, ...job }) {
  const results = Object.fromEntries(servers.map(({ name }) => [name, []]));
  for (const server of servers) await measure(tools, server, { ...job, ...warmUp });
  for (let round = 0; round < rounds; round += 1) {
    for (const server of servers) results[server.name].push(await measure(tools, server, job));
  }
  return results;
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function medianOf(results, key) {
  return median(results.map((result) => result[key]));
}

/** Median over the rounds of how many times as many actions per second the first did as the second, side by side in time. */
export function ratio(results, baseline, key = 'perSecond') {
  return median(results.map((result, round) => result[key] / baseline[round][key]));
}
