// Standard output for the log. Written in the background: a reader who has stopped reading or a full disk stops no
// request. Lines that find no room are dropped and counted, and the count is told as soon as something can be written.
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

const STDOUT = 1;
const MAX_WAITING_CHARACTERS = 8 * 1024 * 1024;
const TRY_AGAIN_MS = 50;
const LAST_WORDS_MS = 1000;

export class LogOutput implements DestinationStream {
  readonly #fd: number;
  readonly #maxWaiting: number;
  #waiting = '';
  /** What a full pipe has not taken yet. */
  #refused: Buffer = Buffer.alloc(0);
  #dropped = 0;
  #isWriting = false;

  /** @param fd where to write; standard output unless a test wants to read it */
  constructor(fd = standardOutput(), maxWaitingCharacters = MAX_WAITING_CHARACTERS) {
    this.#fd = fd;
    this.#maxWaiting = maxWaitingCharacters;
    process.on('exit', () => this.flushSync());
  }

  write(line: string): void {
    if (this.#waiting.length + line.length > this.#maxWaiting) {
      this.#dropped += 1;
      return;
    }
    this.#waiting += line;
    if (!this.#isWriting) this.#writeWaiting();
  }

  /** At the end of the process. A reader who takes nothing for a second does not keep it from ending. */
  flushSync(): void {
    let rest = Buffer.concat([this.#refused, Buffer.from(this.#waiting)]);
    this.#waiting = '';
    const deadline = performance.now() + LAST_WORDS_MS;
    while (rest.length > 0 && performance.now() < deadline) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return; // there is nowhere left to tell it
        sleep(TRY_AGAIN_MS);
      }
    }
  }

  /** Everything that has come since the last write goes out with one. */
  #writeWaiting(): void {
    if (this.#waiting === '') return;
    this.#isWriting = true;
    this.#send(Buffer.from(this.#waiting));
    this.#waiting = '';
  }

  #send(bytes: Buffer): void {
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        this.#refused = bytes;
        return setTimeout(() => this.#send(bytes), TRY_AGAIN_MS);
      }
      this.#refused = Buffer.alloc(0);
      if (!error && written < bytes.length) return this.#send(bytes.subarray(written));
      if (error) this.#dropped += bytes.toString().split('\n').length - 1;
      else this.#tellOfDropped();
      this.#isWriting = false;
      return this.#writeWaiting();
    });
  }

  #tellOfDropped(): void {
    if (this.#dropped === 0) return;
    const line = {
      level: 'warn',
      time: new Date(),
      dropped: this.#dropped,
      msg: 'log lines dropped: no room for them',
    };
    this.#waiting = `${JSON.stringify(line)}\n${this.#waiting}`;
    this.#dropped = 0;
  }
}

/**
 * A pipe is opened anew, so that writing into a full one is refused instead of blocking a thread, which would keep the
 * process from ending. Only this end of it is changed: others may write into the same pipe.
 */
function standardOutput(): number {
  try {
    if (!fstatSync(STDOUT).isFIFO()) return STDOUT;
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return STDOUT; // no Linux, or a pipe of somebody else's
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
