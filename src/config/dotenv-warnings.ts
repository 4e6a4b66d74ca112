// What .env holds that nobody reads: lines that dotenv passes over in silence, and names that only look like settings.
import { listSettings } from './settings.ts';
import { nearest } from './suggest.ts';

/** A name and its value as dotenv knows them; a value in quotes may go over several lines. */
const ENTRY =
  /^[ \t]*(?:export\s+)?([\w.-]+)(?:[ \t]*=|:[ \t])[ \t]*(?:'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`)?.*$/gm;
const OURS = /^(GATEHOUSE|BITBUCKET_APP|OMNIAUTH)/i;

/** One line each, beginning with file and line; never a value. `isUsed` tells which names the configuration asked for. */
export function dotenvWarnings(text: string, isUsed: (name: string) => boolean): string[] {
  const warnings: [line: number, words: string][] = [];
  const plain = text.replace(/\r\n?/g, '\n');
  const lineAt = (index: number) => plain.slice(0, index).split('\n').length;
  const rest = plain.replace(ENTRY, (entry: string, name: string, index: number) => {
    const words = isUsed(name) ? undefined : misspelt(name);
    if (words !== undefined) warnings.push([lineAt(index), words]);
    return entry.replace(/[^\n]/g, ''); // its lines stay, so that those of the rest keep their numbers
  });
  for (const [at, line] of rest.split('\n').entries()) {
    if (/^\s*[^#\s]/.test(line)) warnings.push([at + 1, 'expected NAME=value, got a line that is not read']);
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
