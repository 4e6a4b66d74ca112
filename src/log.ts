// The log: JSON lines on standard output (or a readable form on a developer's terminal), secrets removed.
import { Writable } from 'node:stream';
import type { DestinationStream, Logger } from 'pino';
import { destination, pino, stdSerializers } from 'pino';
import type { Config } from './config/schema.ts';

export type Log = Logger;

/** Lines that wait for a reader who has stopped reading; beyond that they are dropped. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** @param out where the lines go; standard output unless a test wants to read them */
export function openLog(config: Config['log'], out: DestinationStream = standardOutput()): Log {
  return pino(
    {
      level: config.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorForLog },
    },
    config.format === 'pretty' ? prettyStream(out) : out,
  );
}

/**
 * Does not wait for its reader: a pipe that nobody empties or a slow disk would stop every request. Written out when the
 * process exits, too.
 */
function standardOutput(): DestinationStream {
  const out = destination({ dest: 1, sync: false, maxLength: MAX_WAITING_BYTES });
  // A reader that goes away (`| head`) or a full disk must not end the server.
  out.on('error', () => undefined);
  return out;
}

/**
 * What of an error goes to the log: its kind, words and stack, and the same of its causes. Other properties do not:
 * HTTP clients and database drivers hang requests, headers and parameters on their errors, tokens among them.
 */
function errorForLog(error: unknown): Record<string, unknown> {
  const { type, message, stack } = stdSerializers.err(error as Error) as {
    type: string;
    message: string;
    stack: string;
  };
  return { type, message, stack };
}

/** Turns each JSON line into `time LEVEL event fields`. */
function prettyStream(out: DestinationStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const { time, level, msg, err, ...rest } = JSON.parse(chunk.toString()) as Record<string, unknown>;
      const fields = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      const stack = err === undefined ? '' : `\n    ${String((err as { stack?: string }).stack)}`;
      out.write(
        [String(time).slice(11, 19), String(level).toUpperCase().padEnd(5), msg, ...fields].join(' ') + `${stack}\n`,
      );
      done();
    },
  });
}
