// A stand-in for Bitbucket Cloud on loopback: OAuth 2.0, its pages, and API 2.0 as far as a sign-in needs it.
import { createSandboxApp } from './app.ts';
import { forgetGrants } from './account-routes.ts';
import { decide } from './consent.ts';
import { FaultList, type Fault, type FaultTarget } from './faults.ts';
import { listenOnLoopback } from './listen.ts';
import type { Consumer, Person, SandboxOptions, Switches, Workspace } from './options.ts';
import type { Overrides } from './overrides.ts';
import { getPerson, makeRealm, type HandedOut, type Realm } from './realm.ts';
import type { SandboxRequest } from './requests.ts';
import type { RouteName } from './route-names.ts';

export interface Sandbox {
  /** First origin, Bitbucket's: `http://127.0.0.1:<port>/`. */
  url: string;
  /** `<url>api/2.0`; API 2.0 answers at `<url>2.0` as well. */
  apiUrl: string;
  /** Second origin, Atlassian's sign-in: `http://localhost:<port>/`. */
  signInUrl: string;
  port: number;
  /** The last 1,000 requests, oldest first. Empty it by `requests.length = 0`. */
  requests: SandboxRequest[];
  requestsTo: (route: RouteName) => SandboxRequest[];
  /** The last 20,000 codes and tokens given to clients, also those used up: what must not turn up anywhere. */
  handedOut: readonly HandedOut[];
  /** Live: a changed value counts from the next request. */
  switches: Switches;
  /** Live, as are `people` and `workspaces`. */
  consumers: Consumer[];
  people: Person[];
  workspaces: Workspace[];
  /** The live record of one person. Throws when nobody has that key. */
  person: (key: string) => Person;
  /** Answers GET /user or GET /user/emails of one person with anything at all; an empty object ends that. */
  override: (person: string, overrides: Overrides) => void;
  /** Sets a fault. Those set earlier go first; used up ones (`times`) make room. */
  fault: (target: FaultTarget, fault: Fault) => void;
  clearFaults: () => void;
  /** What a person would do in a browser: returns the callback URL with code and state, or with the error. */
  decide: (authorizeUrl: string, how: { as: string; decision?: 'allow' | 'cancel' }) => Promise<string>;
  /** An access token without the dance. Scopes default to all of the first consumer. */
  accessToken: (person: string, scopes?: string[]) => string;
  /** Lets the access tokens of a person expire at once. */
  expireTokens: (person: string) => void;
  /** What "Remove" in a person's "App authorizations" does: grants and tokens are gone. */
  revoke: (person: string) => void;
  close: () => Promise<void>;
}

/**
 * Starts a sandbox on 127.0.0.1 (and ::1, for `localhost`).
 * @throws Error with code EADDRINUSE when the port is taken.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const realm = makeRealm(options);
  const faults = new FaultList();
  const requests: SandboxRequest[] = [];
  const app = createSandboxApp(realm, faults, requests);
  const { port, close } = await listenOnLoopback(app, options.port ?? 0, options.tls);
  const scheme = options.tls ? 'https' : 'http';
  const url = `${scheme}://127.0.0.1:${port}/`;
  realm.urls = { web: url, api: `${url}api/2.0`, signIn: `${scheme}://localhost:${port}/` };
  return {
    url,
    apiUrl: realm.urls.api,
    signInUrl: realm.urls.signIn,
    port,
    requests,
    requestsTo: (route) => requests.filter((request) => request.route === route),
    handedOut: realm.handedOut,
    switches: realm.switches,
    consumers: realm.consumers,
    people: realm.people,
    workspaces: realm.workspaces,
    person: (key) => getPerson(realm, key),
    override: (person, overrides) => void realm.overrides.set(getPerson(realm, person).key, overrides),
    fault: (target, fault) => faults.add(target, fault),
    clearFaults: () => faults.clear(),
    decide: async (authorizeUrl, how) => decide(realm, authorizeUrl, how),
    accessToken: (person, scopes) => makeAccessToken(realm, person, scopes),
    expireTokens: (person) => realm.tokens.expireAccess(getPerson(realm, person).key),
    revoke: (person) => forgetGrants(realm, getPerson(realm, person)),
    close,
  };
}

function makeAccessToken(realm: Realm, person: string, scopes: string[] | undefined): string {
  const [consumer] = realm.consumers;
  if (!consumer) throw new Error('A token needs a consumer');
  const grant = {
    consumer: consumer.key,
    person: getPerson(realm, person).key,
    scopes: scopes ?? consumer.permissions,
  };
  return realm.tokens.issue(grant).accessToken;
}
