// Makes foreign names, links and addresses fit to be stored, logged and shown, or drops them.
import { isConfidential } from './endpoints.ts';
import type { EmailReply } from './replies.ts';

export const maxNameLength = 100;
const maxUrlLength = 2048;

/** Cc and Cs: control characters and halves of surrogate pairs. Cf: bidi overrides, zero-width characters, tags. */
const invisible = /[\p{Cc}\p{Cs}\p{Cf}]/gu;
/** Zero-width joiner and non-joiner are Cf too, but Persian names and composed emoji need them. */
const joiners = /[\u200c\u200d]/u;
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u;
/** No script stacks more than a few marks on one letter; hundreds of them paint over the lines above. */
const markFlood = /(\p{M}{4})\p{M}+/gu;

/** Gives a one-line name of at most 100 characters, or `undefined` when nothing visible is left (or it was no text). */
export function cleanName(value: unknown): string | undefined {
  const name = tidyName(value);
  return name === undefined ? undefined : Array.from(name).slice(0, maxNameLength).join('').trim();
}

/** The same at its whole length (up to 1000 characters), for who can be asked to shorten it. */
export function tidyName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const name = value
    .slice(0, 10 * maxNameLength)
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .replace(invisible, (character) => (joiners.test(character) ? character : ''))
    .replace(markFlood, '$1')
    .trim();
  return visible.test(name) ? name : undefined;
}

/** Gives an absolute https URL (http on loopback, for a stand-in) as the URL parser writes it, or `undefined`. */
export function cleanUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > maxUrlLength || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  return isConfidential(url) && !url.username && !url.password ? url.href : undefined;
}

const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
/** Dot-atom and a domain name of two labels or more: no quoting, no comments, no address literals, ASCII only. */
const plainAddress = new RegExp(`^${atom}(?:\\.${atom})*@(?:${label}\\.)+(?=[^@]*[A-Za-z])${label}$`);

/**
 * Gives the one address that is primary and confirmed, else `null`. Two primaries contradict each other and prove
 * nothing. An unusual address is not repaired but left out: a repaired one may be somebody else's.
 * @see https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1
 */
export function trustedEmail(entries: readonly EmailReply[]): string | null {
  const [primary, ...others] = entries.filter((entry) => entry.is_primary);
  if (!primary?.is_confirmed || others.length > 0) return null;
  const { email } = primary;
  return typeof email === 'string' && isPlainAddress(email) ? email : null;
}

/** Whether it is an e-mail address of the usual kind. */
export function isPlainAddress(email: string): boolean {
  return email.length <= 254 && email.indexOf('@') <= 64 && plainAddress.test(email);
}
