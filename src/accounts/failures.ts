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

const RETRY_AFTER_SECONDS = 5;

/** @param returnTo kept by "try again" */
export function toAppError(error: unknown, returnTo: string | undefined): unknown {
  if (error instanceof AppError) return new AppError(error.code, { ...error.options, returnTo });
  if (!(error instanceof BitbucketFailure)) return error;
  const code = CODES[error.reason];
  const mayPass = code === 'provider_failed' || code === 'provider_busy' || code === 'provider_timeout';
  const retryAfterSeconds = error.retryAfterSeconds ?? RETRY_AFTER_SECONDS;
  return new AppError(code, { cause: error, returnTo, ...(mayPass ? { retryAfterSeconds } : {}) });
}
