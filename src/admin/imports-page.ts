// Admin → Imports: everybody's, the newest first, and how they stand.
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { usernamesById } from '../accounts/store.ts';
import { describeImports } from '../imports/describe.ts';
import { countEveryImport, listEveryImport } from '../imports/store.ts';
import { summaryOf, watchAll } from '../imports/watch.ts';
import { STATUS_WORDS } from '../imports/wording.ts';
import { viewPager } from '../projects/pager.ts';
import { sendPage } from '../projects/paging.ts';
import { wantsJson } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import { listAddress } from '../web/list-query.ts';
import type { Web } from '../web/web.ts';

const PER_PAGE = 50;

const query = z.object({
  status: z.enum(['', 'queued', 'running', 'waiting', 'partial', 'failed', 'cancelled', 'done']).catch(''),
  page: z.coerce.number().int().min(1).max(1e9).catch(1),
});

export function showAllImports({ services, site, render }: Web): RequestHandler {
  const { db, now } = services;
  return async (req, res) => {
    const { status, page: wished } = parseInput(query, req.query);
    const only = status === '' ? undefined : status;
    const total = await countEveryImport(db, only);
    const pager = viewPager({ total, perPage: PER_PAGE, wished }, (page) =>
      listAddress('/admin/imports', { status, page }),
    );
    const rows = await listEveryImport(db, only, pager.slice);
    if (wantsJson(req, site)) {
      const items = await describeImports(db, rows);
      return sendPage(req, res, site, { page: pager.page, per_page: PER_PAGE, total, items });
    }
    const usernames = await usernamesById(
      db,
      rows.map(({ account_id }) => account_id),
    );
    render(req, res, 'admin/imports', {
      title: 'Imports',
      imports: (await watchAll(db, rows)).map((watched) => ({
        ...summaryOf(watched, now()),
        who: usernames.get(watched.row.account_id) ?? '',
      })),
      current: listAddress('/admin/imports', { status }),
      filters: [
        ['/admin/imports', 'All'],
        ...Object.entries(STATUS_WORDS).map(([word, words]) => [
          `/admin/imports?status=${word}`,
          words.charAt(0).toUpperCase() + words.slice(1),
        ]),
      ],
      pager,
    });
  };
}
