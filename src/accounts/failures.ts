// What went wrong at Bitbucket, in terms of our own errors.
import type { FailureReason } from '../bitbucket/failure.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { ErrorCode } from '../errors.ts';
import { AppError } from '../errors.ts';

const CODES: Record<FailureReason, ErrorCode> = {
  access_denied: 'access_denied',
  invalid_state: 'invalid_state',
  bad_callback: 'invalid_state',
  code_refused: 'code_refused',
  misconfigured: 'provider_misconfigured',
  missing_scope: 'provider_misconfigured',
  throttled: 'provider_busy',
  timeout: 'provider_timeout',
  failed: 'provider_failed',
};

/** @param returnTo kept by "try again" */
export function toAppError(error: unknown, returnTo: string | undefined): unknown {
  if (error instanceof AppError) return new AppError(error.code, { ...error.options, returnTo });
  if (!(error instanceof BitbucketFailure)) return error;
  const retry = error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds };
  return new AppError(CODES[error.reason], { cause: error, returnTo, ...retry });
}
