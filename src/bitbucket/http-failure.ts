// What an exchange that came to no whole answer, or to a status that no caller expects, is called.
import { headerOf } from './http-body.ts';
import { BitbucketFailure } from './failure.ts';
import type { HttpReply, HttpRequest } from './http.ts';

const timeouts = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/**
 * Names an error of the HTTP client by host and code (ECONNREFUSED, CERT_HAS_EXPIRED, …). The error itself goes no
 * further, neither its message nor as a cause: such objects may hold the request, and with it a token.
 */
export function failureOf(request: HttpRequest, error: unknown): BitbucketFailure {
  if (error instanceof BitbucketFailure) return error;
  const { host } = new URL(request.url);
  const code = codeOf(error);
  if (timeouts.has(code) || textOf(error, 'name') === 'TimeoutError') {
    return new BitbucketFailure('timeout', request.endpoint, `${host} did not answer in time`);
  }
  const permanent = code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
  return new BitbucketFailure('failed', request.endpoint, `no answer from ${host} (${code})`, { permanent });
}

/** For a status that means trouble wherever it comes: 429, 5xx, redirects and what else no caller makes sense of. */
export function unexpectedStatus(reply: HttpReply): BitbucketFailure {
  const options = { remoteStatus: reply.status, retryAfterSeconds: retryAfterSeconds(reply) };
  if (reply.status === 429) return new BitbucketFailure('throttled', reply.endpoint, 'too many requests', options);
  return new BitbucketFailure('failed', reply.endpoint, `unexpected answer with status ${reply.status}`, options);
}

const longestWaitSeconds = 3600;

/**
 * How long to wait as the answer says it, in whole seconds from 1 to 3,600: `Retry-After` in both of its forms, else
 * Bitbucket's `X-RateLimit-Reset`, which counts seconds too. `undefined` when neither says anything that makes sense.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
function retryAfterSeconds(reply: HttpReply): number | undefined {
  if (reply.status !== 429 && reply.status !== 503) return undefined;
  const value = headerOf(reply, 'retry-after') ?? headerOf(reply, 'x-ratelimit-reset') ?? '';
  const seconds = /^\d{1,9}$/.test(value) ? Number(value) : secondsUntil(value);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 1), longestWaitSeconds);
}

/** NaN for anything but an HTTP date: Date.parse alone finds a date in nearly any text. */
function secondsUntil(httpDate: string): number {
  return httpDate.endsWith(' GMT') ? Math.ceil((Date.parse(httpDate) - Date.now()) / 1000) : NaN;
}

function codeOf(error: unknown): string {
  const code = textOf(error, 'code') || textOf(error, 'name');
  return /^\w{1,64}$/.test(code) ? code : 'no code';
}

/** By shape and not by class: a DOMException is a class of its own, and not everywhere an Error. */
function textOf(error: unknown, name: 'name' | 'code'): string {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
  return typeof value === 'string' ? value : '';
}
