// Admin → Users: everybody with an account, found, narrowed down, page by page.
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Providers } from '../accounts/providers.ts';
import { wantsJson } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import { describeAccount, wordingOf } from './describe-account.ts';
import { listAddress, searchText } from '../web/list-query.ts';
import type { PeopleFilter, PeopleSort } from './people.ts';
import { countPeople, FILTERS, identitiesByAccount, listPeople, SORTS } from './people.ts';

const PER_PAGE = 50;

/** A query that makes no sense is taken for none: the list is shown as usual, and says how it is narrowed. */
const query = z.object({
  q: searchText,
  filter: z.enum(keysOf(FILTERS)).catch('all'),
  sort: z.enum(keysOf(SORTS)).catch('name'),
  page: z.coerce.number().int().min(1).max(1e9).catch(1),
});

function keysOf<T extends object>(table: T): [keyof T & string, ...(keyof T & string)[]] {
  return Object.keys(table) as [keyof T & string];
}

type Asked = z.infer<typeof query>;

export function showUsers(web: Web, providers: Providers): RequestHandler {
  const { services, site } = web;
  return async (req, res) => {
    const asked = parseInput(query, req.query);
    const list = await readList(web, providers, asked);
    if (wantsJson(req, site)) return void res.json(list);
    web.render(req, res, 'admin/users', {
      title: 'Users',
      users: list.users,
      total: list.total,
      pageNumber: list.page,
      pages: list.pages,
      asked,
      filters: Object.entries(FILTERS).map(([filter, words]) => [
        addressOf({ ...asked, page: 1, filter: filter as PeopleFilter }),
        `${words} (${list.counts[filter as PeopleFilter].toLocaleString('en-GB')})`,
      ]),
      currentFilter: addressOf({ ...asked, page: 1 }),
      sorts: Object.entries(SORTS).map(([sort, words]) => ({
        words,
        href: addressOf({ ...asked, page: 1, sort: sort as PeopleSort }),
        current: sort === asked.sort,
      })),
      previous: list.page > 1 ? addressOf({ ...asked, page: list.page - 1 }) : null,
      next: list.page < list.pages ? addressOf({ ...asked, page: list.page + 1 }) : null,
      newAccountsWait: services.config().omniauth.block_auto_created_users,
    });
  };
}

async function readList({ services }: Web, providers: Providers, { q, filter, sort, page: wished }: Asked) {
  const { db } = services;
  const counts = await countPeople(db, q);
  const total = counts[filter];
  const pages = Math.max(1, Math.ceil(total / PER_PAGE));
  const page = Math.min(wished, pages);
  const accounts = await listPeople(db, { search: q, filter, sort, limit: PER_PAGE, offset: (page - 1) * PER_PAGE });
  const identities = await identitiesByAccount(
    db,
    accounts.map(({ id }) => id),
  );
  const wording = await wordingOf(services, providers);
  const users = accounts.map((account) => describeAccount(account, identities.get(account.id) ?? [], wording));
  return { users, counts, total, page, pages };
}

function addressOf({ q, filter, sort, page }: Asked): string {
  return listAddress('/admin', {
    q,
    filter: filter === 'all' ? undefined : filter,
    sort: sort === 'name' ? undefined : sort,
    page: page === 1 ? undefined : page,
  });
}
