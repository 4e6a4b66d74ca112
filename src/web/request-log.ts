// One log line per request, with an id that the answer carries too. Queries are left out: those of the callback hold codes.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { pinoHttp } from 'pino-http';
import type { Log } from '../log.ts';

const MAX_PATH = 200;

export function requestLog(log: Log): RequestHandler {
  return pinoHttp({
    logger: log,
    // Always ours: an id that a client chooses could forge or confuse log lines.
    genReqId: (_req, res) => {
      const id = randomUUID();
      res.setHeader('X-Request-Id', id);
      return id;
    },
    quietReqLogger: true,
    quietResLogger: true,
    customAttributeKeys: { reqId: 'request_id', responseTime: 'ms' },
    customLogLevel: (_req, res) => (res.statusCode >= 500 ? 'warn' : 'info'),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request failed',
    customSuccessObject: (req, res, value: object) => ({ ...value, ...describe(req), status: res.statusCode }),
    customErrorObject: (req, res, _error, value: { ms?: number }) => ({
      ...describe(req),
      ms: value.ms,
      status: res.statusCode,
    }),
    // Probes ask every few seconds; their answers say nothing about people.
    autoLogging: { ignore: (req) => pathOf(req).includes('/-/') },
  }) as RequestHandler;
}

function describe(req: IncomingMessage): Record<string, unknown> {
  return { method: req.method, path: pathOf(req), address: (req as Request).ip };
}

function pathOf(req: IncomingMessage): string {
  return ((req as Request).originalUrl ?? '').replace(/[?#].*$/s, '').slice(0, MAX_PATH);
}
