// Error answers of API 2.0, word for word as they were recorded.
// https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses
import type { Response } from 'express';

interface ErrorBody {
  message: string;
  detail?: unknown;
  data?: unknown;
}

export function sendApiError(response: Response, status: number, error: ErrorBody): void {
  response.status(status).json({ type: 'error', error });
}

export function sendUnauthorized(response: Response, why: 'missing' | 'expired' | 'unknown'): void {
  if (why === 'missing') response.set('WWW-Authenticate', 'Basic realm="Bitbucket.org HTTP"');
  const message =
    why === 'expired'
      ? 'Access token expired. Use your refresh token to obtain a new access token.'
      : 'Token is invalid, expired, or not supported for this endpoint.';
  sendApiError(response, 401, { message });
}

export function sendMissingScope(response: Response, required: string[], granted: string[]): void {
  const message = 'Your credentials lack one or more required privilege scopes.';
  sendApiError(response, 403, { message, detail: { required, granted } });
}

/** An endpoint Bitbucket took away. @param change The number of its changelog entry, such as CHANGE-2770. */
export function sendGone(response: Response, change: string): void {
  const data = { announcement_url: `https://developer.atlassian.com/cloud/bitbucket/changelog#${change}` };
  const error = {
    message: `${change} - Functionality has been deprecated`,
    detail: 'Please read the changelog entry for more details.',
    data,
  };
  response.status(410).json({ type: 'error', error, data });
}

export function sendNoSuchPath(response: Response): void {
  sendApiError(response, 404, {
    message: 'Resource not found',
    detail:
      "There is no API hosted at this URL.\n\nFor information about our API's, please refer to the documentation at: " +
      'https://developer.atlassian.com/bitbucket/api/2/reference/',
  });
}
