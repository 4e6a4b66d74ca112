// The one place that turns an error into a log line and a page or problem+json (RFC 9457).
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { NextStep } from '../error-kinds.ts';
import type { ErrorCode } from '../errors.ts';
import { AppError, errorKinds } from '../errors.ts';
import type { Services } from '../services.ts';
import { pathOf, wantsJson } from './answer.ts';
import type { RenderPage } from './page.ts';
import type { Site } from './site.ts';

interface Step {
  label: string;
  href: string;
}

export const notFound: RequestHandler = () => {
  throw new AppError('not_found');
};

export function errorPages(services: Services, site: Site, render: RenderPage): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  return (thrown: unknown, req, res, _next) => {
    const error = toAppError(thrown, services);
    // An odd method is the client's doing; anybody could fill the log with errors.
    if (error.status >= 500 && error.code !== 'not_implemented')
      services.log.error({ err: thrown, code: error.code, request_id: req.id }, 'request failed');
    if (res.headersSent) {
      // Too late for a page. What is half sent must not look whole.
      if (!res.writableEnded) res.destroy();
      return;
    }
    res.status(error.status).set('Cache-Control', 'no-store');
    const { retryAfterSeconds, allow } = error.options;
    if (retryAfterSeconds !== undefined) res.set('Retry-After', String(retryAfterSeconds));
    if (allow !== undefined) res.set('Allow', allow);
    if (wantsJson(req, site)) return sendProblem(error, req, res);
    const { heading, steps } = errorKinds[error.code];
    render(req, res, 'error', {
      title: heading,
      heading,
      sentence: error.message,
      status: error.status,
      tone: toneOf(error.code),
      tidyAddress: pathOf(req).startsWith(`${site.base}/users/auth`),
      steps: steps.map((step) => stepOf(fitting(step, req, site), error, site, services)),
    });
  };
}

/**
 * What the visitor is told. Body parser and router errors carry a status of their own; only their kind is kept.
 * A database that cannot be asked is 503 and leaves the cookie alone: nobody loses a session over it.
 */
function toAppError(thrown: unknown, { database }: Services): AppError {
  if (thrown instanceof AppError) return thrown;
  if (database.dialect.isUnavailable(thrown))
    return new AppError('unavailable', { cause: thrown, retryAfterSeconds: 5 });
  const status = thrown instanceof Error && 'status' in thrown ? thrown.status : undefined;
  if (status === 413) return new AppError('too_large', { cause: thrown });
  if (status === 415) return new AppError('unsupported_media_type', { cause: thrown });
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new AppError('bad_request', { cause: thrown });
  return new AppError('internal', { cause: thrown });
}

/** @see https://www.rfc-editor.org/rfc/rfc9457 */
function sendProblem(error: AppError, req: Request, res: Response): void {
  const { heading } = errorKinds[error.code];
  const { code, status, message: detail, options } = error;
  const problem = { ...options.members, title: heading, status, detail, code, request_id: req.id };
  res.type('application/problem+json').send(JSON.stringify(problem));
}

function toneOf(code: ErrorCode): 'stop' | 'wait' | 'info' {
  if (code === 'pending_approval' || code === 'rate_limited' || code === 'unavailable') return 'wait';
  return code === 'access_denied' || code === 'not_found' ? 'info' : 'stop';
}

/** What the page offers, and where it leads; below the address of this server. */
const STEPS: Record<Exclude<NextStep, 'try_again' | 'sign_in' | 'other_account'>, { label: string; path: string }> = {
  home: { label: 'Go to the start page', path: '/' },
  reload: { label: 'Try again', path: '/' },
  right_address: { label: 'Go to the right address', path: '/' },
  link_account: { label: 'Prove that the account is yours', path: '/users/link' },
  account: { label: 'Go to your account', path: '/-/profile/account' },
  confirm: { label: 'Confirm that it is you', path: '/users/confirm' },
  admin: { label: 'Go back', path: '/admin' },
};

/** Whoever is signed in needs no sign-in page, and who was about somebody else's account does not go on at their own. */
function fitting(step: NextStep, req: Request, { base }: Site): NextStep {
  if (step === 'sign_in' && req.user) return 'home';
  return step === 'account' && pathOf(req).startsWith(`${base}/admin/`) ? 'admin' : step;
}

function stepOf(step: NextStep, error: AppError, site: Site, services: Services): Step {
  const signIn = (extra: Record<string, string> = {}) => signInAddress(extra, error, site, services);
  switch (step) {
    case 'try_again':
      return { label: 'Try again', href: signIn() };
    case 'sign_in':
      return { label: 'Go to the sign-in page', href: signIn() };
    case 'other_account':
      return { label: 'Use another Bitbucket account', href: signIn({ other_account: 'true' }) };
    case 'right_address':
      return { label: STEPS[step].label, href: `${site.origin}${site.base}/` };
    default:
      return { label: STEPS[step].label, href: `${site.base}${STEPS[step].path}` };
  }
}

function signInAddress(extra: Record<string, string>, { options }: AppError, site: Site, services: Services): string {
  const { returnTo } = options;
  // Somebody who was just refused must see the page, not be sent round in a circle.
  const automatic = services.config().omniauth.auto_sign_in_with_provider !== undefined;
  const query = new URLSearchParams({
    ...extra,
    ...(automatic ? { auto_sign_in: 'false' } : {}),
    ...(returnTo === undefined ? {} : { return_to: returnTo }),
  });
  return `${site.base}/users/sign_in${query.size > 0 ? `?${query.toString()}` : ''}`;
}
