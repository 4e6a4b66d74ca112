// What an import has brought, read from the database in the form of `truthOf`.
import { cleanText } from '../../src/projects/clean-text.ts';
import type { TestApp } from '../support/start-app.ts';
import { truthOf } from '../support/truth.ts';
import type { World } from './world.ts';

async function broughtTo({ services: { db } }: TestApp, projectId: number) {
  const pullRequests = await db
    .selectFrom('pull_requests')
    .selectAll()
    .where('project_id', '=', projectId)
    .orderBy('number')
    .execute();
  const people = await db.selectFrom('pull_request_people').selectAll().where('project_id', '=', projectId).execute();
  const comments = await db.selectFrom('comments').selectAll().where('project_id', '=', projectId).execute();
  const tasks = await db.selectFrom('tasks').selectAll().where('project_id', '=', projectId).execute();
  return {
    pullRequests: pullRequests.map(({ draft, ...row }) => ({ ...row, draft: draft === 1 })),
    pullRequestPeople: people.map(({ number, uuid, role, state, at }) => ({ number, uuid, role, state, at })),
    comments: comments.map(({ deleted, inline, resolved, ...row }) => ({
      ...row,
      deleted: deleted === 1,
      inline: inline === null ? null : (JSON.parse(inline) as unknown),
      resolved: resolved === 1,
    })),
    tasks,
  };
}

/** Sorted, so that lists can be compared item by item. */
function sorted<T>(rows: T[], by: (row: T) => string): T[] {
  return [...rows].sort((a, b) => (by(a) < by(b) ? -1 : 1));
}

/** Compares all of an import with the live objects of the sandbox. */
export async function expectAll(world: World, source: string): Promise<void> {
  const { id } = await world.app.services.db
    .selectFrom('projects')
    .select('id')
    .where('source_full_name', '=', source)
    .executeTakeFirstOrThrow();
  const [truth, brought] = [truthOf(world.sandbox, source), await broughtTo(world.app, id)];
  // Of a commit that nobody gives out any more, Bitbucket tells twelve characters.
  const names = new Map(brought.pullRequests.map((row) => [row.number, row.source_commit]));
  const known = truth.pullRequests.map((row) => {
    const name = names.get(row.number) ?? null;
    return row.source_commit !== null && name !== null && row.source_commit.startsWith(name)
      ? { ...row, source_commit: name }
      : row;
  });
  expect(brought.pullRequests).toMatchObject(sorted(known, ({ number }) => String(number).padStart(9, '0')));
  const byPerson = ({ number, uuid }: { number: number; uuid: string | null }) => `${number} ${uuid}`;
  const former = brought.pullRequestPeople.filter(({ uuid }) => uuid.startsWith('former'));
  const present = brought.pullRequestPeople.filter((person) => !former.includes(person));
  expect(sorted(present, byPerson)).toMatchObject(sorted(truth.pullRequestPeople, byPerson));
  const { pullRequests } = world.sandbox.repository(source);
  const gone = pullRequests.flatMap(({ id: number, participants }) =>
    participants.filter(({ who }) => who === null).map(({ state }) => ({ number, state })),
  );
  const byState = ({ number, state }: { number: number; state: string | null }) => `${number} ${state}`;
  const left = former.map(({ number, state }) => ({ number, state }));
  expect(sorted(left, byState)).toEqual(sorted(gone, byState));
  const byId = ({ id: one }: { id: number }) => String(one).padStart(12, '0');
  // A pull request whose comments are all deleted has no text to bring, and Bitbucket counts none.
  const counted = new Set(truth.comments.flatMap(({ number, deleted }) => (deleted ? [] : [number])));
  const there = truth.comments
    .filter(({ number }) => counted.has(number))
    // PostgreSQL keeps no NUL, and half a character is none (IR-037).
    .map((comment) => ({ ...comment, body: cleanText(comment.body) }));
  expect(sorted(brought.comments, byId)).toMatchObject(sorted(there, byId));
  expect(sorted(brought.tasks, byId)).toMatchObject(sorted(truth.tasks, byId));
}
