// Finding repositories in a catalogue: searched, narrowed down, sorted, page by page. Pure.
import { z } from 'zod';
import type { RemoteRepository } from '../bitbucket/remote-repository.ts';
import { listAddress, searchText } from '../web/list-query.ts';

const MB = 1_000_000;
const DAY_MS = 86_400_000;

/** From (inclusive) to (exclusive), in bytes. */
export const SIZES = {
  small: { words: 'Under 10 MB', from: 0, to: 10 * MB },
  medium: { words: '10 to 100 MB', from: 10 * MB, to: 100 * MB },
  large: { words: 'Over 100 MB', from: 100 * MB, to: Infinity },
} as const;

export const CHANGED = {
  week: { words: 'In the last week', days: 7 },
  month: { words: 'In the last month', days: 30 },
  year: { words: 'In the last year', days: 365 },
  older: { words: 'Not in the last year', days: -365 },
} as const;

export const SORTS = {
  updated: 'last changed',
  name: 'name',
  size: 'size',
} as const;

const word = searchText;

/** A query that makes no sense is taken for none. */
export const chooseQuery = z.object({
  q: word,
  workspace: word,
  project: word,
  visibility: z.enum(['', 'private', 'public']).catch(''),
  fork: z.enum(['', 'yes', 'no']).catch(''),
  size: z.enum(['', 'small', 'medium', 'large']).catch(''),
  changed: z.enum(['', 'week', 'month', 'year', 'older']).catch(''),
  imported: z.enum(['', 'yes', 'no']).catch(''),
  sort: z.enum(['updated', 'name', 'size']).catch('updated'),
  page: z.coerce.number().int().min(1).max(1e6).catch(1),
  per_page: z.coerce.number().int().min(1).max(100).catch(50),
  credential: z.coerce.number().int().positive().optional().catch(undefined),
});

export type Chosen = z.infer<typeof chooseQuery>;

/** @param imported tells, by uuid, what the person has here already */
export function narrowDown(
  repositories: readonly RemoteRepository[],
  asked: Chosen,
  { imported, now }: { imported: { has(uuid: string): boolean }; now: number },
): RemoteRepository[] {
  const tests: ((repository: RemoteRepository) => boolean)[] = [];
  const words = asked.q.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length > 0) tests.push(({ fullName, name }) => words.every((part) => matches(`${fullName} ${name}`, part)));
  if (asked.workspace) tests.push(({ workspace }) => workspace === asked.workspace);
  if (asked.project) tests.push(({ project }) => project?.key === asked.project);
  if (asked.visibility) tests.push(({ isPrivate }) => isPrivate === (asked.visibility === 'private'));
  if (asked.fork) tests.push(({ parent }) => (parent !== null) === (asked.fork === 'yes'));
  if (asked.imported) tests.push(({ uuid }) => imported.has(uuid) === (asked.imported === 'yes'));
  if (asked.size) {
    const { from, to } = SIZES[asked.size];
    tests.push(({ size }) => size !== null && size >= from && size < to);
  }
  if (asked.changed) {
    const { days } = CHANGED[asked.changed];
    const since = now - Math.abs(days) * DAY_MS;
    tests.push(({ updatedAt }) => (days > 0 ? (updatedAt ?? 0) >= since : (updatedAt ?? 0) < since));
  }
  return repositories.filter((repository) => tests.every((test) => test(repository))).sort(ORDER[asked.sort]);
}

function matches(text: string, part: string): boolean {
  return text.toLowerCase().includes(part);
}

type Order = (a: RemoteRepository, b: RemoteRepository) => number;
const byName: Order = (a, b) => (a.fullName < b.fullName ? -1 : a.fullName > b.fullName ? 1 : 0);
const ORDER: Record<keyof typeof SORTS, Order> = {
  name: byName,
  updated: (a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0) || byName(a, b),
  size: (a, b) => (b.size ?? -1) - (a.size ?? -1) || byName(a, b),
};

/** The address of the page with these choices. */
export function choiceAddress(path: string, { page, per_page, sort, ...choices }: Chosen): string {
  return listAddress(path, {
    ...choices,
    sort: sort === 'updated' ? undefined : sort,
    page: page === 1 ? undefined : page,
    per_page: per_page === 50 ? undefined : per_page,
  });
}
