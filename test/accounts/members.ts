// People who have come in as members of `allowed_workspaces`, and the job that asks for them again.
import { MembershipChecks } from '../../src/accounts/membership-checks.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Browser } from '../support/people.ts';
import { CONSUMER } from '../support/provider.ts';
import { openBrowser, signInWithBitbucket, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const provider = ', allowed_workspaces: [acme]';
export const sessions = 'session: { absolute_hours: 2000, idle_minutes: 100000 }\n';

export interface World {
  app: TestApp;
  sandbox: Sandbox;
  checks: MembershipChecks;
  browser: Browser;
  /** So much later. */
  advance: (ms: number) => void;
  now: () => number;
}

/** Somebody has signed in. */
export async function start(as = 'alice', omniauth = '', yaml = ''): Promise<World> {
  let now = Date.parse('2026-11-26T12:00:00Z');
  const clock = () => now;
  const consumers = [
    { ...CONSUMER, name: 'Gatehouse', permissions: ['account', 'email'], callbackUrl: 'http://localhost:' },
  ];
  const { app, sandbox } = await startBoth({
    ...{ now: clock, provider, omniauth, yaml: sessions + yaml },
    sandbox: { consumers, now: clock },
  });
  const browser = openBrowser(app);
  expect((await signInWithBitbucket(browser, sandbox, as)).status).toBe(303);
  sandbox.requests.length = 0;
  const checks = new MembershipChecks(app.services);
  return { app, sandbox, checks, browser, advance: (ms) => void (now += ms), now: clock };
}

/** A quarter of an hour later everybody is asked for. */
export async function recheck({ advance, checks }: World, laterMs = 15 * MINUTE): Promise<void> {
  advance(laterMs);
  await checks.round();
}

/** What the audit log says of lost memberships, the first one first. */
export const lost = async ({ app }: World) => {
  const events = app.services.db
    .selectFrom('audit_events')
    .selectAll()
    .where('action', '=', 'membership_lost')
    .orderBy('id');
  return (await events.execute()).map((event) => ({ ...event, details: JSON.parse(event.details ?? '{}') as object }));
};

/** Leaves every workspace; who comes back later is given what is returned. */
export function leave({ sandbox }: World, who = 'alice'): () => void {
  const person = sandbox.person(who);
  const { memberships } = person;
  person.memberships = [];
  return () => void (person.memberships = memberships);
}
