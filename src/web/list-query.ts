// What is asked of a list stands in the query of its address.
import { z } from 'zod';

/** What is searched for. PostgreSQL knows no text with a NUL in it; so there is none to find. */
export const searchText = z
  .string()
  .trim()
  .max(200)
  .refine((text) => !text.includes('\0'))
  .catch('');

/** The address of a list; what is as usual is left out. */
export function listAddress(path: string, query: Record<string, string | number | undefined>): string {
  const asked = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(asked.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return text === '' ? path : `${path}?${text}`;
}
