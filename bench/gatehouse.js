// A Gatehouse as an administrator runs it: the built program, a configuration file, its log in a file.
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNode, stop } from './process.js';

const ROOT = join(import.meta.dirname, '..');
const PROGRAM = join(ROOT, 'dist/main.js');

/** The first administrator's, so that none is made up and printed. */
export const ROOT_PASSWORD = 'correct horse battery';
/** One address makes all requests here, so the limits per address are off. Nothing else differs from the defaults. */
const NO_LIMITS = { oauth_per_minute: 0, password_per_minute: 0, password_per_account: 0 };

/** A folder on the disk of this checkout: a temporary folder may live in memory, where writing is free. */
export function makeFolder(prefix = 'bench-') {
  const data = join(ROOT, 'data');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(data, prefix));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Writes the configuration into a folder and gives what the commands need.
 * @param {{ folder: string, bitbucketUrl: string, databaseUrl?: string, rateLimits?: object }} options
 */
export async function prepareGatehouse({ folder, bitbucketUrl, databaseUrl = 'sqlite', rateLimits = NO_LIMITS }) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = `external_url: ${url}
listen: { port: ${port} }
data_dir: ${JSON.stringify(folder)}
database_url: ${JSON.stringify(databaseUrl)}
secret_key: 0f1e2d3c4b5a69788796a5b4c3d2e1f0-bench
omniauth:
  providers: [{ name: bitbucket, app_id: bench-key, app_secret: bench-secret, url: '${bitbucketUrl}' }]
rate_limits: ${JSON.stringify(rateLimits)}
`;
  writeFileSync(join(folder, 'gatehouse.yml'), config, { mode: 0o600 });
  return { folder, url };
}

/** Starts it and waits until it is ready. @returns the child, its URL, and how long that took from the spawn on */
export async function startGatehouse({ folder, url }, nodeOptions = [], core = 'server') {
  const log = openSync(join(folder, 'gatehouse.log'), 'a');
  const start = performance.now();
  const child = startNode(core, [...nodeOptions, PROGRAM, 'serve', '--config', join(folder, 'gatehouse.yml')], {
    cwd: folder, // no .env of somebody's there
    env: environment(),
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  while (!(await answers(`${url}/-/liveness`))) {
    if (child.exitCode !== null) throw new Error(readFileSync(join(folder, 'gatehouse.log'), 'utf8'));
    await sleep(2);
  }
  return { child, url, readyMs: performance.now() - start };
}

/** `gatehouse migrate`: makes the tables. */
export async function migrate({ folder }) {
  const child = startNode('load', [PROGRAM, 'migrate', '--config', join(folder, 'gatehouse.yml')], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`gatehouse migrate ended with exit code ${code}`);
}

/** Starts and stops it several times. @returns ms from the spawn until it is ready, each */
export async function timeStarts(gatehouse, times) {
  const all = [];
  for (let index = 0; index < times; index += 1) {
    const { child, readyMs } = await startGatehouse(gatehouse);
    await stop(child);
    all.push(readyMs);
  }
  return all;
}

/** The environment without any setting of Gatehouse's. */
function environment() {
  return { PATH: process.env.PATH, GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD };
}

function answers(url) {
  return new Promise((resolve) => {
    get(url, { agent: false }, (res) => resolve(res.resume().statusCode === 200)).on('error', () => resolve(false));
  });
}

function freePort() {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
