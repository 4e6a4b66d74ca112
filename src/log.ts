// The log: JSON lines on standard output (or a readable form on a developer's terminal), secrets removed.
import { Writable } from 'node:stream';
import type { DestinationStream, Logger } from 'pino';
import { pino, stdSerializers } from 'pino';
import type { Config } from './config/schema.ts';
import { LogOutput } from './log-output.ts';

export type Log = Logger;

/** @param out where the lines go; standard output unless a test wants to read them */
export function openLog(config: Config['log'], out: DestinationStream = new LogOutput()): Log {
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
