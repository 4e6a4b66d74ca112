// The name of an account, as somebody types it: what Bitbucket's names are cut to, people are told.
import { maxNameLength, tidyName } from '../bitbucket/clean.ts';

/** @returns the name as it is stored, or what is wrong with it as a sentence */
export function readName(typed: string): { name: string } | { mistake: string } {
  const name = tidyName(typed);
  if (name === undefined) return { mistake: 'Please enter a name.' };
  const { length } = Array.from(name);
  if (length <= maxNameLength) return { name };
  return { mistake: `A name has at most ${maxNameLength} characters; this one has ${length}. Please shorten it.` };
}
