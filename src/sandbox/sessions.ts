// Who is signed in at the sandbox in this browser: one cookie of the first origin.
import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Person } from './options.ts';
import { findPerson, type Realm } from './realm.ts';

/** Cookies ignore ports, so the name must not be one that Gatehouse or another server on this host uses. */
const COOKIE = 'bitbucket_sandbox';
const MAX_SESSIONS = 10_000;

export function findSignedIn(realm: Realm, request: Request): Person | undefined {
  return findPerson(realm, realm.sessions.get(sessionId(request)));
}

/** The value of the cookie, or nothing; what one-time tickets are bound to. */
export function sessionId(request: Request): string {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? '';
}

export function signIn(realm: Realm, person: Person, response: Response): void {
  const id = randomBytes(18).toString('base64url');
  realm.sessions.set(id, person.key);
  const [oldest] = realm.sessions.keys();
  if (realm.sessions.size > MAX_SESSIONS && oldest !== undefined) realm.sessions.delete(oldest);
  response.cookie(COOKIE, id, { httpOnly: true, sameSite: 'lax' });
}

export function signOut(realm: Realm, request: Request, response: Response): void {
  realm.sessions.delete(sessionId(request));
  response.clearCookie(COOKIE, { httpOnly: true, sameSite: 'lax' });
}
