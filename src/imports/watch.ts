// Somebody's imports as they stand: for the page, for scripts that ask again and again, and as a stream of events.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { requireAccount } from '../accounts/presence.ts';
import type { Import, ImportStage } from '../db/import-tables.ts';
import type { Project } from '../db/project-tables.ts';
import type { Account, Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { pagingQuery, sendPage, sliceOf } from '../projects/paging.ts';
import type { Services } from '../services.ts';
import { parseInput } from '../web/input.ts';
import { timeOf } from '../web/time.ts';
import type { Web } from '../web/web.ts';
import { describeImports } from './describe.ts';
import { listStagesOf } from './progress.ts';
import type { StageName } from './stage-names.ts';
import { countNewestImports, findImport, listNewestImports } from './store.ts';
import { percentDone, STAGE_WORDS, STATUS_WORDS, timeLeft } from './wording.ts';

export interface Watched {
  row: Import;
  project: Project;
  stages: ImportStage[];
}

/** As many as a page shows. */
export const PER_PAGE = 50;

/** @throws AppError 404 when its project was deleted meanwhile */
export async function watch(db: Database, row: Import): Promise<Watched> {
  const [watched] = await watchAll(db, [row]);
  if (!watched) throw new AppError('not_found');
  return watched;
}

/** Several, in their order, without those whose project was deleted meanwhile. */
export async function watchAll(db: Database, rows: Import[]): Promise<Watched[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ project_id }) => project_id);
  const [projects, stages] = await Promise.all([
    db.selectFrom('projects').selectAll().where('id', 'in', ids).execute(),
    listStagesOf(
      db,
      rows.map(({ id }) => id),
    ),
  ]);
  const byId = new Map(projects.map((project) => [project.id, project]));
  return rows.flatMap((row) => {
    const project = byId.get(row.project_id);
    return project ? [{ row, project, stages: stages.get(row.id) ?? [] }] : [];
  });
}

/** What a page shows of an import; what moves is in `progressOf`. */
export function summaryOf(watched: Watched, now: number) {
  const { row, project } = watched;
  return {
    id: row.id,
    path: pathOf(project),
    source: project.source_full_name,
    published: project.published_at !== null,
    begun: timeOf(row.created_at),
    ended: row.finished_at === null ? null : timeOf(row.finished_at),
    apiCalls: row.api_calls,
    ...progressOf(watched, now),
  };
}

function pathOf({ namespace, name }: Project): string {
  return `${namespace}/${name}`;
}

/** What changes while an import runs, in words. */
export function progressOf({ row, stages }: Watched, now: number) {
  const percent = row.status === 'done' || row.status === 'partial' ? 100 : percentDone(stages);
  const waiting = row.waiting_until === null || row.status !== 'waiting' ? null : timeOf(row.waiting_until);
  return {
    status: row.status,
    words: STATUS_WORDS[row.status],
    over: row.finished_at !== null,
    percent,
    stage: row.stage === null ? null : (STAGE_WORDS[row.stage as StageName] ?? row.stage),
    reason: row.reason,
    waitingUntil: waiting,
    left: timeLeft(row, percent, now),
  };
}

const changesQuery = pagingQuery.extend({ per_page: pagingQuery.shape.per_page.default(100) });

/** GET /import/:provider/realtime_changes.json, and /imports.json for all providers: the newest import of each project. */
export function showChanges({ services, site }: Web): RequestHandler {
  const { db, now } = services;
  return async (req, res) => {
    const paging = parseInput(changesQuery, req.query);
    const whose = { accountId: requireAccount(req).id, provider: providerOf(req) };
    const total = await countNewestImports(db, whose);
    const watched = await watchAll(db, await listNewestImports(db, whose, sliceOf(paging)));
    const described = await describeImports(
      db,
      watched.map(({ row }) => row),
    );
    const items = watched.map((one, index) => ({
      ...described[index],
      project: { id: one.project.id, path_with_namespace: pathOf(one.project) },
      progress: progressOf(one, now()),
    }));
    sendPage(req, res, site, { ...paging, total, items });
  };
}

function providerOf({ params }: Request): string | undefined {
  return (params as { provider?: string }).provider;
}

const TELL_EVERY_MS = 1000;
/** A stream ends after that time, so that who it is for is asked again; browsers open the next one by themselves. */
const STREAM_MS = 5 * 60_000;
/** Streams of one person at once; with more, pages ask again and again instead. */
const MAX_STREAMS = 5;

/** Which imports a page shows: those of a page of the list, or this one. */
const shownQuery = z.object({
  id: z.coerce.number().int().positive().optional().catch(undefined),
  page: z.coerce.number().int().min(1).max(1e9).catch(1),
});

/**
 * GET /imports/events: server-sent events, each with what moves of all imports that the page shows, when something has.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function streamChanges({ services }: Web): RequestHandler {
  const open = new Map<number, number>();
  return async (req, res) => {
    const account = requireAccount(req);
    const shown = parseInput(shownQuery, req.query);
    const others = open.get(account.id) ?? 0;
    if (others >= MAX_STREAMS) return void res.status(204).end(); // tells the browser not to come back
    open.set(account.id, others + 1);
    try {
      res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
      res.flushHeaders();
      await tellUntilGone(res, {
        read: () => currentOf(services, account, shown),
        isOver: () => services.leaving, // a page that is open must not hold up a stop
      });
    } finally {
      const left = (open.get(account.id) ?? 1) - 1;
      if (left === 0) open.delete(account.id);
      else open.set(account.id, left);
      res.end();
    }
  };
}

async function currentOf({ db, now }: Services, account: Account, shown: z.infer<typeof shownQuery>): Promise<string> {
  const all = await watchAll(db, await findShown(db, account, shown));
  return JSON.stringify(all.map((watched) => ({ id: watched.row.id, ...progressOf(watched, now()) })));
}

async function findShown(db: Database, account: Account, { id, page }: z.infer<typeof shownQuery>): Promise<Import[]> {
  if (id === undefined) {
    const slice = { limit: PER_PAGE, offset: (page - 1) * PER_PAGE };
    return listNewestImports(db, { accountId: account.id }, slice);
  }
  const row = await findImport(db, id);
  return row && maySee(account, row) ? [row] : [];
}

/** Whose it is, and administrators. */
export function maySee({ id, admin }: Account, row: Import): boolean {
  return row.account_id === id || admin === 1;
}

async function tellUntilGone(
  res: Response,
  { read, isOver }: { read: () => Promise<string>; isOver: () => boolean },
): Promise<void> {
  // Of the answer: a request without a body is closed as soon as it is read.
  const gone = new Promise<'gone'>((resolve) => res.once('close', () => resolve('gone')));
  const endAt = performance.now() + STREAM_MS;
  let told = '';
  while (!res.destroyed && !isOver() && performance.now() < endAt) {
    const current = await read();
    if (current !== told) res.write(`data: ${current}\n\n`);
    told = current;
    let timer: NodeJS.Timeout | undefined;
    const tick = new Promise<'tick'>((resolve) => (timer = setTimeout(() => resolve('tick'), TELL_EVERY_MS)));
    const next = await Promise.race([gone, tick]);
    clearTimeout(timer);
    if (next === 'gone') return;
  }
}
