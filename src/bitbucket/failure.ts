// The one error of this folder: why signing in with Bitbucket, or asking it something, did not work.

/**
 * What the host application may decide on. Nothing else tells failures apart, so this set stays small and closed.
 *
 * - `access_denied`: the person said no at Bitbucket
 * - `invalid_state`: the callback belongs to no flow that this browser started, or to one that is over
 * - `bad_callback`: the request is not a callback that Bitbucket could have sent
 * - `code_refused`: Bitbucket did not take the code: expired, used before, or not ours
 * - `grant_lost`: a refresh token is no good any more: taken back, unused too long, or used twice; the person must come again
 * - `misconfigured`: the OAuth consumer's key, secret or callback URL is wrong; an administrator must act
 * - `missing_scope`: the consumer lacks a permission (`requiredScopes`); an administrator must act
 * - `throttled`: too many requests, said by Bitbucket or by our own limit of connections
 * - `timeout`: no complete answer within the deadline
 * - `failed`: everything else: unreachable, cut off, or an answer that is not what the documents promise
 */
export type FailureReason =
  | 'access_denied'
  | 'invalid_state'
  | 'bad_callback'
  | 'code_refused'
  | 'grant_lost'
  | 'misconfigured'
  | 'missing_scope'
  | 'throttled'
  | 'timeout'
  | 'failed';

/** Which of Bitbucket's addresses the failure is about; `authorize` includes what came back to the callback. */
export const FAILURE_ENDPOINTS = [
  'authorize',
  'token',
  'user',
  'emails',
  'workspaces',
  'permission',
  'repositories',
  'repository',
  'pull requests',
  'comments',
  'tasks',
  'activity',
  'commit',
  'diff',
  'members',
  'settings',
  'image',
] as const;
export type FailureEndpoint = (typeof FAILURE_ENDPOINTS)[number];

const ANSWER_WITH: Record<FailureReason, number> = {
  access_denied: 400,
  invalid_state: 400,
  bad_callback: 400,
  code_refused: 400,
  grant_lost: 403,
  misconfigured: 502,
  missing_scope: 502,
  throttled: 503,
  timeout: 504,
  failed: 502,
};

export interface FailureOptions {
  /** HTTP status that Bitbucket answered with, if it answered. */
  remoteStatus?: number | undefined;
  /** Whole seconds after which a retry makes sense, at most an hour. */
  retryAfterSeconds?: number | undefined;
  /** Scopes to tick at the consumer; given with `missing_scope`. */
  requiredScopes?: string[] | undefined;
  /** The same again would end the same way. */
  permanent?: boolean;
  /** What the host's state store said when it did not know a state. Never an error of the HTTP client: those hold requests. */
  cause?: unknown;
}

/**
 * A failure on the Bitbucket side. Its message and every property are our own words and numbers: no token, code, secret
 * or foreign text, so it may be logged whole.
 */
export class BitbucketFailure extends Error {
  readonly reason: FailureReason;
  readonly endpoint: FailureEndpoint;
  /** What happened, for the log and the administrator; not meant for visitors. */
  readonly detail: string;
  /**
   * The HTTP status to answer the visitor with: below 500 the visitor can act, from 500 on only the administrator or
   * Bitbucket can. Express and its error handlers read exactly this name, which is why Bitbucket's own status is called
   * `remoteStatus`: a 401 from the token endpoint must not become a 401 of the host.
   */
  readonly status: number;
  readonly remoteStatus: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly requiredScopes: string[] | undefined;
  readonly permanent: boolean;

  constructor(reason: FailureReason, endpoint: FailureEndpoint, detail: string, options: FailureOptions = {}) {
    super(`Bitbucket (${endpoint}): ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BitbucketFailure';
    this.reason = reason;
    this.endpoint = endpoint;
    this.detail = detail;
    this.status = ANSWER_WITH[reason];
    this.remoteStatus = options.remoteStatus;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.requiredScopes = options.requiredScopes;
    this.permanent = options.permanent ?? false;
  }
}
