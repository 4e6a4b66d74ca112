// PW-002, HT-017, HT-018, HT-019: what the time of an answer tells, and texts that take long to read.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import BetterSqlite3 from 'better-sqlite3';
import { Connection } from '../bench/connection.js';
import { openForm, signIn } from '../bench/journeys.js';
import { median } from '../bench/measure.js';
import { watchShare } from '../bench/process.js';
import { seeded } from './random.js';
import { ms } from './report.js';
import { judged } from './visits.js';
import { openWorld } from './world.js';

const SAMPLES = 300;
const QUICK_SAMPLES = 80;
/** High enough never to refuse: what counts the tries is measured, too. */
const LIMITS = { oauth_per_minute: 1e6, password_per_minute: 1e6, password_per_account: 1e6 };
const TRIES = 5;

export async function timing(context) {
  const world = await openWorld(context, { title: 'timing', rateLimits: LIMITS, prepare: addBlocked });
  await passwords(context, world);
  await probes(context, world);
  await world.close();
}

/** Somebody with a password who is blocked; root has one, and person-1 signs in with Bitbucket only. */
function addBlocked(folder) {
  const db = new BetterSqlite3(join(folder, 'gatehouse.db'));
  db.exec(`insert into accounts (username, name, state, admin, password_hash, created_at)
    select 'blocked-one', 'Blocked One', 'blocked', 0, password_hash, created_at from accounts where username = 'root'`);
  db.close();
}

async function passwords({ report, seed, quick }, world) {
  const site = new Connection(world.url);
  await signIn({ site, bitbucket: new Connection(world.bitbucket.url), person: 1 });
  const form = await openForm(site);
  const random = seeded(seed);
  const got = watchShare(world.child);
  const logins = {
    'wrong password': 'root',
    'no such name': 'nobody-here',
    blocked: 'blocked-one',
    'Bitbucket only': 'person-1',
  };
  const times = Object.fromEntries(Object.keys(logins).map((name) => [name, []]));
  const count = quick ? QUICK_SAMPLES : SAMPLES;
  for (let round = -3; round < count; round += 1) {
    const order = Object.keys(logins).sort(() => random.next() - 0.5);
    for (const name of order) {
      const time = await timeOf(() =>
        site.post('/users/sign_in', form.cookie, `_csrf=${form.csrf}&login=${logins[name]}&password=wrong`),
      );
      if (round >= 0) times[name].push(time);
    }
  }
  site.close();
  judgePasswords(report, { times, count, share: got() });
}

function judgePasswords(report, { times, count, share }) {
  const medians = Object.entries(times).map(([name, list]) => [name, median(list)]);
  const values = medians.map(([, value]) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const close = most - least <= 5 || most / least <= 1.05;
  report.row({
    id: 'PW-002',
    what: `wrong tries of four kinds, ${count} each: medians`,
    hold: 'within 5 % or 5 ms',
    measured: medians.map(([name, value]) => `${name} ${ms(value)}`).join(', '),
    good: judged(close, share),
  });
  const lists = Object.values(times);
  const pairs = lists.flatMap((one, index) => lists.slice(index + 1).map((other) => sameOrigin(one, other)));
  // Six comparisons: one of them looks odd six times as often as one alone (Bonferroni).
  const corrected = Math.min(1, Math.min(...pairs) * pairs.length);
  report.row({
    id: 'PW-002',
    what: 'the same, Kolmogorov and Smirnov',
    hold: 'p > 0.01',
    measured: `p = ${corrected.toFixed(3)}`,
    good: judged(corrected > 0.01, share),
  });
}

/** How likely two lists differ as much as they do though they come from the same source. */
function sameOrigin(one, other) {
  const [a, b] = [one, other].map((list) => [...list].sort((x, y) => x - y));
  let [i, j, distance] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] <= b[j]) i += 1;
    else j += 1;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  const n = Math.sqrt((a.length * b.length) / (a.length + b.length));
  const lambda = (n + 0.12 + 0.11 / n) * distance;
  if (lambda < 0.3) return 1;
  let p = 0;
  for (let k = 1; k <= 100; k += 1) p += 2 * (-1) ** (k - 1) * Math.exp(-2 * k * k * lambda * lambda);
  return Math.min(1, Math.max(0, p));
}

