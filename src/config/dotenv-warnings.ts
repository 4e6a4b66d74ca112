// What .env holds that nobody reads: lines that dotenv passes over in silence, and names that only look like settings.
import { readDotenvLines } from './dotenv-lines.ts';
import { listSettings } from './settings.ts';
import { nearest } from './suggest.ts';

const OURS = /^(GATEHOUSE|BITBUCKET_APP|OMNIAUTH)/i;

/** One line each, beginning with file and line; never a value. `isUsed` tells which names the configuration asked for. */
export function dotenvWarnings(text: string, isUsed: (name: string) => boolean): string[] {
  const { entries, unread } = readDotenvLines(text);
  const warnings = unread.map((line): [number, string] => [line, 'expected NAME=value, got a line that is not read']);
  for (const { name, line } of entries) {
    const words = isUsed(name) ? undefined : misspelt(name);
    if (words !== undefined) warnings.push([line, words]);
  }
  return warnings.sort(([a], [b]) => a - b).map(([line, words]) => `.env:${line}: ${words}`);
}

/** Undefined for a name of ours, and for one that has nothing to do with us. */
function misspelt(name: string): string | undefined {
  const known = knownNames();
  if (known.has(name)) return undefined;
  const meant = nearest(name, known);
  if (meant !== undefined) return `${name} is no setting (did you mean ${meant}?)`;
  return OURS.test(name) ? `${name} is no setting; .env.example has them all` : undefined;
}

function knownNames(): Set<string> {
  const variables = listSettings().flatMap(({ env }) => env ?? []);
  return new Set(['GATEHOUSE_CONFIG', ...variables, ...variables.map((name) => `${name}_FILE`)]);
}
