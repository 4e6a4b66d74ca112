// People who come at a steady rate, whether or not the server keeps up: each waits from the moment it was due. Beside
// them, now and then, a request to the server that does nothing, which tells how long the machine makes people wait.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { URLSearchParams } from 'node:url';
import { Connection, headerOf, withCookies } from '../bench/connection.js';
import { csrfOf, openForm, signIn } from '../bench/journeys.js';
import { add } from './report.js';
import { serveJobs } from '../bench/jobs.js';

/**
 * @typedef {object} Job
 * @property {keyof typeof ACTIONS} what
 * @property {string} url
 * @property {string} bitbucket
 * @property {string} [reference] URL of the server that does nothing
 * @property {number} perSecond
 * @property {number} seconds
 * @property {string} [login] of the regular form
 * @property {string} [password]
 */

const PEOPLE = 20;
const REFERENCE_PER_SECOND = 20;

/** What a visitor does, from a connection of its own. @returns {Promise<number | string>} the status or what happened */
const ACTIONS = {
  user: async ({ site }, { sessions }, n) => (await site.get('/api/v4/user', sessions[n % sessions.length])).status,
  page: async ({ site }) => (await site.get('/users/sign_in')).status,
  missing: async ({ site }, _shared, n) => (await site.get(`/users/auth?state=${n}&code=x`)).status,
  'sign-in': async (browser, _shared, n) => {
    await signIn({ ...browser, person: 1000 + (n % 500) });
    return 'ok';
  },
  'sign-in-and-out': async (browser, _shared, n) => {
    const cookie = await signIn({ ...browser, person: 1000 + (n % 500) });
    return (await signOut(browser.site, cookie)) === 303 ? 'ok' : 'not signed out';
  },
  /** Only what the server does: Bitbucket's page is left out, so that it may be down. */
  callback: async ({ site }, _shared, n) => {
    const { cookie, csrf } = await openForm(site);
    const start = await site.post('/users/auth/bitbucket', cookie, `_csrf=${csrf}&return_to=`);
    if (start.status !== 302) return start.status;
    const state = new URL(headerOf(start.head, 'location')).searchParams.get('state');
    const jar = withCookies(cookie, start.head);
    return (await site.get(`/users/auth?code=code-${1000 + (n % 500)}&state=${state}`, jar)).status;
  },
  password: async ({ site }, { form, login, password }, n) => {
    const fields = new URLSearchParams({ _csrf: form.csrf, login: login ?? `nobody-${n}`, password });
    return (await site.post('/users/sign_in', form.cookie, String(fields))).status;
  },
};

async function signOut(site, cookie) {
  const home = await site.get('/', cookie);
  return (await site.post('/users/sign_out', withCookies(cookie, home.head), `_csrf=${csrfOf(home.body)}`)).status;
}

/** @param {Job} job */
async function run(job) {
  const shared = await prepare(job);
  const result = { counts: {}, times: {} };
  const pool = [];
  const act = async (due, n) => {
    const browser = pool.pop() ?? openBrowser(job);
    const outcome = await ACTIONS[job.what](browser, shared, n).catch((error) => error.message.slice(0, 60));
    add(result.counts, outcome);
    (result.times[outcome] ??= []).push(performance.now() - due);
    if (typeof outcome === 'number' || outcome === 'ok') pool.push(browser);
    else close(browser);
  };
  const reference = job.reference && steadily(REFERENCE_PER_SECOND, job.seconds, askReference(job.reference));
  await steadily(job.perSecond, job.seconds, act);
  pool.forEach(close);
  const all = Object.values(result.times).flat();
  return {
    counts: result.counts,
    times: quantiles(all),
    byOutcome: Object.fromEntries(Object.entries(result.times).map(([outcome, times]) => [outcome, quantiles(times)])),
    reference: quantiles((await reference) ?? []),
  };
}

async function prepare(job) {
  const browser = openBrowser(job);
  const shared = { login: job.login, password: job.password };
  if (job.what === 'user') {
    shared.sessions = [];
    for (let person = 1; person <= PEOPLE; person += 1) shared.sessions.push(await signIn({ ...browser, person }));
  }
  if (job.what === 'password') shared.form = await openForm(browser.site);
  close(browser);
  return shared;
}

/** Begins so many a second, whatever became of those before. @returns what they gave */
async function steadily(perSecond, seconds, act) {
  const start = performance.now();
  const all = [];
  for (let n = 0; n < perSecond * seconds; n += 1) {
    const due = start + (n * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    all.push(act(due, n));
  }
  return Promise.all(all);
}

function askReference(url) {
  const connection = new Connection(url);
  let before = Promise.resolve();
  return (due) => {
    before = before.then(() => connection.get('/'));
    return before.then(() => performance.now() - due);
  };
}

function openBrowser({ url, bitbucket }) {
  return { site: new Connection(url), bitbucket: new Connection(bitbucket) };
}

function close({ site, bitbucket }) {
  site.close();
  bitbucket.close();
}

function quantiles(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}

serveJobs(run);
