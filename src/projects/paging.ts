// Lists of the API, page by page, with the headers that GitLab's clients read.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { pathOf } from '../web/answer.ts';
import type { Site } from '../web/site.ts';
import type { Slice } from './store.ts';

const MAX_PER_PAGE = 100;

/** What every list takes; more than 100 a page are 100, as in GitLab. */
export const pagingQuery = z.object({
  page: z.coerce.number().int().min(1).max(1e9).default(1),
  per_page: z.coerce
    .number()
    .int()
    .min(1)
    .default(20)
    .transform((wished) => Math.min(wished, MAX_PER_PAGE)),
});

export type Paging = z.infer<typeof pagingQuery>;

export function sliceOf({ page, per_page }: Paging): Slice {
  return { limit: per_page, offset: (page - 1) * per_page };
}

/** @see https://docs.gitlab.com/api/rest/#pagination */
export function sendPage(req: Request, res: Response, site: Site, list: Paging & { total: number; items: unknown[] }) {
  const { page, per_page, total, items } = list;
  const pages = Math.max(1, Math.ceil(total / per_page));
  const next = page < pages ? page + 1 : undefined;
  const previous = page > 1 ? Math.min(page - 1, pages) : undefined;
  const links = { prev: previous, next, first: 1, last: pages };
  res.set({
    'X-Total': String(total),
    'X-Total-Pages': String(pages),
    'X-Page': String(page),
    'X-Per-Page': String(per_page),
    'X-Next-Page': String(next ?? ''),
    'X-Prev-Page': String(previous ?? ''),
    Link: Object.entries(links)
      .filter(([, number]) => number !== undefined)
      .map(([rel, number]) => `<${addressOf(req, site, { page: number!, per_page })}>; rel="${rel}"`)
      .join(', '),
  });
  res.json(items);
}

/** The same list at another page, with whatever else narrows it down. */
function addressOf(req: Request, site: Site, paging: Paging): string {
  const url = new URL(site.origin + pathOf(req).replace(/^https?:\/\/[^/]*/i, ''));
  for (const [name, value] of Object.entries({ ...req.query, ...paging })) url.searchParams.set(name, String(value));
  return url.href;
}
