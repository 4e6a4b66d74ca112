// Sends fuzzed requests to one server as fast as it answers, good sign-ins between them, and judges every answer.
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, headerOf, withCookies } from '../../bench/connection.js';
import { csrfOf, openForm, signIn } from '../../bench/journeys.js';
import { AnswerReader } from '../answers.js';
import { makeRequest } from './requests.js';
import { faultOf } from './judge.js';
import { seeded, seedOf } from '../random.js';
import { add } from '../report.js';
import { serveJobs } from '../../bench/jobs.js';

const LANES = 6;
/** Requests under way on one connection. */
const DEPTH = 4;
/** Connections for requests that may end theirs. */
const MAX_ALONE = 24;
/** How long an answer to a broken request is waited for: there may never be one. */
const ALONE_MS = 2000;
const ANSWER_MS = 15_000;
/** For each of these one in so many requests begins a whole sign-in. */
const SIGNING_IN = 3;
const SIGN_IN_EVERY = 900;
const REQUESTS_OF_SIGN_IN = 4;
const KEEP = 50;

/** @typedef {{ url: string, bitbucket: string, seed: number, count: number, seconds: number, people: number }} Job */

/** @param {Job} job */
async function run(job) {
  const fuzz = new Fuzz(job);
  await fuzz.meetBrowsers();
  await Promise.all([
    ...Array.from({ length: LANES }, (_, lane) => fuzz.useLane(lane)),
    ...Array.from({ length: SIGNING_IN }, (_, turn) => fuzz.signInNowAndThen(turn)),
  ]);
  await fuzz.checkPromises();
  return fuzz.result();
}

class Fuzz {
  #job;
  #world;
  #origins;
  #sent = 0;
  #until;
  #alone = 0;
  #person = 0;
  #counts = { statuses: {}, faults: {}, kinds: {} };
  #examples = [];
  /** Cookies of sessions that no fuzzed request has: they must go on, or stay ended. */
  #promises = { alive: [], ended: [] };
  #signIns = 0;

  constructor(job) {
    this.#job = job;
    this.#until = performance.now() + job.seconds * 1000;
    this.#world = { host: new URL(job.url).host, browsers: [], sessions: [], states: [] };
    this.#origins = [job.url, new URL(job.bitbucket).origin];
  }

