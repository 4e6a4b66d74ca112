// Entries of lists that nobody can make anything of: the rest of the list comes, and the report names what is missing.
import type { Unreadable } from '../bitbucket/api.ts';

/** As many as a sentence has room for. */
const MOST_NAMED = 5;

/** Why they are not here. @param what in the plural, `comments` */
export function unreadableInWords(what: string, entries: readonly Unreadable[]): string {
  const named = entries
    .slice(0, MOST_NAMED)
    .map(({ value, field }) => `${idOf(value) ?? 'one without a number'} (${field})`);
  const more = entries.length > MOST_NAMED ? ` and ${entries.length - MOST_NAMED} more` : '';
  const list = `${named.join(', ')}${more}`;
  return `${entries.length} of the ${what} could not be read, because they are not as Bitbucket documents them: ${list}. Everything else is here.`;
}

/** Ids of entries that have one all the same. */
export function idsOf(entries: readonly Unreadable[]): number[] {
  return entries.flatMap(({ value }) => idOf(value) ?? []);
}

/** The pull request that an entry of the activity names. */
export function pullRequestOf({ value }: Unreadable): number | undefined {
  return idOf(fieldOf(value, 'pull_request'));
}

function idOf(value: unknown): number | undefined {
  const id = fieldOf(value, 'id');
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
