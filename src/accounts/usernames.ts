// User names made of Bitbucket's names.
import type { Database } from '../db/tables.ts';

const MAX_LENGTH = 60;
/** Names that are, or may become, addresses or roles of the server. */
const RESERVED = new Set(
  `admin administrator api assets bitbucket dashboard explore favicon.ico ghost git groups health help import invites login
   logout new oauth owner profile projects public register robots.txt root search security settings signup snippets staff
   support system users www`.split(/\s+/),
);

/** @returns the first usable of the wishes, made `[a-z0-9_.-]`, else `user` */
export function baseUsername(wishes: (string | undefined)[]): string {
  return wishes.map(clean).find((name) => name !== '') ?? 'user';
}

/** @returns `base`, or with `-2`, `-3`… behind it when that name is taken or reserved */
export async function freeUsername(db: Database, base: string): Promise<string> {
  // A range instead of LIKE: `_` is a wildcard there and a letter here. `.` is the character after `-`.
  const taken = await db
    .selectFrom('accounts')
    .select('username')
    .where((eb) =>
      eb.or([eb('username', '=', base), eb.and([eb('username', '>=', `${base}-`), eb('username', '<', `${base}.`)])]),
    )
    .execute();
  const names = new Set(taken.map((row) => row.username));
  if (!names.has(base) && !RESERVED.has(base)) return base;
  let number = 2;
  while (names.has(`${base}-${number}`)) number += 1;
  return `${base}-${number}`;
}

function clean(wish: string | undefined): string {
  return (wish ?? '')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{Mark}/gu, '')
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, MAX_LENGTH)
    .replace(/[^a-z0-9]+$/, '')
    .replace(/\.(git|atom|json)$/, '-$1'); // endings that addresses give a meaning
}
