// A stand-in for Bitbucket Cloud on loopback: OAuth 2.0, its pages, git, and API 2.0 as far as sign-in and import need it.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandboxApp } from './app.ts';
import { forgetGrants } from './account-routes.ts';
import { decide } from './consent.ts';
import { makeToken } from './callers.ts';
import { FaultList, type Fault, type FaultTarget, type RandomFaults } from './faults.ts';
import { listenOnLoopback } from './listen.ts';
import type { Consumer, Person, SandboxOptions, Switches, Workspace } from './options.ts';
import type { Overrides } from './overrides.ts';
import { getPerson, makeRealm, type HandedOut, type Realm } from './realm.ts';
import { fullNameOf, type Contributor, type Project, type Repository } from './repositories.ts';
import type { CallCounts, SandboxRequest } from './requests.ts';
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
  /** How many requests each route got. Empty it by `counts.clear()`. */
  counts: CallCounts;
  /** The last 20,000 codes and tokens given to clients, also those used up: what must not turn up anywhere. */
  handedOut: readonly HandedOut[];
  /** Live: a changed value counts from the next request. */
  switches: Switches;
  /** Live, as are all lists here. */
  consumers: Consumer[];
  people: Person[];
  workspaces: Workspace[];
  contributors: Contributor[];
  projects: Project[];
  repositories: Repository[];
  /** The live record of one repository, by `workspace/slug`. Throws when there is none. */
  repository: (fullName: string) => Repository;
  /** The live record of one person. Throws when nobody has that key. */
  person: (key: string) => Person;
  /** Answers GET /user or GET /user/emails of one person with anything at all; an empty object ends that. */
  override: (person: string, overrides: Overrides) => void;
  /** Sets a fault. Those set earlier go first; used up ones (`times`) make room. */
  fault: (target: FaultTarget, fault: Fault) => void;
  /** Lets faults strike by chance, until `clearFaults`. */
  randomFaults: (random: RandomFaults) => void;
  clearFaults: () => void;
  /** What a person would do in a browser: returns the callback URL with code and state, or with the error. */
  decide: (authorizeUrl: string, how: { as: string; decision?: 'allow' | 'cancel' }) => Promise<string>;
  /** An access token without the dance. Scopes default to all of the first consumer. */
  accessToken: (person: string, scopes?: string[]) => string;
  /** An API token as a person makes one in the settings: Basic with the address for the API, any of the forms for git. */
  apiToken: (person: string, scopes: string[]) => string;
  /** An access token of a repository (`workspace/slug`) or of a workspace: a bearer token that is nobody's. */
  placeToken: (place: string, scopes: string[]) => string;
  /** Takes back a token that was made by one of these two. */
  removeToken: (token: string) => void;
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
  const log = { requests: [] as SandboxRequest[], counts: new Map() as CallCounts };
  const app = createSandboxApp(realm, faults, log);
  const { port, close } = await listenOnLoopback(app, options.port ?? 0, options.tls);
  const scheme = options.tls ? 'https' : 'http';
  const url = `${scheme}://127.0.0.1:${port}/`;
  realm.urls = { web: url, api: `${url}api/2.0`, signIn: `${scheme}://localhost:${port}/` };
  const removeFolder = await makeRepositories(realm, options).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    url,
    apiUrl: realm.urls.api,
    signInUrl: realm.urls.signIn,
    port,
    ...log,
    requestsTo: (route) => log.requests.filter((request) => request.route === route),
    handedOut: realm.handedOut,
    switches: realm.switches,
    consumers: realm.consumers,
    people: realm.people,
    workspaces: realm.workspaces,
    contributors: realm.contributors,
    projects: realm.projects,
    repositories: realm.repositories,
    repository: (fullName) => getRepository(realm, fullName),
    person: (key) => getPerson(realm, key),
    override: (person, overrides) => void realm.overrides.set(getPerson(realm, person).key, overrides),
    fault: (target, fault) => faults.add(target, fault),
    randomFaults: (random) => faults.addRandom(random),
    clearFaults: () => faults.clear(),
    decide: async (authorizeUrl, how) => decide(realm, authorizeUrl, how),
    accessToken: (person, scopes) => makeAccessToken(realm, person, scopes),
    apiToken: (person, scopes) => makeToken(realm, { type: 'api_token', person: getPerson(realm, person).key, scopes }),
    placeToken: (place, scopes) => makePlaceToken(realm, place, scopes),
    removeToken: (token) => void realm.madeTokens.delete(token),
    expireTokens: (person) => realm.tokens.expireAccess(getPerson(realm, person).key),
    revoke: (person) => forgetGrants(realm, getPerson(realm, person)),
    close: async () => {
      await close();
      await removeFolder();
    },
  };
}

/** Lets the makers make theirs, each in a folder of its own; gives what takes temporary folders away again. */
async function makeRepositories(realm: Realm, options: SandboxOptions): Promise<() => Promise<void>> {
  const makers = options.repositories ?? [];
  if (makers.length === 0) return async () => undefined;
  if (options.folder !== undefined) await rm(options.folder, { recursive: true, force: true });
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'bitbucket-sandbox-')));
  const folders = makers.map((_, index) => join(folder, String(index)));
  await Promise.all(folders.map((each) => mkdir(each, { recursive: true })));
  const made = await Promise.all(makers.map((make, index) => make(folders[index]!, realm.urls.web)));
  realm.repositories.push(...made.flat());
  return async () => {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}

function getRepository(realm: Realm, fullName: string): Repository {
  const found = realm.repositories.find((repository) => fullNameOf(repository) === fullName);
  if (found) return found;
  throw new Error(`The sandbox has no "${fullName}"; it has ${realm.repositories.map(fullNameOf).join(', ')}`);
}

function makePlaceToken(realm: Realm, place: string, scopes: string[]): string {
  const [workspace = '', slug = null] = place.split('/');
  const type = slug === null ? 'workspace_access_token' : 'repository_access_token';
  return makeToken(realm, { type, person: null, scopes, reach: { workspace, slug } });
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
