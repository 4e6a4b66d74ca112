// Reads a small text file given by an administrator: bounded, UTF-8, with plain words for what can go wrong.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A file that could not be used. `message` reads "expected …, got …"; `absent` tells that there is none. */
export class FileProblem extends Error {
  readonly absent: boolean;

  constructor(message: string, absent = false) {
    super(message);
    this.absent = absent;
  }
}

/** A file's text without byte order mark, and how it is protected (undefined where the system has no such modes). */
export interface TextFile {
  text: string;
  mode: number | undefined;
  owner: number | undefined;
}

const REASONS: Record<string, string> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'a directory',
  ELOOP: 'a symbolic link that leads in a circle',
  EACCES: 'a file that this user may not read (permission denied)',
};

/** Reads a text file of at most `maxBytes`; throws FileProblem. */
export function readTextFile(path: string, maxBytes: number): TextFile {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const { mode, uid } = fstatSync(descriptor);
    const hasModes = process.platform !== 'win32';
    const text = decode(readAtMost(descriptor, maxBytes));
    return { text, mode: hasModes ? mode : undefined, owner: hasModes ? uid : undefined };
  } catch (error) {
    if (error instanceof FileProblem) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const absent = code === 'ENOENT' || code === 'ENOTDIR';
    throw new FileProblem(`expected a readable file, got ${REASONS[code] ?? `the error ${code}`}`, absent);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Reads without trusting the size the file claims to have, so that devices and growing files are bounded too. */
function readAtMost(descriptor: number, maxBytes: number): Buffer {
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  while (length <= maxBytes) {
    const count = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
  }
  throw new FileProblem(`expected at most ${maxBytes / 1024} KiB, got a file that is too large`);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FileProblem('expected UTF-8 text, got another encoding');
  }
}

/** What other users of this machine can do with a file that holds a secret: a warning, or undefined when all is well. */
export function exposure(name: string, file: TextFile): string | undefined {
  if (file.mode === undefined) return undefined;
  const readable = (file.mode & 0o004) !== 0;
  const writable = (file.mode & 0o022) !== 0;
  if (readable || writable) {
    const what = [readable ? 'read' : '', writable ? 'changed' : ''].filter(Boolean).join(' and ');
    return `${name}: holds a secret and can be ${what} by other users of this machine (permissions; cure: chmod 600 ${name})`;
  }
  const me = process.getuid?.();
  const foreign = me !== undefined && file.owner !== me && file.owner !== 0;
  return foreign ? `${name}: holds a secret and its owner is another user of this machine` : undefined;
}
