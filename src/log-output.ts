// Standard output for the log. Written in the background: a reader who has stopped reading or a full disk stops no
// request. Lines that find no room are dropped and counted, and the count is told as soon as something can be written.
import { write, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

const STDOUT = 1;
const MAX_WAITING_CHARACTERS = 8 * 1024 * 1024;
const TRY_AGAIN_MS = 50;

export class LogOutput implements DestinationStream {
  readonly #fd: number;
  readonly #maxWaiting: number;
  #waiting = '';
  #dropped = 0;
  #isWriting = false;

  /** @param fd where to write; standard output unless a test wants to read it */
  constructor(fd = STDOUT, maxWaitingCharacters = MAX_WAITING_CHARACTERS) {
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

  /** At the end of the process, when nothing can be waited for. */
  flushSync(): void {
    try {
      writeSync(this.#fd, this.#waiting);
    } catch {
      // There is nowhere left to tell it.
    }
    this.#waiting = '';
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
      if (error?.code === 'EAGAIN') return setTimeout(() => this.#send(bytes), TRY_AGAIN_MS);
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
