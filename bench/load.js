// The load generator, a process of its own: runs one job at a time and sends back what it has counted.
import { serveJobs } from './jobs.js';
import { performance } from 'node:perf_hooks';
import { Connection } from './connection.js';
import { openPage, signIn, whoAmI } from './journeys.js';

/**
 * @typedef {object} Job
 * @property {'sign-in' | 'user' | 'page'} what
 * @property {string} url of the server
 * @property {string} bitbucket URL of the stand-in
 * @property {number} connections browsers at the same time
 * @property {number} people how many different people sign in, in turn
 * @property {number} step between the numbers of two people who follow each other
 * @property {number} seconds how long at most
 * @property {number} [count] how many at most
 */

let nextPerson = 0;

async function run(job) {
  const browsers = await Promise.all(Array.from({ length: job.connections }, () => openBrowser(job)));
  const cpu = process.cpuUsage();
  const start = performance.now();
  let started = 0;
  const goOn = () => performance.now() - start < job.seconds * 1000 && (started += 1) <= (job.count ?? Infinity);
  const act = { 'sign-in': signInNext, user: whoAmI, page: openPage }[job.what];
  const counts = await Promise.all(browsers.map((browser) => repeat(() => act(browser, job), goOn)));
  const seconds = (performance.now() - start) / 1000;
  for (const browser of browsers) closeBrowser(browser);
  const { user, system } = process.cpuUsage(cpu);
  const count = counts.reduce((sum, one) => sum + one);
  // `busy` near 1: the generator is the limit, and the server could do more.
  return { count, perSecond: count / seconds, busy: (user + system) / 1e6 / seconds };
}

async function openBrowser(job) {
  const browser = { site: new Connection(job.url), bitbucket: new Connection(job.bitbucket), person: personOf(job) };
  if (job.what === 'user') browser.cookie = await signIn(browser);
  return browser;
}

function closeBrowser({ site, bitbucket }) {
  site.close();
  bitbucket.close();
}

/** Each time another person at a browser without cookies; the connection stays, as behind a proxy. */
function signInNext(browser, job) {
  return signIn({ ...browser, person: personOf(job) });
}

function personOf({ people, step = 1 }) {
  nextPerson += 1;
  return ((nextPerson % people) + 1) * step;
}

/** @returns how often */
async function repeat(action, goOn) {
  let count = 0;
  for (; goOn(); count += 1) await action();
  return count;
}

serveJobs(run);
