// Reads the query of a callback, which anybody can write, before anything is done with it.
import { BitbucketFailure, type FailureReason } from './failure.ts';

/** A callback of the right shape; whether its state is ours is not known yet. */
export interface Answer {
  state: string;
  /** Present: the authorization failed, and a code beside it is ignored. */
  error?: string;
}

const maxStateLength = 1024;
const maxCodeLength = 4096;

/**
 * Takes what the callback may hold: `state` once, and either `code` or `error` once.
 * @param query as the host parsed it: values may be arrays and objects
 * @param issuer origin of Bitbucket's web site
 * @throws BitbucketFailure `invalid_state` or `bad_callback`
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
 */
export function readAnswer(query: unknown, issuer: string): Answer {
  const state = field(query, 'state');
  // State first: without a flow of ours nothing else in the query deserves a look (CB-021).
  if (!isVisible(state, maxStateLength)) {
    throw new BitbucketFailure('invalid_state', 'authorize', 'the callback has no usable state');
  }
  checkIssuer(field(query, 'iss'), issuer);
  const error = field(query, 'error');
  if (error !== undefined) {
    if (!isVisible(error, 64)) throw bad('its error is not a code');
    return { state, error };
  }
  if (!isVisible(field(query, 'code'), maxCodeLength)) throw bad('it has no usable code');
  return { state };
}

/** Bitbucket does not send `iss` today. If it is there it must be Bitbucket's: otherwise two providers are mixed up (RFC 9207). */
function checkIssuer(iss: unknown, issuer: string): void {
  if (iss !== undefined && iss !== issuer && iss !== `${issuer}/`) throw bad('it comes from another provider');
}

/** Whether a request carries an answer of Bitbucket's, as opposed to a wish to start. */
export function hasAnswer(parameters: unknown): boolean {
  return field(parameters, 'code') !== undefined || field(parameters, 'error') !== undefined;
}

/** Own properties only: `__proto__` and `constructor` are no parameters. */
function field(parameters: unknown, name: string): unknown {
  if (typeof parameters !== 'object' || parameters === null || !Object.hasOwn(parameters, name)) return undefined;
  return (parameters as Record<string, unknown>)[name];
}

/** One string of visible ASCII: what RFC 6749 appendix A allows for state, code and error. */
export function isVisible(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength && /^[\x20-\x7e]+$/.test(value);
}

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1 */
const reasons = new Map<string, [FailureReason, string]>([
  ['access_denied', ['access_denied', 'the person did not allow the access']],
  ['invalid_scope', ['missing_scope', 'the OAuth consumer lacks a permission that was asked for']],
  ['unauthorized_client', ['misconfigured', 'the OAuth consumer may not sign people in']],
  ['server_error', ['failed', 'Bitbucket reports a fault of its own']],
  ['temporarily_unavailable', ['failed', 'Bitbucket reports to be overloaded or under maintenance']],
]);

/**
 * The failure that an error code stands for. Description and link that come with it are never read: the callback's
 * query can hold any text, and a page that shows it speaks with our voice.
 */
export function failureOfAnswer(error: string, requiredScopes: string[]): BitbucketFailure {
  const [reason, detail] = reasons.get(error) ?? ['bad_callback', 'the callback has an error code of no known meaning'];
  const options = reason === 'missing_scope' ? { requiredScopes } : {};
  return new BitbucketFailure(reason, 'authorize', detail, options);
}

function bad(detail: string): BitbucketFailure {
  return new BitbucketFailure('bad_callback', 'authorize', `not a callback of Bitbucket: ${detail}`);
}
