// What happened to pull requests: approvals, pushes, changes, their end. Read for the whole repository at once, newest
// first: fifty events a call, instead of a call for each pull request. Where Bitbucket has no such list, one by one.
import type { Unreadable } from '../../bitbucket/api.ts';
import { BitbucketFailure } from '../../bitbucket/failure.ts';
import type { RemoteEvent } from '../../bitbucket/remote-conversation.ts';
import type { PullRequest } from '../../db/project-tables.ts';
import type { Database, Transaction } from '../../db/tables.ts';
import { saveActivity, saveComments, savePeople, savePullRequestClosing } from '../../projects/records.ts';
import type { Job } from '../job.ts';
import { findPullRequests } from '../reading.ts';
import type { UpdateData } from '../rows.ts';
import { activityRow, commentRow, peopleOfEvent, peopleRows } from '../rows.ts';
import type { Progress, Stage } from '../stage.ts';
import { pullRequestOf, unreadableInWords } from '../unreadable.ts';

/** The last page was read. */
const END = 'end';

/** In front of the number of the pull request that was read last, where they are read one by one. */
const ONE_BY_ONE = 'after ';
const ROWS_AT_ONCE = 100;

/** Its cursor is the address of the first page that was not read. */
export const activity: Stage = {
  name: 'activity',
  async run(job, progress) {
    if (progress.cursor !== END) await readAll(job, progress);
    const { skipped } = progress;
    if (skipped > 0)
      await job.note(`Left out, because nothing is known of their kind: ${skipped} things that happened.`);
  },

  async bringOne(job, key) {
    const rows = await findPullRequests(job.db, job.project.id, [Number(key)]);
    for (const row of rows.values()) await readOne(job, row);
  },
};

async function readAll(job: Job, progress: Progress): Promise<void> {
  if (!progress.cursor?.startsWith(ONE_BY_ONE)) {
    try {
      return await readTogether(job, progress);
    } catch (error) {
      if (!isNotOffered(error)) throw error;
      await job.note('Bitbucket has no list of what happened to all pull requests: each is asked for.');
      await progress.save({ cursor: `${ONE_BY_ONE}0`, done: 0, total: null, skipped: 0 });
    }
  }
  await readOneByOne(job, progress);
}

async function readTogether(job: Job, progress: Progress): Promise<void> {
  const pages = job.client.pagesOfActivity(job.source, { from: progress.cursor ?? undefined });
  for await (const { items, unreadable, size, next } of pages) {
    const events = items.filter((event) => event !== null);
    const fresh = events.filter((event) => isNew(event, job.since));
    const isLast = next === undefined || (events.length > 0 && fresh.length === 0);
    const skipped = progress.skipped + items.length - events.length;
    const change = { done: progress.done + fresh.length, skipped, cursor: isLast ? END : next };
    await noteUnreadable(job, unreadable);
    const total = job.since === null && size !== undefined ? { total: size } : {};
    await progress.save({ ...change, ...total }, (trx) => write(trx, job, fresh));
    if (isLast) return;
  }
}

/** That it is not there, or not for us; asking again would not change it. */
function isNotOffered(error: unknown): boolean {
  const status = error instanceof BitbucketFailure ? error.remoteStatus : undefined;
  return status !== undefined && [400, 403, 404, 405, 410].includes(status);
}

async function readOneByOne(job: Job, progress: Progress): Promise<void> {
  for (;;) {
    const after = Number(progress.cursor?.slice(ONE_BY_ONE.length));
    const rows = await nextRows(job, after);
    if (rows.length === 0) return progress.save({ cursor: END });
    for (const row of rows) {
      const unknown = await readOne(job, row);
      const change = { done: progress.done + 1, skipped: progress.skipped + unknown };
      await progress.save({ ...change, cursor: `${ONE_BY_ONE}${row.number}` });
    }
  }
}

