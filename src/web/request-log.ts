// One log line per request, with an id that the answer carries too.
import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import type { Log } from '../log.ts';

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
export function requestLog(log: Log): RequestHandler {
  return (req, res, next) => {
    const start = performance.now();
    req.id = randomUUID(); // always ours: an id that a client chooses could forge or confuse log lines
    const address = req.ip; // now: a closed connection has none
    res.setHeader('X-Request-Id', req.id);
    res.once('close', () => {
      const path = pathOf(req);
      if (path.includes('/-/')) return; // probes ask every few seconds, and their answers say nothing about people
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

/** Without the query: that of the callback holds a code. */
function pathOf(req: Request): string {
  return req.originalUrl.replace(/[?#].*$/s, '').slice(0, MAX_PATH);
}
