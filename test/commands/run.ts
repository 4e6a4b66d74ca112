// Runs the built command as an administrator does: a process of its own, in a directory of its own.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { keepSecretsOfEnvironment, noteWritten } from '../support/leaks.ts';
import { closeAtEnd } from '../support/at-end.ts';

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
    const deadline = Date.now() + 60_000;
    while (!running.out.includes(text)) {
      if (Date.now() > deadline || running.code !== null)
        throw new Error(`never said ${text}: ${running.out}${running.err}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
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
 * A port that is free now, and so is the next one. Below those that the system gives to outgoing connections, one of
 * which could have it when a process that was killed comes back.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
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
