// Child processes pinned to a core, and what the operating system counts about them (Linux; elsewhere undefined).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';

const CLOCK_TICKS = 100; // per second, in /proc/<pid>/stat

/** One core for the server under test, another for the load and the stand-in for Bitbucket; undefined = no pinning. */
export const cores = chooseCores();

function chooseCores() {
  if (availableParallelism() < 2 || spawnSync('taskset', ['-V']).status !== 0) return undefined;
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];
  const allowed = list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  return { server: allowed[0], load: allowed[1] };
}

/** Starts Node on one of `cores`, or with another name than theirs on any. @param options of child_process.spawn */
export function startNode(core, args, options) {
  const pinned =
    cores?.[core] !== undefined ? ['taskset', '-c', String(cores[core]), process.execPath] : [process.execPath];
  const [command, ...rest] = [...pinned, ...args];
  const child = spawn(command, rest, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** However it ends, nothing it has started stays behind. */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a file (of this folder, or with its whole path) that talks over IPC. @returns the child and its first message */
export async function startWorker(core, file, args = []) {
  const child = startNode(core, [resolve(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return { child, hello: await nextMessage(child) };
}

export function nextMessage(child) {
  return new Promise((resolve, reject) => {
    const died = (code) => reject(new Error(`a process that measures ended with exit code ${code}`));
    child.once('exit', died);
    child.once('message', (message) => {
      child.off('exit', died);
      resolve(message);
    });
  });
}

/** Asks a process to stop and waits until it has. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const tooLong = setTimeout(() => child.kill('SIGKILL'), 12_000);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(tooLong);
}

/** CPU time used so far by all threads, and by children that have ended, in seconds. */
export function cpuSeconds({ pid }) {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  const fields = readFileSync(path, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / CLOCK_TICKS;
}

/** Resident memory in MB. */
export function memoryMb({ pid }) {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return undefined;
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(path, 'utf8'))?.[1]; // none of a process that has just ended
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

/** What its file descriptors lead to: paths, `socket:[…]` and the like. Empty where the system does not tell. */
export function openFiles({ pid }) {
  const folder = `/proc/${pid}/fd`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    try {
      return [readlinkSync(`${folder}/${name}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/**
 * Begins to watch how much of the time in which a process wanted to run it was let.
 * @returns gives that share, from 0 to 1, since then; 1 where the system does not tell
 */
export function watchShare({ pid }) {
  const read = () => {
    const path = `/proc/${pid}/schedstat`;
    return existsSync(path) ? readFileSync(path, 'utf8').split(' ').map(Number) : [0, 0];
  };
  const [ranBefore, waitedBefore] = read();
  return () => {
    const [ran, waited] = read();
    return ran > ranBefore ? (ran - ranBefore) / (ran - ranBefore + waited - waitedBefore) : 1;
  };
}
