// People and times as they stand in replies of API 2.0: brought into one form, whatever is missing or broken.
import { z } from 'zod';
import { cleanName, cleanUrl } from './clean.ts';
import { uuid } from './replies.ts';

/** Somebody at Bitbucket as others see them: author, reviewer, commenter. A deleted account is `null` in their place. */
export interface RemotePerson {
  /** With braces, lower case. */
  uuid: string;
  /** Atlassian's id: mentions name people by it. */
  accountId: string | null;
  displayName: string;
  nickname: string | null;
  avatarUrl: string | null;
  type: 'user' | 'app_user' | 'team';
}

const anything = z.unknown().optional();
const TYPES = ['user', 'app_user', 'team'] as const;

/**
 * A person, or `null` for a deleted account: Bitbucket puts null in the place of the whole object then. An object without
 * a uuid names nobody and counts as the same.
 */
export const personReply = z
  .object({
    uuid,
    type: z.enum(TYPES).catch('user'),
    account_id: anything,
    display_name: anything,
    nickname: anything,
    links: z
      .object({ avatar: z.object({ href: anything }) })
      .optional()
      .catch(undefined),
  })
  .transform((person): RemotePerson => ({
    uuid: person.uuid,
    accountId: accountIdOf(person.account_id),
    displayName: cleanName(person.display_name) ?? cleanName(person.nickname) ?? 'Unnamed',
    nickname: cleanName(person.nickname) ?? null,
    avatarUrl: cleanUrl(person.links?.avatar.href) ?? null,
    type: person.type,
  }))
  .nullable()
  .catch(null);

/** `fields=` of a person at this place. */
export function personFields(place: string): string[] {
  return ['uuid', 'type', 'account_id', 'display_name', 'nickname', 'links.avatar.href'].map(
    (field) => `${place}.${field}`,
  );
}

/** Of 24 hex digits, `557058:<uuid>` or `712020:<uuid>`; recordings hold an empty one. */
function accountIdOf(value: unknown): string | null {
  return typeof value === 'string' && /^[\w:-]{1,128}$/.test(value) ? value : null;
}

const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Milliseconds since the epoch; null for what is no date, or one that no calendar here reaches. */
export const timeReply = anything.transform((value): number | null => {
  const time = typeof value === 'string' ? Date.parse(value) : NaN;
  return time >= 0 && time <= LAST_MOMENT ? time : null;
});

/** Any text; what is none is empty. */
export const textReply = z.string().catch('');

/** A text that may be missing. */
export const textOrNull = z.string().min(1).nullable().catch(null);

/** `content.raw`: the text as it was written. */
export const rawText = z
  .object({ raw: textReply })
  .transform(({ raw }) => raw)
  .catch('');

/** Ids count up from 1. */
export const idReply = z.int().positive();

/** A counter; null where there is none. */
export const countReply = z.int().nonnegative().nullable().catch(null);

/** Only the literal `true`. */
export const flagReply = anything.transform((value) => value === true);
