// One log line per request, with an id that the answer carries too.
import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Log } from '../log.ts';
import { pathOf } from './answer.ts';
import type { Site } from './site.ts';

declare module 'express-serve-static-core' {
  interface Request {
    /** Names this request in the log, in error pages and in the X-Request-Id of its answer. */
    id: string;
  }
}

const MAX_PATH = 200;

/**
 * The line is made of chosen fields. Ready-made request loggers write whole requests and answers, whose headers hold
 * cookies and whose addresses hold codes and states; a list of what to hide would be one header behind for ever.
 */
export function requestLog(log: Log, { base }: Site): RequestHandler {
  // Asked every few seconds, and their answers say nothing about people.
  const probes = new Set(['health', 'liveness', 'readiness', 'metrics'].map((name) => `${base}/-/${name}`));
  return (req, res, next) => {
    const start = performance.now();
    req.id = randomUUID(); // always ours: an id that a client chooses could forge or confuse log lines
    const address = req.ip; // now: a closed connection has none
    res.setHeader('X-Request-Id', req.id);
    res.once('close', () => {
      const path = pathOf(req).slice(0, MAX_PATH);
      if (probes.has(path)) return;
      const line = {
        request_id: req.id,
        method: req.method,
        path,
        status: res.statusCode,
        ms: Math.round(performance.now() - start),
        address,
        ...(res.writableFinished ? {} : { aborted: true }),
      };
      log[res.statusCode >= 500 ? 'warn' : 'info'](line, 'request');
    });
    next();
  };
}
