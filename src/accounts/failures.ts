// What went wrong at Bitbucket, in terms of our own errors.
import type { FailureReason } from '../bitbucket/failure.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { FlowPurpose } from '../db/tables.ts';
import type { ErrorCode } from '../errors.ts';
import { AppError } from '../errors.ts';

const CODES: Record<FailureReason, ErrorCode> = {
  access_denied: 'access_denied',
  invalid_state: 'invalid_state',
  bad_callback: 'invalid_state',
  code_refused: 'code_refused',
  grant_lost: 'reconnect',
  misconfigured: 'provider_misconfigured',
  missing_scope: 'provider_misconfigured',
  throttled: 'provider_busy',
  timeout: 'provider_timeout',
  failed: 'provider_failed',
};

const BAD_CALLBACK = 'What came back is not an answer that Bitbucket gives, so nobody was signed in.';
const RETRY_AFTER_SECONDS = 5;

/**
 * @param returnTo kept by "try again"
 * @param purpose of the flow that ended so: which permissions are missing depends on it
 */
export function toAppError(error: unknown, returnTo: string | undefined, purpose?: FlowPurpose): unknown {
  if (error instanceof AppError) return new AppError(error.code, { ...error.options, returnTo });
  if (!(error instanceof BitbucketFailure)) return error;
  const lacksPermission = purpose === 'import' && error.reason === 'missing_scope';
  const code = lacksPermission ? 'import_permissions' : CODES[error.reason];
  if (error.reason === 'bad_callback') return new AppError(code, { cause: error, returnTo, sentence: BAD_CALLBACK });
  const mayPass = code === 'provider_failed' || code === 'provider_busy' || code === 'provider_timeout';
  const retryAfterSeconds = error.retryAfterSeconds ?? RETRY_AFTER_SECONDS;
  return new AppError(code, { cause: error, returnTo, ...(mayPass ? { retryAfterSeconds } : {}) });
}
