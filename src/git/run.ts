// Runs git: without a shell, without anybody's settings, as a process group that ends as a whole, with limits.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { failureOf, GitFailure } from './failure.ts';

export interface GitOptions {
  /** The bare repository to work on, absolute. Said outright, so that git looks for none around the place it runs at. */
  dir?: string;
  signal?: AbortSignal | undefined;
  /** For the whole run; default 60,000. */
  timeoutMs?: number | undefined;
  /** In addition to what keeps settings and questions away. */
  env?: Record<string, string>;
  /** Masked in everything that git complains about. */
  secrets?: readonly string[];
  /** Told of the error output as it comes, where git reports its progress; raw, from the far end in part. */
  onStderr?: (text: string) => void;
}

export interface GitRun extends GitOptions {
  input?: string | Buffer;
  /** Default 16 MiB. */
  maxOutputBytes?: number;
  /** Cut output that is longer, and end git, instead of failing. */
  cut?: boolean;
}

export interface GitOutput {
  stdout: Buffer;
  isCut: boolean;
}

export interface GitProcess {
  stdin: Writable;
  stdout: Readable;
  /** Settles when git and all that it started have ended. @throws GitFailure */
  done: Promise<void>;
  /** Ends git and all that it started; `done` fails with this failure. */
  stop: (failure: GitFailure) => void;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** The last of the error output, where the reason stands; a far end may send any amount of it. */
const MAX_STDERR = 64 * 1024;
const TERMINATE_MS = 2000;

const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/opt/local/bin',
  LC_ALL: 'C',
  // Nobody's home: no .gitconfig, no .netrc, no attributes, no credential store.
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  // A mirrored refs/replace/… must not put other objects in the place of those we name.
  GIT_NO_REPLACE_OBJECTS: '1',
};

/**
 * Mistakes that old tools made in many a real repository, in the lines that say who made a commit and when, and in how a
 * file's mode is written. They are shown as well as they can be and harm nobody; GitLab lets the first three in. What
 * could act on whoever checks it out, or be read in two ways, stays refused.
 * @see https://git-scm.com/docs/git-fsck#_fsck_messages
 */
const HARMLESS = [
  ...['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode'],
  ...['badDate', 'badDateOverflow', 'zeroPaddedDate'],
  ...['badName', 'badEmail', 'missingEmail', 'missingNameBeforeEmail', 'missingSpaceBeforeEmail'],
  'multipleAuthors',
];

/**
 * What git must not do whatever a repository or a server says. It matters for those commands that read from outside,
 * and is given to all, so that no caller can forget it. SECURITY.md says which attacks stand behind these.
 */
const HARDENING = Object.entries({
  'protocol.allow': 'never',
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.attributesFile': '/dev/null',
  'core.askPass': '',
  // Larger blobs go through in pieces instead of being held in memory.
  'core.bigFileThreshold': '16m',
  'credential.helper': '',
  'transfer.fsckObjects': 'true',
  ...Object.fromEntries(HARMLESS.map((id) => [`fetch.fsck.${id}`, 'ignore'])),
  'transfer.bundleURI': 'false',
  'fetch.recurseSubmodules': 'false',
  'submodule.recurse': 'false',
  // One pack per fetch: what arrives can be watched in one folder, and is checked as a whole.
  'fetch.unpackLimit': '1',
  'clone.rejectShallow': 'true',
  // With redirects followed, git sends our credentials to whatever host an answer names.
  'http.followRedirects': 'false',
  'http.sslVerify': 'true',
  'http.lowSpeedLimit': '1',
  'http.lowSpeedTime': '60',
  // No work in the background, which would outlast its parent.
  'gc.auto': '0',
  'maintenance.auto': 'false',
}).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/** Runs git to its end. @throws GitFailure */
export async function git(args: string[], options: GitRun = {}): Promise<GitOutput> {
  const { input = '', maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES, cut = false } = options;
  const running = startGit(args, options);
  const enough = new GitFailure('too_large', `git wrote more than ${maxOutputBytes} bytes`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  running.stdout.on('data', (chunk: Buffer) => {
    if (bytes < maxOutputBytes) chunks.push(chunk.subarray(0, maxOutputBytes - bytes));
    bytes += chunk.length;
    if (bytes > maxOutputBytes) running.stop(enough);
  });
  running.stdin.end(input);
  await running.done.catch((error: unknown) => {
    if (!cut || error !== enough) throw error;
  });
  return { stdout: Buffer.concat(chunks), isCut: bytes > maxOutputBytes };
}

/** Starts git; the caller ends its input and reads its output. */
export function startGit(args: string[], options: GitOptions = {}): GitProcess {
  const place = options.dir === undefined ? [] : [`--git-dir=${options.dir}`];
  // A process group of its own: what git starts (remote helper, index-pack) is reached through it.
  const child = spawn('git', [...HARDENING, ...place, ...args], {
    cwd: '/',
    env: { ...ENVIRONMENT, ...options.env },
    detached: true,
  });
  let stopped: GitFailure | undefined;
  const stop = (failure: GitFailure): void => {
    if (stopped || hasEnded(child)) return;
    stopped = failure;
    // Asked first, since git then removes its temporary files.
    killGroup(child, 'SIGTERM');
    setTimeout(() => hasEnded(child) || killGroup(child, 'SIGKILL'), TERMINATE_MS).unref();
  };
  const done = end(child, options, stop, () => stopped);
  // Who stops waiting for `done`, because something else failed first, has not left an error unhandled.
  done.catch(() => undefined);
  return { stdin: child.stdin, stdout: child.stdout, done, stop };
}

function end(
  child: ChildProcessWithoutNullStreams,
  options: GitOptions,
  stop: (failure: GitFailure) => void,
  whyStopped: () => GitFailure | undefined,
): Promise<void> {
  const { signal, secrets, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR);
    options.onStderr?.(text);
  });
  // A git that ends early tells why by its exit code.
  child.stdin.on('error', () => undefined);
  const cancel = (): void => stop(signal?.reason instanceof GitFailure ? signal.reason : new GitFailure('cancelled'));
  const timer = setTimeout(() => stop(new GitFailure('timeout', `after ${timeoutMs} ms`)), timeoutMs);
  signal?.addEventListener('abort', cancel);
  if (signal?.aborted) cancel();
  return new Promise<void>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      // Not the error itself: it holds the command line.
      reject(
        new GitFailure('failed', error.code === 'ENOENT' ? 'git is not installed' : `git did not start: ${error.code}`),
      );
    });
    child.on('exit', (code) => {
      // What git leaves behind when it fails would hold on to the pipes, and to a connection.
      if (code !== 0) killGroup(child, 'SIGKILL');
    });
    child.on('close', (code) => {
      const failure = whyStopped();
      if (failure) reject(failure);
      else if (code === 0) resolve();
      else reject(failureOf(stderr, secrets));
    });
  }).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  });
}

function hasEnded(child: ChildProcessWithoutNullStreams): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** To be called while the child runs or when it has just ended, so that the number is not another group's by now. */
function killGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended already.
  }
}
