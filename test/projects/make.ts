// Rows of an imported project, as an import would write them.
import type { Project } from '../../src/db/project-tables.ts';
import type { NewProject, NewRow } from '../../src/projects/records.ts';
import { createProject, publishProject } from '../../src/projects/records.ts';
import type { TestApp } from '../support/start-app.ts';

export const AT = Date.UTC(2026, 4, 17, 9, 30);

/** A project of root, unless said otherwise. */
export async function makeProject(
  { services: { db } }: TestApp,
  values: Partial<NewProject> = {},
  { published = true }: { published?: boolean } = {},
): Promise<Project> {
  const name = values.name ?? 'demo';
  const owner = values.owner_id === undefined ? await idOf(db, 'root') : values.owner_id;
  const project = await createProject(db, {
    owner_id: owner,
    namespace: 'root',
    name,
    title: `The ${name}`,
    description: 'A project to look at',
    private: 1,
    default_branch: 'main',
    source_provider: 'bitbucket',
    source_url: `https://bitbucket.org/acme/${name}`,
    source_uuid: `{00000000-0000-0000-0000-${Buffer.from(name).toString('hex').padStart(12, '0').slice(-12)}}`,
    source_full_name: `acme/${name}`,
    forked_from: null,
    created_at: AT,
    updated_at: AT,
    ...values,
  });
  if (published) await publishProject(db, project.id, AT);
  return db.selectFrom('projects').selectAll().where('id', '=', project.id).executeTakeFirstOrThrow();
}

export async function idOf(db: TestApp['services']['db'], username: string): Promise<number> {
  const row = db.selectFrom('accounts').select('id').where('username', '=', username);
  return (await row.executeTakeFirstOrThrow()).id;
}

export function pullRequest(number: number, values: Partial<NewRow<'pull_requests'>> = {}): NewRow<'pull_requests'> {
  return {
    number,
    title: `Change ${number}`,
    description: '',
    state: 'open',
    draft: 0,
    author: null,
    source_branch: `feature-${number}`,
    source_commit: null,
    source_repository: 'acme/demo',
    destination_branch: 'main',
    destination_commit: null,
    merge_commit: null,
    closed_by: null,
    closed_at: null,
    reason: '',
    created_at: AT + number * 60_000,
    updated_at: AT + number * 60_000,
    comment_count: 0,
    task_count: 0,
    source_url: `https://bitbucket.org/acme/demo/pull-requests/${number}`,
    ...values,
  };
}

export function comment(id: number, values: Partial<NewRow<'comments'>> = {}): NewRow<'comments'> {
  return {
    id,
    number: 1,
    parent_id: null,
    author: null,
    body: `Comment ${id}`,
    created_at: AT + id * 1000,
    updated_at: null,
    deleted: 0,
    inline: null,
    resolved: 0,
    resolved_by: null,
    resolved_at: null,
    ...values,
  };
}

export function task(id: number, values: Partial<NewRow<'tasks'>> = {}): NewRow<'tasks'> {
  return {
    id,
    number: 1,
    body: `Task ${id}`,
    state: 'open',
    author: null,
    created_at: AT + id * 1000,
    resolved_at: null,
    resolved_by: null,
    comment_id: null,
    ...values,
  };
}
