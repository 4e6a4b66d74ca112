// Every error a visitor can meet: one table of code, status, and words fit for a page. Anything else that is thrown is a
// bug and becomes `internal`.

/** What the page offers next; web/error-page turns it into links. */
export type NextStep =
  | 'try_again'
  | 'other_account'
  | 'sign_in'
  | 'home'
  | 'reload'
  | 'right_address'
  | 'link_account'
  | 'account'
  | 'confirm'
  | 'admin';

export interface ErrorKind {
  status: number;
  heading: string;
  sentence: string;
  steps: NextStep[];
}

export const kinds = {
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
  invalid_link: {
    status: 400,
    heading: 'This one-time link is not valid',
    sentence: 'It was used already, is older than fifteen minutes, or was not copied whole.',
    steps: ['sign_in'],
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
    steps: ['link_account', 'other_account'],
  },
  reconnect: {
    status: 403,
    heading: 'Please connect Bitbucket again',
    sentence:
      'What Bitbucket had given this server to act for you is no good any more. Sign in with Bitbucket once more.',
    steps: ['account'],
  },
  import_permissions: {
    status: 403,
    heading: 'A permission for importing is missing',
    sentence:
      'The OAuth consumer at Bitbucket lets this server read too little. An administrator has to tick Account: Read, Projects: Read, Repositories: Read and Pull requests: Read there.',
    steps: ['try_again', 'admin'],
  },
  import_disabled: {
    status: 403,
    heading: 'Importing is switched off',
    sentence: 'An administrator has switched off importing from there.',
    steps: ['home'],
  },
  not_importable: {
    status: 422,
    heading: 'That cannot be imported',
    sentence: 'The repository does not exist at Bitbucket, or may not be read with what was given.',
    steps: ['home'],
  },
  import_running: {
    status: 409,
    heading: 'This repository is being imported',
    sentence: 'An import of it is under way already, so no second one was started.',
    steps: ['home'],
  },
  last_way_in: {
    status: 400,
    heading: 'That is your last way in',
    sentence: 'Without it you could not sign in any more. Set a password or connect another account first.',
    steps: ['account'],
  },
  not_recent: {
    status: 403,
    heading: 'Please confirm that it is you',
    sentence: 'You signed in a while ago. What you want to do needs a fresh proof that you are there.',
    steps: ['confirm'],
  },
  invalid_token: {
    status: 401,
    heading: 'That token does not work',
    sentence: 'The access token is not known here, has expired or was revoked, or its account may not come in.',
    steps: ['account'],
  },
  insufficient_scope: {
    status: 403,
    heading: 'The token does not allow that',
    sentence: 'The personal access token lacks the scope that this needs.',
    steps: ['home'],
  },
  identity_taken: {
    status: 409,
    heading: 'This Bitbucket account is connected elsewhere',
    sentence:
      'It is connected to another account here, so nothing was changed. One Bitbucket account opens one account.',
    steps: ['account'],
  },
  wrong_identity: {
    status: 409,
    heading: 'That was another Bitbucket account',
    sentence: 'The Bitbucket account you came back with is not connected to your account here, so it proves nothing.',
    steps: ['account'],
  },
  email_in_use: {
    status: 409,
    heading: 'That e-mail address is taken',
    sentence: 'Another account here has it, so nothing was changed.',
    steps: ['admin'],
  },
  changed_meanwhile: {
    status: 409,
    heading: 'This has changed meanwhile',
    sentence: 'The account is not any more as the page showed it, so nothing was done. Please look at it again.',
    steps: ['admin'],
  },
  last_administrator: {
    status: 409,
    heading: 'Nobody could administer this server any more',
    sentence: 'At least one active administrator has to keep a way in that was used lately, so nothing was changed.',
    steps: ['admin'],
  },
  import_over: {
    status: 409,
    heading: 'That import is over',
    sentence: 'It has ended already, or a later one has taken its place, so nothing was changed.',
    steps: ['home'],
  },
  path_taken: {
    status: 409,
    heading: 'That path is taken',
    sentence: 'Another project lies there already. Choose another name or namespace.',
    steps: ['home'],
  },
  bad_target: {
    status: 422,
    heading: 'That path cannot be used',
    sentence:
      'Namespace and name may have letters, digits, dots, dashes and underscores, begin with a letter, digit or underscore, and end in neither .git, .atom nor .json.',
    steps: ['home'],
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
  files_missing: {
    status: 503,
    heading: 'The files of this project are not here',
    sentence:
      'This server knows the project and does not find its repository: its data folder is another one, or was restored without it. Only an administrator can mend that.',
    steps: ['reload', 'home'],
  },
  unavailable: {
    status: 503,
    heading: 'Back in a moment',
    sentence: 'Gatehouse cannot reach its database right now. Nobody is signed out by that.',
    steps: ['reload'],
  },
} as const satisfies Record<string, ErrorKind>;
