// Imports that are stopped after each of their writes, every one of them once: whatever state one leaves, the next turn
// begins there.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KyselyPlugin } from 'kysely';
import { createHttp } from '../../src/bitbucket/http.ts';
import type { Import } from '../../src/db/import-tables.ts';
import { Accesses } from '../../src/imports/access.ts';
import { claimImport, LeaseLost } from '../../src/imports/leases.ts';
import { retryImport } from '../../src/imports/start.ts';
import { ACTIVE, findImport } from '../../src/imports/store.ts';
import { takeTurn, TurnStopped } from '../../src/imports/turn.ts';
import { projectDir } from '../../src/projects/places.ts';
import { closeAtEnd } from '../support/at-end.ts';
import type { TestApp } from '../support/start-app.ts';

/** Others get their turn; the process dies; its person cancels it while it is worked on, and lets it go on. */
export type Stop = 'stopped' | 'killed' | 'cancelled';

/** Far more than any of these imports writes. */
const MOST_TURNS = 2000;

/**
 * Works on an import until it is over, with a clock that stands still: so the same write looks the same again.
 * @param stop none for one turn from beginning to end. @param before called before each turn @returns how many turns it took
 */
export async function runStopping(
  app: TestApp,
  id: number,
  { stop, before }: { stop?: Stop; before?: (row: Import) => Promise<void> } = {},
): Promise<number> {
  const writes = recorder();
  const services = { ...app.services, db: app.services.db.withPlugin(writes.plugin) };
  const http = createHttp({ maxBodyBytes: 32 * 1024 * 1024 });
  closeAtEnd(() => http.close());
  const accesses = new Accesses(app.services);
  const seen = new Set<string>();
  let order = new AbortController();
  const isTurnOver = () => {
    const write = writes.take();
    if (stop === undefined || seen.has(write)) return false;
    seen.add(write);
    if (stop === 'killed') throw new LeaseLost(); // whoever finds that writes nothing more, as if it were dead
    if (stop === 'cancelled') order.abort(new TurnStopped('cancelled'));
    return stop === 'stopped';
  };
  for (let turns = 0; turns < MOST_TURNS; turns++) {
    const row = (await findImport(services.db, id))!;
    if (!ACTIVE.includes(row.status)) return turns;
    await before?.(row);
    const claimed = (await claimImport(services.db, row, services.now()))!;
    order = new AbortController();
    const { signal } = order;
    writes.take();
    await takeTurn({ services, accesses, http, row: claimed, signal, isTurnOver, pulse: () => undefined });
    if (signal.aborted) await goOn(app, id);
  }
  throw new Error(`after ${MOST_TURNS} turns it is still under way`);
}

async function goOn({ services }: TestApp, id: number): Promise<void> {
  const row = (await findImport(services.db, id))!;
  if (row.status === 'cancelled') await retryImport(services, row);
}

/** What is written, as text: without what differs each time, and without the log. */
function recorder(): { plugin: KyselyPlugin; take: () => string } {
  let written: string[] = [];
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      const text = JSON.stringify(node);
      if (!/^Select/.test(node.kind) && !/"(import_log|audit_events|api_calls|lease_until)"/.test(text))
        written.push(text);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const take = () => {
    const text = written.join('\n');
    written = [];
    return text;
  };
  return { plugin, take };
}

const OF_PROJECT = [
  'pull_requests',
  'pull_request_people',
  'comments',
  'tasks',
  'activity',
  'lfs_objects',
  'attachments',
  'source_settings',
] as const;

/** All that an import has left, without the ids of its rows. */
export async function leftBy({ services }: TestApp, id: number) {
  const { db } = services;
  const row = (await findImport(db, id))!;
  const { project_id: projectId, status, reason, stage, verification, finished_at } = row;
  const rows = await Promise.all(
    OF_PROJECT.map((table) => db.selectFrom(table).selectAll().where('project_id', '=', projectId).execute()),
  );
  const stages = await db
    .selectFrom('import_stages')
    .selectAll()
    .where('import_id', '=', id)
    .orderBy('position')
    .execute();
  const failures = await db.selectFrom('import_failures').selectAll().where('import_id', '=', id).execute();
  const project = await db.selectFrom('projects').selectAll().where('id', '=', projectId).executeTakeFirstOrThrow();
  const people = await db.selectFrom('people').selectAll().execute();
  return {
    row: { status, reason, stage, finished_at, verification: JSON.parse(verification ?? 'null') as unknown },
    project: plain(project, ['id', 'owner_id', 'namespace']),
    stages: stages.map(({ name, status, done, total, skipped }) => ({ name, status, done, total, skipped })),
    failures: sorted(failures.map((failure) => plain(failure, ['id', 'import_id']))),
    people: sorted(people),
    rows: OF_PROJECT.map((table, index) => [table, sorted(rows[index]!.map((one) => plain(one, ['project_id'])))]),
    files: filesBelow(projectDir(services.config(), projectId)),
  };
}

function plain(row: object, names: string[]): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
}

function sorted(rows: object[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}

function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir, { recursive: true }).map(String).sort();
  const files = names.filter((name) => statSync(join(dir, name)).isFile());
  return files.map(
    (name) =>
      `${name} ${createHash('sha256')
        .update(readFileSync(join(dir, name)))
        .digest('hex')}`,
  );
}
