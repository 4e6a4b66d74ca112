// Every error a visitor can meet: one table of code, status, and words fit for a page. Anything else that is thrown is a
// bug and becomes `internal`.

/** What the page offers next; web/error-page turns it into links. */
export type NextStep = 'try_again' | 'other_account' | 'sign_in' | 'home' | 'reload' | 'right_address';

export interface ErrorKind {
  status: number;
  heading: string;
  sentence: string;
  steps: NextStep[];
}

const kinds = {
  bad_request: {
    status: 400,
    heading: 'That request was not understood',
    sentence: 'Something in it was missing or had the wrong form.',
    steps: ['home'],
  },
  unauthenticated: {
    status: 401,
    heading: 'Please sign in',
    sentence: 'You need to be signed in for that.',
    steps: ['sign_in'],
  },
  invalid_credentials: {
    status: 422,
    heading: 'Sign-in did not work',
    sentence: 'The username, e-mail address or password is not right.',
    steps: ['try_again'],
  },
  access_denied: {
    status: 400,
    heading: 'Sign-in cancelled',
    sentence: 'You cancelled at Bitbucket, so nothing was shared and you are not signed in.',
    steps: ['try_again', 'other_account'],
  },
  invalid_state: {
    status: 400,
    heading: 'This sign-in is no longer valid',
    sentence: 'It was used already, took longer than ten minutes, or was started in another browser.',
    steps: ['try_again'],
  },
  code_refused: {
    status: 400,
    heading: 'Bitbucket did not accept the sign-in',
    sentence: 'The code that Bitbucket gave for it was used already or has become too old.',
    steps: ['try_again'],
  },
  pending_approval: {
    status: 403,
    heading: 'Your account waits for approval',
    sentence: 'Your account was made. An administrator has to approve it before you can come in.',
    steps: ['try_again', 'other_account'],
  },
  blocked: {
    status: 403,
    heading: 'This account is blocked',
    sentence: 'An administrator has blocked it, so you cannot sign in with it.',
    steps: ['other_account'],
  },
  not_member: {
    status: 403,
    heading: 'You are not in an admitted workspace',
    sentence:
      'Only members of certain Bitbucket workspaces come in here, and this Bitbucket account is in none of them.',
    steps: ['other_account'],
  },
  signup_disabled: {
    status: 403,
    heading: 'There is no account for you yet',
    sentence: 'Signing in does not make new accounts here, and no account is connected to this Bitbucket account.',
    steps: ['other_account'],
  },
  email_taken: {
    status: 409,
    heading: 'Your e-mail address is in use here',
    sentence: 'Another account here has the e-mail address of this Bitbucket account, so no second one was made.',
    steps: ['other_account'],
  },
  no_provider: {
    status: 404,
    heading: 'No such way to sign in',
    sentence: 'This sign-in provider is switched off or does not exist.',
    steps: ['sign_in'],
  },
  provider_misconfigured: {
    status: 502,
    heading: 'Bitbucket sign-in is not set up right',
    sentence:
      'Bitbucket refused the key, secret or permissions this server is configured with. Only an administrator can mend that.',
    steps: ['sign_in'],
  },
  provider_failed: {
    status: 502,
    heading: 'Bitbucket did not answer properly',
    sentence: 'Nothing is wrong with your account. Please try again in a moment.',
    steps: ['try_again'],
  },
  provider_busy: {
    status: 503,
    heading: 'Bitbucket is too busy',
    sentence: 'It does not take more requests from this server right now. Please try again in a moment.',
    steps: ['try_again'],
  },
  provider_timeout: {
    status: 504,
    heading: 'Bitbucket took too long to answer',
    sentence: 'Nothing is wrong with your account. Please try again in a moment.',
    steps: ['try_again'],
  },
  csrf: {
    status: 403,
    heading: 'This form was out of date',
    sentence: 'It was made for another session or did not come from this site, so nothing was done.',
    steps: ['home'],
  },
  not_found: {
    status: 404,
    heading: 'Not found',
    sentence: 'There is nothing at this address, or it is not yours to see.',
    steps: ['home'],
  },
  method_not_allowed: {
    status: 405,
    heading: 'Not possible that way',
    sentence: 'This address does not answer to that kind of request.',
    steps: ['sign_in'],
  },
  too_large: {
    status: 413,
    heading: 'That was too much',
    sentence: 'The request is larger than this server takes.',
    steps: ['home'],
  },
  unsupported_media_type: {
    status: 415,
    heading: 'Not a form',
    sentence: 'Send a form (application/x-www-form-urlencoded) or JSON (application/json).',
    steps: ['home'],
  },
  misdirected: {
    status: 421,
    heading: 'Wrong address',
    sentence: 'This server does not answer to that host name. An administrator sets its address as external_url.',
    steps: ['right_address'],
  },
  rate_limited: {
    status: 429,
    heading: 'Too many tries',
    sentence: 'Please wait a little before the next one.',
    steps: ['sign_in'],
  },
  not_implemented: {
    status: 501,
    heading: 'Not possible',
    sentence: 'This server does not know that method.',
    steps: ['home'],
  },
  internal: {
    status: 500,
    heading: 'Something went wrong here',
    sentence: 'The fault is ours and has been recorded.',
    steps: ['home'],
  },
  unavailable: {
    status: 503,
    heading: 'Back in a moment',
    sentence: 'Gatehouse cannot reach its database right now. Nobody is signed out by that.',
    steps: ['reload'],
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof kinds;

export const errorKinds: Readonly<Record<ErrorCode, ErrorKind>> = kinds;

export interface AppErrorOptions {
  cause?: unknown;
  /** Replaces the table's sentence. Plain words; never a foreign message, never text taken from the request. */
  sentence?: string;
  /** Whole seconds after which a retry makes sense; sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** Where the person wanted to go; "try again" keeps it. Always a checked path (web/return-to). */
  returnTo?: string | undefined;
  /** The methods the path does answer to; sent as `Allow` with 405. */
  allow?: string;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly options: AppErrorOptions;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.sentence ?? kinds[code].sentence, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'AppError';
    this.code = code;
    this.status = kinds[code].status;
    this.options = options;
  }
}

/** Why a command cannot go on: one line for an administrator, with the next step. */
export class StartProblem extends Error {}
