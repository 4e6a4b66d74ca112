// Signs in, one plan of the far end after the other, and looks who came in.
import { performance } from 'node:perf_hooks';
import { Connection, headerOf, withCookies } from '../../bench/connection.js';
import { openForm } from '../../bench/journeys.js';
import { CANARY, planFor } from './plans.js';
import { add } from '../report.js';
import { serveJobs } from '../../bench/jobs.js';
import { MARKUP } from '../fuzz/strings.js';

const BROWSERS = 24;
/** Beside 303: what a visitor may be told about a Bitbucket that answers badly, or an address that is taken. */
const LISTED = new Set([400, 409, 502, 503, 504]);
const HOME_EVERY = 20;

/** @param {{ url: string, seed: number, from: number, count: number, seconds: number }} job */
async function run({ url, seed, from, count, seconds }) {
  const until = performance.now() + seconds * 1000;
  const result = { statuses: {}, faults: {}, examples: [], done: 0, unasked: 0, slowestMs: 0, fastestMs: Infinity };
  let next = from;
  const work = async () => {
    while (next < from + count && performance.now() < until) await judge(url, planFor(seed, next), next++, result);
  };
  await Promise.all(Array.from({ length: BROWSERS }, work));
  return result;
}

async function judge(url, plan, number, result) {
  const site = new Connection(url);
  try {
    const began = performance.now();
    const { status, cookie, body } = await signIn(site, number);
    result.done += 1;
    result.slowestMs = Math.max(result.slowestMs, performance.now() - began);
    result.fastestMs = Math.min(result.fastestMs, performance.now() - began);
    add(result.statuses, status);
    const fault =
      status === 303
        ? await faultOfSession(site, { cookie, plan, number })
        : await faultOfRefusal(site, { status, cookie, body, plan }, result);
    if (fault !== undefined) note(result, fault, plan);
  } catch (error) {
    note(result, error.message.slice(0, 100), plan);
  } finally {
    site.close();
  }
}

function note(result, fault, plan) {
  add(result.faults, fault);
  if (result.faults[fault] <= 2)
    result.examples.push(`${fault}: ${plan.what} ${JSON.stringify(plan.replies).slice(0, 600)}`);
}

/** From the page to the callback. Bitbucket's own page is left out: it is the browser that goes there. */
async function signIn(site, number) {
  const { cookie, csrf } = await openForm(site);
  const start = await site.post('/users/auth/bitbucket', cookie, `_csrf=${csrf}&return_to=`);
  if (start.status !== 302) throw new Error(`the start answered ${start.status}`);
  const { searchParams } = new URL(headerOf(start.head, 'location'));
  const jar = withCookies(cookie, start.head);
  const answer = await site.get(`/users/auth?code=${number}.${CANARY}&state=${searchParams.get('state')}`, jar);
  return { status: answer.status, cookie: withCookies(jar, answer.head), body: answer.body };
}

async function faultOfSession(site, { cookie, plan, number }) {
  if (plan.verdict === 'bad') return 'came in with a bad answer';
  const { status, body } = await site.get('/api/v4/user', cookie);
  if (status !== 200) return 'no session after 303';
  if (JSON.parse(body).identities[0]?.extern_uid !== plan.uuid) return 'came in as somebody else';
  if (number % HOME_EVERY > 0) return undefined;
  const home = await site.get('/', cookie);
  return home.status === 200 && !home.body.includes(MARKUP) ? undefined : 'a name that breaks the page';
}

async function faultOfRefusal(site, { status, cookie, body, plan }, result) {
  if (!LISTED.has(status)) return `status ${status}`;
  // Ten failures in a row open the breaker; then good answers are not even asked for.
  if (plan.verdict === 'good' && status !== 502) return `refused a good answer with ${status}`;
  if (plan.verdict === 'good') result.unasked += 1;
  if (body.includes(CANARY) || body.includes(MARKUP)) return 'foreign text in the page';
  return (await site.get('/api/v4/user', cookie)).status === 401 ? undefined : 'a session after a refusal';
}

serveJobs(run);