  result() {
    const { alive, ended } = this.#promises;
    const counted = { ...this.#counts, examples: this.#examples, signIns: this.#signIns };
    return { ...counted, sent: this.#sent, alive: alive.length, ended: ended.length };
  }

  async meetBrowsers() {
    const site = new Connection(this.#job.url);
    for (let index = 0; index < 20; index += 1) this.#world.browsers.push(await openForm(site));
    site.close();
  }

  #goOn() {
    return this.#sent < this.#job.count && performance.now() < this.#until;
  }

  /** Keeps one connection busy; a request that may end its connection gets another one. */
  async useLane(lane) {
    const random = seeded(seedOf(this.#job.seed, lane));
    let line = this.#openLine();
    while (this.#goOn()) {
      const request = makeRequest(random, this.#world);
      this.#sent += 1;
      add(this.#counts.kinds, request.kind);
      if (request.alone) {
        while (this.#alone >= MAX_ALONE) await sleep(5);
        void this.#sendAlone(request);
        continue;
      }
      if (line.closed) line = this.#openLine();
      line.send(request);
      while (line.waiting >= DEPTH && !line.closed) await line.answered();
    }
    await line.drain();
    while (this.#alone > 0) await sleep(5);
  }

  #openLine() {
    return new Line(this.#job.url, (request, answer) => this.#judge(request, answer));
  }

  async #sendAlone(request) {
    this.#alone += 1;
    try {
      await sendOnce(this.#job.url, request, (answer) => this.#judge(request, answer));
    } finally {
      this.#alone -= 1;
    }
  }

  /** @param answer undefined when none came where one had to */
  #judge(request, answer) {
    if (answer) add(this.#counts.statuses, answer.status);
    const fault = answer ? faultOf(request, answer, this.#origins) : `no answer to ${request.kind}`;
    if (fault === undefined) return;
    add(this.#counts.faults, fault);
    if (this.#counts.faults[fault] <= 2) {
      this.#examples.push(`${fault}: ${JSON.stringify(request.bytes.slice(0, 500))} → ${answer?.head.slice(0, 300)}`);
    }
  }

  /** Beside the fuzzing: people who sign in, stay or sign out, and sign-ins that are left half done. */
  async signInNowAndThen(turn) {
    for (let next = (SIGN_IN_EVERY * turn) / SIGNING_IN; this.#goOn();) {
      if (this.#sent < next) {
        await sleep(20);
        continue;
      }
      next += SIGN_IN_EVERY;
      // Where the limits are on, they refuse some of these.
      await this.#signInOnce().catch((error) => this.#noteFailure(error));
    }
  }

  #noteFailure(error) {
    if (/ answered 429/.test(error.message)) return;
    add(this.#counts.faults, 'a good sign-in failed');
    if (this.#examples.length < 5) this.#examples.push(error.stack.slice(0, 600));
  }

  async #signInOnce() {
    const site = new Connection(this.#job.url);
    const bitbucket = new Connection(this.#job.bitbucket);
    const person = (this.#person = (this.#person % this.#job.people) + 1);
    try {
      const cookie = await signIn({ site, bitbucket, person });
      this.#signIns += 1;
      this.#sent += REQUESTS_OF_SIGN_IN;
      const turn = this.#signIns % 3;
      if (turn === 0) this.#promises.ended.push(await signOut(site, cookie));
      else if (turn === 1) this.#promises.alive.push({ cookie, person });
      else push(this.#world.sessions, cookie);
      push(this.#world.states, await startOnly(site));
    } finally {
      site.close();
      bitbucket.close();
    }
  }

  /** Who was told "signed in" is, and who was told "signed out" is not. */
  async checkPromises() {
    const site = new Connection(this.#job.url);
    for (const { cookie, person } of this.#promises.alive) {
      const { status, body } = await site.get('/api/v4/user', cookie);
      if (status !== 200 || !body.includes(`"username":"person-${person}"`)) add(this.#counts.faults, 'session lost');
    }
    for (const cookie of this.#promises.ended) {
      if ((await site.get('/api/v4/user', cookie)).status !== 401) add(this.#counts.faults, 'ended session accepted');
    }
    site.close();
  }
}

async function signOut(site, cookie) {
  const home = await site.get('/', cookie);
  const jar = withCookies(cookie, home.head);
  const answer = await site.post('/users/sign_out', jar, `_csrf=${csrfOf(home.body)}`);
  if (answer.status !== 303) throw new Error(`signing out answered ${answer.status}`);
  return cookie;
}

/** A started sign-in whose answer is still to come. */
async function startOnly(site) {
  const { cookie, csrf } = await openForm(site);
  const { head } = await site.post('/users/auth/bitbucket', cookie, `_csrf=${csrf}&return_to=`);
  const state = /[?&]state=([^&]*)/.exec(headerOf(head, 'location') ?? '')?.[1] ?? '';
  return { cookie: withCookies(cookie, head), state };
}

function push(list, value) {
  list.push(value);
  if (list.length > KEEP) list.shift();
}

/** A connection with several requests under way. */
class Line {
  closed = false;
  #socket;
  #waiting = [];
  #wake = [];

  constructor(url, judge) {
    const { hostname, port } = new URL(url);
    const reader = new AnswerReader(
      () => this.#waiting[0].head,
      (answer) => this.#take(answer, judge),
    );
    this.#socket = connect(Number(port), hostname).setNoDelay().setEncoding('latin1');
    this.#socket.setTimeout(ANSWER_MS, () => this.#waiting.length > 0 && this.#socket.destroy());
    this.#socket.on('data', (text) => this.#waiting.length > 0 && reader.read(text));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#end(judge));
  }

  get waiting() {
    return this.#waiting.length;
  }

  send(request) {
    this.#waiting.push(request);
    this.#socket.write(request.bytes, 'latin1');
  }

  answered() {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  async drain() {
    while (this.waiting > 0 && !this.closed) await this.answered();
    this.#socket.destroy();
  }

  #take(answer, judge) {
    judge(this.#waiting.shift(), answer);
    // What was sent behind a request that ends the connection is lost, and that is right.
    if (/\r\nconnection: close\r\n/i.test(answer.head)) this.#waiting = [];
    this.#stir();
  }

  #end(judge) {
    this.closed = true;
    if (this.#waiting.length > 0) judge(this.#waiting[0], undefined);
    this.#waiting = [];
    this.#stir();
  }

  #stir() {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** A connection for one request, right or wrong. Waits for the first answer, or for nothing. */
function sendOnce(url, request, judge) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname).setNoDelay().setEncoding('latin1');
    const done = () => {
      clearTimeout(tooLong);
      socket.destroy();
      resolve();
    };
    const reader = new AnswerReader(
      () => request.head,
      (answer) => {
        judge(answer);
        done();
      },
    );
    const tooLong = setTimeout(done, ALONE_MS);
    socket.on('connect', () => socket.write(request.bytes, 'latin1'));
    socket.on('data', (text) => reader.read(text));
    socket.on('end', () => reader.end());
    socket.on('error', () => undefined);
    socket.on('close', done);
  });
}

serveJobs(run);
