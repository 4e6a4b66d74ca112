// Turns the schema's complaints into findings, with "did you mean" for unknown keys.
import type { z } from 'zod';
import type { Finding, Path } from './problems.ts';
import { listSettings, namesAt } from './settings.ts';
import { nearest } from './suggest.ts';

/** One finding per mistake the schema saw. */
export function schemaFindings(error: z.ZodError): Finding[] {
  return error.issues.flatMap((issue) => issueFindings(issue, []));
}

function issueFindings(issue: z.core.$ZodIssue, above: Path): Finding[] {
  const path = [...above, ...(issue.path as Path)];
  // Of "this or a list of that", a list is told what is wrong with its items.
  const inItems = issue.code === 'invalid_union' ? issue.errors.flat().filter((inner) => inner.path.length > 0) : [];
  if (inItems.length > 0) return inItems.flatMap((inner) => issueFindings(inner, path));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key));
  const got: unknown = issue.code === 'custom' ? issue.params?.['got'] : undefined;
  return [{ path, expected: issue.message, ...(typeof got === 'string' && { got }) }];
}

function unknownKey(path: Path, key: string): Finding {
  const meant = sameWord(key, namesAt(path)) ?? elsewhere(key) ?? nearest(key, namesAt(path));
  const glued = namesAt(path).find((name) => key.startsWith(`${name}:`));
  return {
    path: [...path, key],
    expected: glued === undefined ? 'a known setting' : `a space after "${glued}:"`,
    got: glued === undefined ? 'an unknown key' : 'none',
    ...(glued === undefined && meant !== undefined && { meant }),
  };
}

function sameWord(key: string, names: string[]): string | undefined {
  return names.find((name) => name.toLowerCase() === key.toLowerCase());
}

/** The full key of a setting that stands in another section under this name. */
function elsewhere(key: string): string | undefined {
  return listSettings().find(({ path }) => sameWord(key, path.slice(-1)) !== undefined)?.key;
}
