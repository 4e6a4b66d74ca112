// People of Bitbucket, and who of them has an account here: found by (provider, uuid) each time, so that somebody who
// signs in for the first time tomorrow is known in what was imported today.
import type { Person } from '../db/project-tables.ts';
import type { Database } from '../db/tables.ts';
import type { Slice } from './store.ts';

export interface KnownPerson extends Pick<Person, 'uuid' | 'account_id' | 'display_name' | 'nickname'> {
  /** Their account here. */
  user_id: number | null;
  username: string | null;
}

/** Of the ones that are asked for, by uuid. Bitbucket's deleted accounts are null there and in no table. */
export type PeopleByUuid = ReadonlyMap<string, KnownPerson>;

const MAX_PER_STATEMENT = 500;

export async function findPeople(
  db: Database,
  provider: string,
  uuids: Iterable<string | null>,
): Promise<PeopleByUuid> {
  const asked = [...new Set(uuids)].filter((uuid) => uuid !== null);
  const found = new Map<string, KnownPerson>();
  for (let from = 0; from < asked.length; from += MAX_PER_STATEMENT) {
    const rows = await known(db, provider)
      .where('people.uuid', 'in', asked.slice(from, from + MAX_PER_STATEMENT))
      .execute();
    for (const row of rows) found.set(row.uuid, row);
  }
  return found;
}

/**
 * The person behind a uuid of a row; null = a former user, also where several of them are told apart by something else
 * than a uuid. Somebody whose profile was never given is known by uuid only.
 */
export function personOf(people: PeopleByUuid, uuid: string | null): KnownPerson | null {
  if (!uuid?.startsWith('{')) return null;
  return (
    people.get(uuid) ?? { uuid, account_id: null, display_name: uuid, nickname: null, user_id: null, username: null }
  );
}

/** Names for mentions: by what Bitbucket writes into texts, an account id or a uuid. */
export async function findMentioned(db: Database, provider: string, ids: string[]): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  if (ids.length === 0) return names;
  const rows = await db
    .selectFrom('people')
    .select(['uuid', 'account_id', 'display_name'])
    .where('provider', '=', provider)
    .where((eb) => eb.or([eb('account_id', 'in', ids), eb('uuid', 'in', ids)]))
    .execute();
  for (const { uuid, account_id, display_name } of rows) {
    names.set(uuid, display_name);
    if (account_id !== null) names.set(account_id, display_name);
  }
  return names;
}

function known(db: Database, provider: string) {
  return db
    .selectFrom('people')
    .leftJoin('identities', (join) =>
      join.onRef('identities.provider', '=', 'people.provider').onRef('identities.extern_uid', '=', 'people.uuid'),
    )
    .leftJoin('accounts', 'accounts.id', 'identities.account_id')
    .select(['people.uuid', 'people.account_id', 'people.display_name', 'nickname'])
    .select(['accounts.id as user_id', 'accounts.username'])
    .where('people.provider', '=', provider);
}

/**
 * Whoever wrote, reviewed, closed or took part in anything of a project. Each part gives every name once, of comments
 * from an index alone: of hundreds of thousands there are a few hundred people.
 */
function involved(db: Database, projectId: number) {
  const authors = (table: 'pull_requests' | 'comments' | 'tasks' | 'activity') =>
    db.selectFrom(table).select('author as uuid').distinct().where('project_id', '=', projectId);
  const resolvers = (table: 'comments' | 'tasks') =>
    db.selectFrom(table).select('resolved_by as uuid').distinct().where('project_id', '=', projectId);
  const closers = db.selectFrom('pull_requests').select('closed_by as uuid').distinct();
  const reviewers = db.selectFrom('pull_request_people').select('uuid').distinct();
  return authors('pull_requests')
    .unionAll(authors('comments'))
    .unionAll(authors('tasks'))
    .unionAll(authors('activity'))
    .unionAll(resolvers('comments'))
    .unionAll(resolvers('tasks'))
    .unionAll(closers.where('project_id', '=', projectId))
    .unionAll(reviewers.where('project_id', '=', projectId));
}

export interface OfProject {
  id: number;
  source_provider: string;
}

export async function countInvolved(db: Database, { id, source_provider }: OfProject): Promise<number> {
  const { all } = await db
    .selectFrom('people')
    .select(({ fn }) => fn.countAll<number>().as('all'))
    .where('provider', '=', source_provider)
    .where('uuid', 'in', involved(db, id))
    .executeTakeFirstOrThrow();
  return Number(all);
}

/** By name. */
export async function listInvolved(
  db: Database,
  { id, source_provider }: OfProject,
  { limit, offset }: Slice,
): Promise<KnownPerson[]> {
  return known(db, source_provider)
    .where('people.uuid', 'in', involved(db, id))
    .orderBy(({ fn }) => fn<string>('lower', ['people.display_name']))
    .orderBy('people.uuid')
    .limit(limit)
    .offset(offset)
    .execute();
}
