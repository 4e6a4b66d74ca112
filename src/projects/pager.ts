// Pages of a list, as a page shows them: Previous and Next, and where one is.
import type { Slice } from './store.ts';
import { viewNumber } from './views.ts';

export interface Pager {
  slice: Slice;
  page: number;
  pages: number;
  total: number;
  totalWords: string;
  /** Addresses without the server's own prefix; null at the ends. */
  previous: string | null;
  next: string | null;
}

/** @param addressOf the address of a page; of the first one without its number */
export function viewPager(
  { total, perPage, wished }: { total: number; perPage: number; wished: number },
  addressOf: (page: number | undefined) => string,
): Pager {
  const pages = Math.max(1, Math.ceil(total / perPage));
  const page = Math.min(wished, pages);
  const at = (number: number) => addressOf(number === 1 ? undefined : number);
  return {
    slice: { limit: perPage, offset: (page - 1) * perPage },
    page,
    pages,
    total,
    totalWords: viewNumber(total),
    previous: page > 1 ? at(page - 1) : null,
    next: page < pages ? at(page + 1) : null,
  };
}