async function timeOf(action) {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

/** Texts that backtracking expressions choke on. Only the beginning and the end make one dangerous. */
const CHOKING = [
  ['a', '!'],
  ['a@', '!'],
  ['a.', '@'],
  [' ', 'x'],
  ['\t', 'x'],
  ['/', 'x'],
  ['%2e', '/'],
  ['%25', ''],
  ['a-', ''],
  ['..', '/'],
  [',', 'x'],
  [';q=', ''],
  ['=', ';'],
  ['"', 'x'],
  ['[', ''],
  ['\u0300', ''],
  ['0', 'x'],
  ['::', 'x'],
];
const LONG = 50_000;
/** Less than a header may have. */
const LONG_HEADER = 14_000;

async function probes({ report }, world) {
  const site = new Connection(world.url);
  const form = await openForm(site);
  await site.get('/users/sign_in', form.cookie);
  const worst = { 'HT-017': ['', 0], 'HT-018': ['', 0], 'HT-019': ['', 0] };
  for (const { id, what, send } of [...listProbes(form), ...floods(form)]) {
    // The quickest of some tries: what takes long by its nature does so each time.
    let best = Infinity;
    for (let attempt = 0; attempt < TRIES && best > 20; attempt += 1)
      best = Math.min(best, await timeOf(() => send(world.url)));
    if (best > worst[id][1]) worst[id] = [what, best];
  }
  site.close();
  const rows = {
    'HT-018': ['texts of 50 kB in every field', 200],
    'HT-017': ['50,000 keys, and 100 kB of keys that collide', 500],
    'HT-019': ['paths of many parts', 50],
  };
  for (const [id, [what, limit]] of Object.entries(rows)) {
    const [slowest, time] = worst[id];
    report.row({
      id,
      what,
      hold: `≤ ${limit} ms each`,
      measured: `slowest ${ms(time)} (${slowest})`,
      good: time <= limit,
    });
  }
}

function listProbes(form) {
  const encodedForm = (name, text) => {
    const other = name === 'login' ? 'password=a' : 'login=a';
    return `_csrf=${form.csrf}&${other}&${name}=${encodeURIComponent(text)}`;
  };
  return CHOKING.flatMap(([part, end]) => {
    const text = part.repeat(LONG / part.length) + end;
    const short = part.repeat(LONG_HEADER / encodeURIComponent(part).length) + end;
    const inHeader = short.replace(/[^\x20-\x7e]/g, '%');
    const fields = ['login', 'password', 'return_to', 'remember_me'].map((name) => [
      name,
      post('/users/sign_in', form, encodedForm(name, text)),
    ]);
    const queries = ['return_to', 'code', 'state', 'error'].map((name) => [
      `?${name}`,
      get(`/users/${name === 'return_to' ? 'sign_in' : 'auth'}?${name}=${encodeURIComponent(short)}`),
    ]);
    const headers = [
      'Accept',
      'Authorization',
      'Origin',
      'Cookie',
      'X-Forwarded-For',
      'Content-Type',
      'User-Agent',
    ].map((name) => [name, get('/users/sign_in', `${name}: ${inHeader}`)]);
    const start = ['start', post('/users/auth/bitbucket', form, encodedForm('return_to', text))];
    return [...fields, ...queries, ...headers, start].map(([where, send]) => ({
      id: 'HT-018',
      what: `${where} of ${JSON.stringify(part)}`,
      send,
    }));
  });
}

function floods(form) {
  const keys = (count, name) => Array.from({ length: count }, (_, n) => name(n));
  const json = (names) => `{"_csrf":"${form.csrf}",${names.map((name) => `"${name}":1`).join()}}`;
  // Texts that look like array indexes: their hash follows from their value, whatever the seed of the process.
  const index = (n) => String(n * 4096);
  const jsonType = 'Content-Type: application/json';
  const path = (text) => ({ id: 'HT-019', what: `${text.slice(0, 20)}…`, send: get(text) });
  return [
    {
      id: 'HT-017',
      what: '50,000 keys of JSON',
      send: post('/users/sign_in', form, json(keys(50_000, index)), jsonType),
    },
    { id: 'HT-017', what: '100 kB of JSON', send: post('/users/sign_in', form, json(keys(7000, index)), jsonType) },
    {
      id: 'HT-017',
      what: '50,000 fields',
      send: post(
        '/users/sign_in',
        form,
        keys(50_000, index)
          .map((name) => `${name}=1`)
          .join('&'),
      ),
    },
    {
      id: 'HT-017',
      what: 'a query of 14 kB',
      send: get(
        `/users/sign_in?${keys(1400, index)
          .map((name) => `${name}=`)
          .join('&')
          .slice(0, LONG_HEADER)}`,
      ),
    },
    ...['/a-', '/users/auth/a-', '/api/v4/'].map((lead) => path(lead + 'a-'.repeat(6000))),
    path(`/${'a/'.repeat(6000)}`),
    path(`/users/auth/${'%2e'.repeat(4000)}`),
    path(`/users/${'/'.repeat(12_000)}`),
  ];
}

/** A connection each: some of these requests end theirs. */
function get(path, header) {
  return (url) => once(url, (site) => site.get(path, '', header));
}

function post(path, form, body, header) {
  return (url) => once(url, (site) => site.post(path, form.cookie, body, header));
}

async function once(url, send) {
  const site = new Connection(url);
  // Refused by Node itself: no answer of ours, and not slow either.
  await send(site).catch(() => undefined);
  site.close();
}
