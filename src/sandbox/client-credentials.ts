// Which consumer sends a token request: HTTP Basic, or the form body where that is switched on (RFC 6749 section 2.3.1).
import { timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import type { Consumer } from './options.ts';
import { findConsumer, type Realm } from './realm.ts';
import { formOf } from './requests.ts';

/** Undefined when the credentials are missing or wrong. */
export function findAuthenticatedConsumer(realm: Realm, request: Request): Consumer | undefined {
  const credentials = readBasic(request) ?? (realm.switches.bodyCredentials ? readForm(request) : undefined);
  const consumer = findConsumer(realm, credentials?.key ?? null);
  return consumer && credentials && isSame(consumer.secret, credentials.secret) ? consumer : undefined;
}

function readBasic(request: Request): { key: string; secret: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 0) return undefined;
  return { key: formDecode(pair.slice(0, colon)), secret: formDecode(pair.slice(colon + 1)) };
}

function readForm(request: Request): { key: string; secret: string } {
  const form = formOf(request);
  return { key: form.get('client_id') ?? '', secret: form.get('client_secret') ?? '' };
}

/** RFC 6749 has both halves form-encoded first; values without % and + are the same either way. */
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
