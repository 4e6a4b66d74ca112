// What the last test sign-in with each provider has shown, from the audit log: permissions, and who would have come in.
import { z } from 'zod';
import { missingScopes } from '../bitbucket/scopes.ts';
import type { ProviderConfig } from '../config/schema.ts';
import type { Database } from '../db/tables.ts';
import type { ErrorCode } from '../errors.ts';
import { errorKinds } from '../errors.ts';
import type { Finding } from './findings.ts';

/** What signing in needs, by the box to tick at the consumer. */
const BOXES: Readonly<Record<string, string>> = {
  account: 'Account: Read',
  email: 'Account: Email',
  repository: 'Repositories: Read',
  pullrequest: 'Pull requests: Read',
  project: 'Projects: Read',
};

const details = z.object({
  name: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  email: z.boolean().optional(),
  groups: z.number().optional(),
  would: z.string().optional(),
  username: z.string().optional(),
  words: z.string().optional(),
  required: z.array(z.string()).optional(),
});
type Details = z.output<typeof details>;

export interface TestSignIn {
  at: number;
  by: string | null;
  findings: Finding[];
}

/** @returns undefined when nobody has tried yet */
export async function lastTest(db: Database, { name }: Pick<ProviderConfig, 'name'>): Promise<TestSignIn | undefined> {
  const event = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('action', '=', 'test_sign_in')
    .where('target', '=', name)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!event) return undefined;
  const found = details.safeParse(JSON.parse(event.details ?? '{}')).data ?? {};
  const findings = event.result === 'ok' ? aboutArrival(found) : [aboutRefusal(event.reason ?? '', found)];
  return { at: event.at, by: event.actor_name, findings };
}

function aboutArrival(found: Details): Finding[] {
  const missing = missingScopes(['account', 'email'], found.scopes ?? []);
  const granted = (found.scopes ?? []).join(', ') || 'none named';
  const permissions: Finding =
    missing.length === 0
      ? { state: 'ok', about: 'permissions', words: `granted: ${granted}` }
      : { state: 'failed', about: 'permissions', words: `missing: ${missing.join(', ')}`, next: tick(missing) };
  const address: Finding[] =
    found.email === false
      ? [{ state: 'warning', about: 'e-mail', words: 'Bitbucket named no primary address that is confirmed' }]
      : [];
  return [aboutOutcome(found), permissions, ...address];
}

/** What a real sign-in would have come to; the words for those who come in. */
const OUTCOMES: Readonly<Record<string, string>> = {
  comes_in: 'would come in as',
  account_made: 'would come in with a new account',
  account_waits: 'would get a new account, and wait for approval',
  linked: 'would be connected to the account',
};

function aboutOutcome({ name = 'this person', would = '', username }: Details): Finding {
  const words = OUTCOMES[would];
  const about = 'sign-in';
  if (words !== undefined) return { state: 'ok', about, words: `${name} ${words}${username ? ` ${username}` : ''}` };
  return {
    state: 'warning',
    about,
    words: `${name} would not come in: ${sentenceOf(would)}`,
    next: stepFor(would, {}),
  };
}

function aboutRefusal(reason: string, found: Details): Finding {
  const state = reason === 'access_denied' ? 'unknown' : 'failed';
  return { state, about: 'sign-in', words: found.words ?? sentenceOf(reason), next: stepFor(reason, found) };
}

function sentenceOf(code: string): string {
  return code in errorKinds ? errorKinds[code as ErrorCode].sentence : `it ended with ${code || 'no reason'}`;
}

function stepFor(reason: string, { required = [] }: Details): string {
  switch (reason) {
    case 'missing_scope':
      return tick(required);
    case 'misconfigured':
      return 'compare key, secret and callback with the OAuth consumer at Bitbucket';
    case 'not_member':
      return 'try with a Bitbucket account of an admitted workspace, or change allowed_workspaces';
    case 'access_denied':
      return 'try again, and choose "Grant access" at Bitbucket';
    case 'signup_disabled':
      return 'set allow_single_sign_on, or connect this Bitbucket account to an account here first';
    case 'email_taken':
      return 'sign in with that account and connect this Bitbucket account to it, or set auto_link_user';
    case 'pending_approval':
    case 'blocked':
      return 'see the account in the list of users';
    default:
      return 'try again; the log of the server says more';
  }
}

function tick(scopes: readonly string[]): string {
  return `tick ${scopes.map((scope) => BOXES[scope] ?? scope).join(' and ')} at the OAuth consumer`;
}
