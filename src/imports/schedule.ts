// Imported projects that are brought up to date once a day, where the configuration says so.
import type { NotNull } from 'kysely';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import { resync } from './start.ts';

const DAY_MS = 24 * 3600_000;
/** More of them wait for the next look. */
const AT_ONCE = 50;

/**
 * Queues a re-sync of those projects whose newest import ended a day ago and left something to go on from. Any number of
 * processes may do this at the same time: whoever comes second finds the import under way. @returns how many were queued
 */
export async function queueDaily(services: Services): Promise<number> {
  const { db, now } = services;
  const due = await db
    .selectFrom('projects')
    .innerJoin('imports', 'imports.project_id', 'projects.id')
    .innerJoin('accounts', 'accounts.id', 'projects.owner_id')
    .selectAll('projects')
    .select(['imports.credential_id', 'username'])
    .where('published_at', 'is not', null)
    .where('source_gone_at', 'is', null)
    .where('accounts.state', '=', 'active')
    .where('imports.credential_id', 'is not', null) // else its owner has to come: what it was read with was forgotten
    .where('imports.status', 'in', ['done', 'partial'])
    .where('imports.finished_at', '<=', now() - DAY_MS)
    .where('imports.id', '=', (eb) =>
      eb
        .selectFrom('imports as newest')
        .select((of) => of.fn.max('newest.id').as('id'))
        .whereRef('newest.project_id', '=', 'projects.id'),
    )
    .$narrowType<{ credential_id: NotNull }>()
    .orderBy('imports.finished_at')
    .limit(AT_ONCE)
    .execute();
  let queued = 0;
  for (const { credential_id: credentialId, username, ...project } of due) {
    const account = { id: project.owner_id, username };
    queued += await resync(services, { project, account, credentialId }).then(
      () => 1,
      (error: unknown) => {
        if (error instanceof AppError) return 0;
        throw error;
      },
    );
  }
  return queued;
}
