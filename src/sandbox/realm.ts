// Everything one sandbox knows while it runs: who is there, what was granted, what may be used once.
import type { MadeToken } from './callers.ts';
import {
  DEFAULT_SWITCHES,
  type Consumer,
  type Person,
  type SandboxOptions,
  type Switches,
  type Workspace,
} from './options.ts';
import { OneTime } from './one-time.ts';
import type { Overrides } from './overrides.ts';
import type { CallWindow } from './rate-limit.ts';
import type { Contributor, Project, Repository } from './repositories.ts';
import { SAMPLE_PEOPLE, SAMPLE_WORKSPACES } from './sample-data.ts';
import type { StoredFile } from './storage-routes.ts';
import { TokenStore } from './token-store.ts';

/** An authorization code, waiting to be exchanged (RFC 6749 section 4.1.2). */
export interface Code {
  consumer: string;
  person: string;
  scopes: string[];
  /** As sent to authorize; absent when it was left out there. */
  redirectUri?: string;
  challenge?: { value: string; method: string };
}

/** A code or token, as it was given to a client. */
export interface HandedOut {
  kind: 'code' | 'access token' | 'refresh token';
  value: string;
}

const MAX_HANDED_OUT = 20_000;

/** Origins, each with a trailing slash, but `api` without. */
export interface Urls {
  web: string;
  api: string;
  signIn: string;
}

export interface Realm {
  urls: Urls;
  /** Milliseconds since 1970. */
  now: () => number;
  switches: Switches;
  consumers: Consumer[];
  people: Person[];
  workspaces: Workspace[];
  contributors: Contributor[];
  projects: Project[];
  repositories: Repository[];
  /** API tokens and access tokens that were made, by their value. */
  madeTokens: Map<string, MadeToken>;
  /** Calls of the hour, by who made them. */
  callWindows: Map<string, CallWindow>;
  storage: OneTime<StoredFile>;
  /** By key of the person: what GET /user and GET /user/emails answer instead of the truth. */
  overrides: Map<string, Overrides>;
  codes: OneTime<Code>;
  tokens: TokenStore;
  handedOut: HandedOut[];
  /** Scopes a person allowed a consumer, under `grantName`. */
  grants: Map<string, string[]>;
  /** Session id in the cookie to key of the person. */
  sessions: Map<string, string>;
}

/** A realm made from copies of what the options hold, so that samples stay as they are. */
export function makeRealm(options: SandboxOptions): Realm {
  const now = () => Number(options.now?.() ?? Date.now());
  const switches = { ...DEFAULT_SWITCHES, ...options.switches };
  const handedOut: HandedOut[] = [];
  const note = (kind: HandedOut['kind'], value: string) => {
    handedOut.push({ kind, value });
    if (handedOut.length > MAX_HANDED_OUT) handedOut.shift();
  };
  return {
    urls: { web: '', api: '', signIn: '' },
    now,
    switches,
    consumers: [...structuredClone(options.consumers)],
    people: [...structuredClone(options.people ?? SAMPLE_PEOPLE)],
    workspaces: [...structuredClone(options.workspaces ?? SAMPLE_WORKSPACES)],
    contributors: [...structuredClone(options.contributors ?? [])],
    projects: [...structuredClone(options.projects ?? [])],
    repositories: [],
    madeTokens: new Map(),
    callWindows: new Map(),
    storage: new OneTime(now),
    overrides: new Map(),
    codes: new OneTime(now, (name) => note('code', name)),
    tokens: new TokenStore(now, switches, (use, token) => note(`${use} token`, token)),
    handedOut,
    grants: new Map(),
    sessions: new Map(),
  };
}

export function grantName(person: string, consumer: string): string {
  return `${person} ${consumer}`;
}

export function findPerson(realm: Realm, key: string | undefined): Person | undefined {
  return realm.people.find((person) => person.key === key);
}

/** @throws Error when nobody has that key. */
export function getPerson(realm: Realm, key: string): Person {
  const person = findPerson(realm, key);
  if (!person) throw new Error(`The sandbox knows nobody called "${key}"; it knows ${names(realm.people)}`);
  return person;
}

export function findConsumer(realm: Realm, key: string | null): Consumer | undefined {
  return realm.consumers.find((consumer) => consumer.key === key);
}

function names(people: Person[]): string {
  return people.map((person) => person.key).join(', ') || 'nobody';
}
