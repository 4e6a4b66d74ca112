// Clients that hold on to connections: slow, silent, or very many. Tells when the server has got rid of them.
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { AnswerReader } from './answers.js';
import { serveJobs } from '../bench/jobs.js';

const BODY = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000';
/** What each kind sends at once, and how often one more byte. */
const KINDS = {
  header: { first: (host) => `GET /users/sign_in HTTP/1.1\r\nHost: ${host}\r\nX: `, everyMs: 2000 },
  body: { first: (host) => `POST /users/sign_in HTTP/1.1\r\nHost: ${host}\r\n${BODY}\r\n\r\n`, everyMs: 2000 },
  silent: { first: () => '', everyMs: undefined },
};
const AT_ONCE = 200;

const JOBS = { hold, crowd, reset, pipeline };

/** @param {{ what: keyof typeof JOBS, url: string }} job */
function run({ what, ...job }) {
  return JOBS[what](job);
}

/** Opens connections of each kind and waits. @returns by kind how many there were, how many are left and how long they held */
async function hold({ url, counts, seconds }) {
  const result = {};
  const all = Object.entries(counts).map(async ([kind, count]) => {
    // Not all in one moment, or the system drops some before the server hears of them.
    const held = Array.from({ length: count }, async (_, index) => {
      await sleep(index * 2);
      return holdOne(url, KINDS[kind], seconds);
    });
    const times = await Promise.all(held);
    const ended = times.filter((time) => time !== undefined);
    result[kind] = { count, left: count - ended.length, longestMs: Math.max(0, ...ended) };
  });
  await Promise.all(all);
  return result;
}

/** @returns after how many ms the server closed it; undefined when it did not in time */
function holdOne(url, { first, everyMs }, seconds) {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  const began = performance.now();
  return new Promise((resolve) => {
    socket.on('connect', () => first(host) !== '' && socket.write(first(host)));
    const dripping = everyMs && setInterval(() => socket.writable && socket.write('a'), everyMs);
    const enough = setTimeout(() => {
      resolve(undefined);
      socket.destroy();
    }, seconds * 1000);
    socket.on('error', () => undefined);
    socket.resume().on('close', () => {
      clearInterval(dripping);
      clearTimeout(enough);
      resolve(performance.now() - began);
    });
  });
}

/** Opens very many connections, holds them for a moment, lets go. @returns how many were accepted and not dropped again */
async function crowd({ url, count, seconds }) {
  const { hostname, port } = new URL(url);
  const open = new Set();
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    for (let index = 0; index < Math.min(AT_ONCE, count - begun); index += 1) {
      const socket = connect(Number(port), hostname, () => open.add(socket));
      socket.on('error', () => undefined);
      socket.resume().on('close', () => open.delete(socket));
    }
    await sleep(20);
  }
  await sleep(seconds * 1000);
  const held = open.size;
  for (const socket of open) socket.destroy();
  return { held };
}

/** Asks for a page and cuts the connection while it comes. */
async function reset({ url, count }) {
  const { hostname, port, host } = new URL(url);
  for (let index = 0; index < count; index += 1) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.on('connect', () => socket.write(`GET /users/sign_in HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    await sleep(5);
    socket.resetAndDestroy();
  }
  return { count };
}

/** Many requests on one connection, at most `depth` of them under way. @returns how many were answered well */
function pipeline({ url, count, depth }) {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname).setEncoding('latin1');
  let [sent, answered, good] = [0, 0, 0];
  const send = () => {
    const more = Math.min(depth - (sent - answered), count - sent);
    sent += more;
    socket.write(`GET /-/health HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(more));
  };
  return new Promise((resolve) => {
    const reader = new AnswerReader(
      () => false,
      ({ status }) => {
        answered += 1;
        good += status === 200 ? 1 : 0;
        if (answered === count) socket.destroy();
        else if (sent < count) send();
      },
    );
    socket.on('connect', send);
    socket.on('data', (text) => reader.read(text));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ answered: good }));
  });
}

serveJobs(run);
