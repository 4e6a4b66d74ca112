// What of a provider somebody has here already.
import type { Database } from '../db/tables.ts';

/** `namespace/name` of the projects of one person, by the uuid of their source. */
export type Imported = ReadonlyMap<string, string>;

export async function importedBy(db: Database, accountId: number, provider: string): Promise<Imported> {
  const projects = await db
    .selectFrom('projects')
    .select(['source_uuid', 'namespace', 'name'])
    .where('owner_id', '=', accountId)
    .where('source_provider', '=', provider)
    .execute();
  return new Map(projects.map(({ source_uuid, namespace, name }) => [source_uuid, `${namespace}/${name}`]));
}
