// What arrived at the sandbox: a bounded log for tests, and the form a request carried.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { routeOf, type RouteName } from './route-names.ts';

/** One request as it arrived, noted before any fault strikes. */
export interface SandboxRequest {
  /** Milliseconds since 1970, by the sandbox's clock. */
  at: number;
  route: RouteName;
  method: string;
  host: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Fields of an application/x-www-form-urlencoded body; empty for every other body. */
  form: Record<string, string>;
  /** Empty for git and LFS. */
  body: string;
  /** Of the answer, once it is sent; a connection that broke before has none. */
  status?: number;
}

const MAX_LOGGED = 1000;
const MAX_BODY_BYTES = 1024 * 1024;

/** Bodies of these are read where they are served: packs are long and binary. */
const READ_ELSEWHERE: readonly RouteName[] = ['git', 'lfs'];

/** How many requests each route got, since the start or since a test emptied it. */
export type CallCounts = Map<RouteName, number>;

/** Reads the whole body (at most 1 MiB), notes the request in the log and leaves the form for `formOf`. */
export function logRequests(log: SandboxRequest[], counts: CallCounts, now: () => number): RequestHandler {
  return async (request, response, next) => {
    const route = routeOf(request.path);
    counts.set(route, (counts.get(route) ?? 0) + 1);
    const body = READ_ELSEWHERE.includes(route) ? '' : await readBody(request);
    if (body === undefined) {
      response.status(413).end();
      return;
    }
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '');
    const form = new URLSearchParams(isForm ? body : '');
    request.body = form;
    const entry: SandboxRequest = {
      at: now(),
      route,
      method: request.method,
      host: request.headers.host ?? '',
      path: request.path,
      query: queryOf(request),
      headers: request.headers,
      form: Object.fromEntries(form),
      body,
    };
    response.once('finish', () => void (entry.status = response.statusCode));
    log.push(entry);
    if (log.length > MAX_LOGGED) log.shift();
    next();
  };
}

/** The form fields of a request that went through `logRequests`. */
export function formOf(request: { body?: unknown }): URLSearchParams {
  return request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
}

/** The query as it was sent, repeated names included. */
export function queryOf(request: { originalUrl: string }): URLSearchParams {
  const start = request.originalUrl.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : request.originalUrl.slice(start));
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
