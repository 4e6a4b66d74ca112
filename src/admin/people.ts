// Finds accounts for the list of the administration. It only reads.
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import { sql } from 'kysely';
import { patternOf } from '../audit/store.ts';
import type { Account, Database, Identity, Tables } from '../db/tables.ts';

/** What the list can be narrowed to, in the order of the page. */
export const FILTERS = {
  all: 'All',
  active: 'Active',
  waiting: 'Waiting',
  blocked: 'Blocked',
  external: 'External',
  admins: 'Administrators',
} as const;

/** The only orders there are: by anything else nobody learns what a hidden column holds. */
export const SORTS = { name: 'name', last_sign_in: 'last sign-in' } as const;

export type PeopleFilter = keyof typeof FILTERS;
export type PeopleSort = keyof typeof SORTS;

const CONDITIONS: Record<PeopleFilter, Expression<SqlBool>> = {
  all: sql<SqlBool>`1 = 1`,
  active: sql<SqlBool>`state = 'active'`,
  waiting: sql<SqlBool>`state = 'waiting'`,
  blocked: sql<SqlBool>`state = 'blocked'`,
  external: sql<SqlBool>`external = 1`,
  admins: sql<SqlBool>`admin = 1`,
};

/** @returns how many of those that the search finds each filter leaves */
export async function countPeople(db: Database, search: string): Promise<Record<PeopleFilter, number>> {
  return db
    .selectFrom('accounts')
    .select(({ fn }) =>
      (Object.keys(FILTERS) as PeopleFilter[]).map((filter) =>
        fn.countAll<number>().filterWhere(CONDITIONS[filter]).as(filter),
      ),
    )
    .where((eb) => isFound(eb, search))
    .executeTakeFirstOrThrow();
}

export interface PeoplePage {
  search: string;
  filter: PeopleFilter;
  sort: PeopleSort;
  limit: number;
  offset: number;
}

/** By name from A, or by last sign-in from the latest. */
export async function listPeople(
  db: Database,
  { search, filter, sort, limit, offset }: PeoplePage,
): Promise<Account[]> {
  const found = db
    .selectFrom('accounts')
    .selectAll('accounts')
    .where((eb) => eb.and([CONDITIONS[filter], isFound(eb, search)]));
  const sorted =
    sort === 'name' ? found.orderBy(sql`lower(name)`) : found.orderBy(sql`coalesce(last_sign_in_at, 0)`, 'desc');
  return sorted.orderBy('accounts.id').limit(limit).offset(offset).execute();
}

/** Identities of these accounts, by account. */
export async function identitiesByAccount(db: Database, ids: readonly number[]): Promise<Map<number, Identity[]>> {
  const byAccount = new Map<number, Identity[]>(ids.map((id) => [id, []]));
  if (ids.length === 0) return byAccount;
  const rows = await db.selectFrom('identities').selectAll().where('account_id', 'in', ids).orderBy('id').execute();
  for (const row of rows) byAccount.get(row.account_id)?.push(row);
  return byAccount;
}

/** In the name, the user name, the e-mail address or Bitbucket's uuid. */
function isFound(eb: ExpressionBuilder<Tables, 'accounts'>, search: string): Expression<SqlBool> {
  if (search === '') return sql<SqlBool>`1 = 1`;
  const pattern = patternOf(search);
  const like = (column: string) => sql<SqlBool>`lower(${sql.ref(column)}) like ${pattern} escape '\\'`;
  const owners = eb.selectFrom('identities').select('account_id').where(like('extern_uid'));
  return eb.or([like('name'), like('username'), like('email_key'), eb('accounts.id', 'in', owners)]);
}
