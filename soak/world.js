// What most parts need: a Gatehouse as an administrator runs it, and a stand-in for Bitbucket, both ended by themselves.
import { join } from 'node:path';
import { request } from 'undici';
import { makeFolder, migrate, prepareGatehouse, startGatehouse, timeStarts } from '../bench/gatehouse.js';
import { nextMessage, startWorker, stop } from '../bench/process.js';
import { checkInvariants } from './invariants.js';

/** Found in no log and no database: what the configuration holds, and the long tail of the stand-in's tokens. */
const SECRETS = ['bench-secret', '0f1e2d3c4b5a69788796a5b4c3d2e1f0', 'x'.repeat(200)];
const WATCH = ['--import', join(import.meta.dirname, 'watch.js')];

/**
 * @param {object} context of the part
 * @param {{ title: string, prepare?: (folder: string) => void, bitbucket?: object } & object} options `prepare` changes the
 *   database before the server starts; `bitbucket` replaces the stand-in; `core` is for startNode; `count`
 *   counts in a database that is no SQLite file; the rest is for prepareGatehouse
 */
export async function openWorld(context, { title, prepare, bitbucket, core, secrets = [], count, ...options }) {
  const { folder, remove } = makeFolder('soak-');
  context.atEnd(remove);
  const farEnd = bitbucket ?? (await startBitbucket(context));
  const gatehouse = await prepareGatehouse({ folder, bitbucketUrl: farEnd.url, ...options });
  if (options.databaseUrl) await migrate(gatehouse);
  if (prepare) await timeStarts(gatehouse, 1); // makes the tables and the first administrator
  await prepare?.(folder);
  const { child, url, readyMs } = await startGatehouse(gatehouse, WATCH, core);
  context.atEnd(() => stop(child));
  const all = [...SECRETS, ...secrets];
  return {
    folder,
    url,
    child,
    readyMs,
    bitbucket: farEnd,
    /** Stops the server and looks whether everything is as it must be. */
    close: async () => {
      await stop(child);
      await checkInvariants(context.report, { folder, title, secrets: all, count });
    },
  };
}

export async function startBitbucket(context) {
  const { child, hello } = await startWorker('load', 'bitbucket.js');
  context.atEnd(() => stop(child));
  return { url: hello.url, child };
}

/** A server that does nothing, on the core of the one that is measured: how long the machine itself makes people wait. */
export async function startReference(context) {
  const { child } = await startWorker('server', 'bare.js');
  context.atEnd(() => stop(child));
  const ready = nextMessage(child);
  child.send({ 'GET /': { status: 200, headers: ['Content-Length', '2'], body: 'ok' } });
  return (await ready).url;
}

/**
 * The part of the server's core that others leave free at this moment, from 0.05 to 1. Rates are lowered by it and limits
 * raised: a figure for a whole core says nothing on a tenth of one.
 */
export async function freeShare() {
  const { child, hello } = await startWorker('server', join(import.meta.dirname, 'busy.js'));
  await stop(child);
  return Math.min(1, Math.max(0.05, hello.share > 0.95 ? 1 : hello.share));
}

/** Runs one job in a process of its own. @returns what it has counted */
export async function runJob(file, job, core = 'load') {
  const { child } = await startWorker(core, join(import.meta.dirname, file));
  try {
    child.send(job);
    const { result, error } = await nextMessage(child);
    if (error) throw new Error(`${file}: ${error}`);
    return result;
  } finally {
    await stop(child);
  }
}

/** Whether the process is the same, alive, and answers within a second. */
export async function isHealthy({ url, child }) {
  if (child.exitCode !== null || child.signalCode !== null) return false;
  const patience = { headersTimeout: 1000, bodyTimeout: 1000 };
  const answer = await request(`${url}/-/health`, patience).catch(() => undefined);
  await answer?.body.dump();
  return answer?.statusCode === 200;
}

/** Gives the value of a metric by its name; all of one look at them. */
export async function readMetrics({ url }) {
  const { body } = await request(`${url}/-/metrics`);
  const text = await body.text();
  return (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}
