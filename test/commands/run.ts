// Runs the built command as an administrator does: a process of its own, in a directory of its own.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { keepSecretsOfEnvironment, noteWritten } from '../support/leaks.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { until } from '../support/until.ts';

export const MAIN = join(__dirname, '../../dist/main.js');

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface Running extends Ended {
  process: ChildProcess;
  ended: Promise<Ended>;
  /** Resolves when standard output holds this. */
  says(text: string): Promise<void>;
}

/** @param before shell commands in front of it, such as `ulimit -n 256;`. @param socket a listening one that it inherits */
export function start(
  cwd: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
  { before = '', socket }: { before?: string; socket?: number } = {},
): Running {
  keepSecretsOfEnvironment(env);
  // As systemd does it: the socket is number 3, and the process is told that it is meant.
  const handOver = socket === undefined ? '' : 'LISTEN_FDS=1 LISTEN_PID=$$';
  const child = spawn('sh', ['-c', `${before} ${handOver} exec "$@"`, 'sh', process.execPath, MAIN, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(socket === undefined ? [] : [socket])],
  });
  const running = { code: null, out: '', err: '', process: child } as Running;
  child.stdout?.on('data', (chunk: Buffer) => (running.out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (running.err += chunk.toString()));
  running.ended = new Promise((resolve) =>
    child.once('close', (code) => {
      running.code = code;
      resolve(running);
    }),
  );
  running.says = async (text) => {
    let isOver = false;
    void running.ended.then(() => (isOver = true));
    const isSaid = () => running.out.includes(text);
    await until(() => isSaid() || isOver).catch(() => undefined);
    if (!isSaid()) throw new Error(`never said ${text}: ${running.out}${running.err}`);
  };
  closeAtEnd(async () => {
    child.kill('SIGKILL');
    await running.ended;
    noteWritten('output of a process', args.join(' '), running.out + running.err);
  });
  return running;
}

export async function run(cwd: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return start(cwd, args, env).ended;
}

/**
 * Ports below those that the system gives to outgoing connections, one of which could have it when a process that was
 * killed comes back. A range for each of the processes that jest runs tests in, so that none takes what another has just
 * found free; and none is given twice in a file.
 */
const PORTS = 2500;
const FIRST_PORT = 10_000 + ((Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % 8) * PORTS;
let nextPort = 2 * Math.floor((Math.random() * PORTS) / 2);

/** A port that is free now, and so is the next one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + nextPort;
    nextPort = (nextPort + 2) % PORTS;
    const both = await Promise.all([port, port + 1].map((one) => listen(one).catch(() => undefined)));
    for (const server of both) server?.close();
    if (both.every((server) => server !== undefined)) return port;
  }
}

function listen(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