function nextRows({ db, project, since }: Job, after: number): Promise<PullRequest[]> {
  const rows = db.selectFrom('pull_requests').selectAll().where('project_id', '=', project.id);
  const left = rows.where('number', '>', after).orderBy('number').limit(ROWS_AT_ONCE);
  return (since === null ? left : left.where('updated_at', '>=', since)).execute();
}

/** @returns how many things happened that nothing is known of */
async function readOne(job: Job, { number, source_url: sourceUrl }: PullRequest): Promise<number> {
  const item = { stage: 'activity', kind: 'activity', key: String(number), sourceUrl } as const;
  let unknown = 0;
  await job.attempt(item, async () => {
    const refused: Unreadable[] = [];
    for await (const { items, unreadable } of job.client.pagesOfActivityIn(job.source, number)) {
      const events = items.filter((event) => event !== null);
      unknown += items.length - events.length;
      refused.push(...unreadable);
      await job.save((trx) => write(trx, job, events));
    }
    if (refused.length > 0)
      await job.fail({ ...item, reason: unreadableInWords('approvals and changes', refused), retryable: true });
    return refused.length === 0;
  });
  return unknown;
}

/** Each belongs to a pull request, which can be asked for again; of those that name none there is the list only. */
async function noteUnreadable(job: Job, entries: Unreadable[]): Promise<void> {
  const numbers = new Set(entries.map(pullRequestOf));
  const rows = await findPullRequests(
    job.db,
    job.project.id,
    [...numbers].filter((number) => number !== undefined),
  );
  for (const number of numbers) {
    const row = number === undefined ? undefined : rows.get(number);
    const those = entries.filter((entry) => pullRequestOf(entry) === number);
    await job.fail({
      ...{ stage: 'activity', kind: 'activity', key: row ? String(number) : 'of no pull request' },
      sourceUrl: row?.source_url ?? (job.project.source_url || null),
      reason: unreadableInWords('approvals and changes', those),
      retryable: row !== undefined,
    });
  }
}

function isNew(event: RemoteEvent, since: number | null): boolean {
  const at = event.kind === 'comment' ? (event.comment.updatedAt ?? event.comment.createdAt) : event.at;
  return since === null || at === null || at >= since;
}

async function write(trx: Transaction, { project }: Job, events: RemoteEvent[]): Promise<void> {
  // A pull request that was made after they were read comes with the next import, and so does what happened to it.
  const known = await findPullRequests(trx, project.id, [...new Set(events.map(({ number }) => number))]);
  const ours = events.filter(({ number }) => known.has(number));
  await savePeople(trx, project.source_provider, peopleRows(ours.flatMap(peopleOfEvent)));
  const happened = ours.flatMap((event) => (event.kind === 'comment' ? [] : activityRow(event)));
  await saveActivity(trx, project.id, happened);
  // Bitbucket does not count deleted comments. Where it counts none at all, nobody asks for them: here they are.
  const uncounted = ours.flatMap((event) => {
    if (event.kind !== 'comment' || event.comment.pending) return [];
    return known.get(event.number)?.comment_count === 0 ? [commentRow(event.number, event.comment)] : [];
  });
  await saveComments(trx, project.id, uncounted);
  const updated = new Set(happened.flatMap(({ kind, number }) => (kind === 'update' ? [number] : [])));
  for (const number of updated) {
    const state = known.get(number)?.state;
    if (state !== undefined && state !== 'open') await noteClosing(trx, project.id, { number, state });
  }
}

/** It was closed at the first update that shows it closed: later ones change a title, or other things. */
async function noteClosing(db: Database, projectId: number, { number, state }: { number: number; state: string }) {
  const updates = await db
    .selectFrom('activity')
    .select(['at', 'data'])
    .where('project_id', '=', projectId)
    .where('number', '=', number)
    .where('kind', '=', 'update')
    .orderBy('at')
    .execute();
  const closing = updates.find(({ data }) => (JSON.parse(data) as UpdateData).state === state);
  if (closing) await savePullRequestClosing(db, projectId, number, { closed_at: closing.at });
}
