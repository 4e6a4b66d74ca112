// HTTP towards Bitbucket, with a limit on everything that a broken or hostile far end could draw out: time, bytes,
// headers, connections, redirects, encodings. Nothing is retried: the one POST here spends a code that works only once,
// and the person can press the button again.
import type { Dispatcher } from 'undici';
// Two files of it: the whole package, with fetch, caches and mocks, makes each start a fifth of a second longer.
import undiciRequest from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import { createBreaker } from './breaker.ts';
import { changeNoticeOf, type ChangeNotice } from './change-notice.ts';
import { BitbucketFailure, type FailureEndpoint } from './failure.ts';
import { readBytes, textOf } from './http-body.ts';
import { failureOf } from './http-failure.ts';

export interface HttpOptions {
  /** For one TCP and TLS connection; default 3,000. Of several addresses the next is tried after 250 ms (RFC 8305). */
  connectTimeoutMs?: number;
  /** For one exchange from the first byte out to the last one in, connecting included; default 10,000. */
  deadlineMs?: number;
  /** For one answer; default 1 MiB. */
  maxBodyBytes?: number;
  /**
   * Requests under way at once, and connections, to one origin. More are refused at once (`throttled`) and do not queue
   * up; default 100. Counted by origin, so that a slow provider takes nothing from another one.
   */
  maxConnections?: number;
  /** Is told, each time, of an answer that says that what was asked for goes away or is gone. Must not throw. */
  onChangeNotice?: (notice: ChangeNotice) => void;
}

export interface HttpRequest {
  endpoint: FailureEndpoint;
  url: string;
  headers?: Record<string, string>;
  /** Sent as `application/x-www-form-urlencoded` with POST; without it the request is a GET. */
  form?: URLSearchParams;
  /** An additional deadline, for example of several exchanges together: a moment of `performance.now()`. */
  deadline?: number | undefined;
  /** Ends the exchange at once; what it then throws is of no interest to anybody. */
  signal?: AbortSignal | undefined;
  /** The answer is a file of whoever, not one of the API: `text` is empty, and `bytes` has it as it came. */
  asBytes?: boolean;
}

export interface HttpReply {
  endpoint: FailureEndpoint;
  /** Any status. Redirects are not followed: they would carry code or token to a place nobody chose. */
  status: number;
  headers: Dispatcher.ResponseData['headers'];
  text: string;
  bytes?: Buffer;
}

/** A pool of connections to Bitbucket; make one per process and share it. */
export interface Http {
  /** @throws BitbucketFailure `timeout`, `throttled` or `failed` unless a whole answer came */
  send(request: HttpRequest): Promise<HttpReply>;
  /** Whether this origin has not answered lately, so that requests to it are refused for some seconds. */
  isDown(origin: string): boolean;
  /** Ends the connections, also those in use. */
  close(): Promise<void>;
}

/** Opens no connection yet. */
export function createHttp(options: HttpOptions = {}): Http {
  const { connectTimeoutMs = 3000, deadlineMs = 10_000, maxBodyBytes = 1024 * 1024, maxConnections = 100 } = options;
  const agent = new Agent({
    // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED=0, set for whatever reason, does not give our secret away.
    connect: { timeout: connectTimeoutMs, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: 250,
    connections: maxConnections,
    pipelining: 1,
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
    maxHeaderSize: 16 * 1024,
    maxResponseSize: maxBodyBytes,
  });
  const underWay = new Map<string, number>();
  const breaker = createBreaker();

  return {
    async send(request) {
      const { origin } = new URL(request.url);
      const others = underWay.get(origin) ?? 0;
      if (others >= maxConnections) {
        const detail = `${maxConnections} requests are under way already`;
        throw new BitbucketFailure('throttled', request.endpoint, detail, { retryAfterSeconds: 1 });
      }
      underWay.set(origin, others + 1);
      try {
        const reply = await breaker.guard(request, () => exchange(agent, request, deadlineMs).catch(raise(request)));
        const notice = options.onChangeNotice && changeNoticeOf(reply);
        if (notice) options.onChangeNotice?.(notice);
        return reply;
      } finally {
        underWay.set(origin, (underWay.get(origin) ?? 1) - 1);
      }
    },
    isDown: (origin) => breaker.isOpen(origin),
    close: () => agent.destroy(),
  };
}

function raise(request: HttpRequest): (error: unknown) => never {
  return (error) => {
    throw failureOf(request, error);
  };
}

async function exchange(agent: Agent, request: HttpRequest, deadlineMs: number): Promise<HttpReply> {
  const { origin, pathname, search } = new URL(request.url);
  // Not AbortSignal.timeout: it would go on after the answer and keep what belongs to the request in memory until then.
  const cut = new AbortController();
  const leftMs = Math.max(0, Math.min(deadlineMs, (request.deadline ?? Infinity) - performance.now()));
  const timer = setTimeout(() => cut.abort(new DOMException('no whole answer in time', 'TimeoutError')), leftMs);
  const stop = () => cut.abort();
  request.signal?.addEventListener('abort', stop);
  if (request.signal?.aborted) stop();
  try {
    const reply = await undiciRequest.call(agent, {
      origin,
      path: pathname + search,
      method: request.form ? 'POST' : 'GET',
      // Uncompressed, so that the limit of bytes is a limit of memory too.
      headers: { accept: 'application/json', 'accept-encoding': 'identity', ...formType(request), ...request.headers },
      body: request.form?.toString() ?? null,
      signal: cut.signal,
    });
    const { endpoint } = request;
    const { statusCode: status, headers } = reply;
    const bytes = await readBytes(endpoint, reply);
    if (request.asBytes) return { endpoint, status, headers, text: '', bytes };
    return { endpoint, status, headers, text: textOf(bytes, endpoint, status) };
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', stop);
  }
}

function formType(request: HttpRequest): Record<string, string> {
  return request.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
}
