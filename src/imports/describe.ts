// An import as data: INTERFACE 5.
import type { Import, ImportFailure, ImportStage } from '../db/import-tables.ts';
import type { Database } from '../db/tables.ts';
import { listFailures, listFailuresOf } from './failures.ts';
import { listStages, listStagesOf } from './progress.ts';

/** What `GET /api/v4/projects/:id/import` and the pages give. Times are ISO 8601 UTC. */
export interface ImportJson {
  id: number;
  status: Import['status'];
  stage: string | null;
  /** A sentence: why it waits, failed or was cancelled. */
  reason: string | null;
  stages: { name: string; status: ImportStage['status']; done: number; total: number | null; skipped: number }[];
  waiting_until: string | null;
  failures: { id: number; kind: string; key: string; source_url: string | null; reason: string; retryable: boolean }[];
  verification: unknown;
  created_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  api_calls: number;
}

export async function describeImport(db: Database, row: Import): Promise<ImportJson> {
  return describe(row, await listStages(db, row.id), await listFailures(db, row.id));
}

/** Several, in their order. */
export async function describeImports(db: Database, rows: Import[]): Promise<ImportJson[]> {
  const ids = rows.map(({ id }) => id);
  const [stages, failures] = await Promise.all([listStagesOf(db, ids), listFailuresOf(db, ids)]);
  return rows.map((row) => describe(row, stages.get(row.id) ?? [], failures.get(row.id) ?? []));
}

function describe(row: Import, stages: ImportStage[], failures: ImportFailure[]): ImportJson {
  return {
    id: row.id,
    status: row.status,
    stage: row.stage,
    reason: row.reason,
    stages: stages.map(({ name, status, done, total, skipped }) => ({ name, status, done, total, skipped })),
    waiting_until: iso(row.waiting_until),
    failures: failures.map(describeFailure),
    verification: row.verification === null ? null : (JSON.parse(row.verification) as unknown),
    created_at: iso(row.created_at),
    started_at: iso(row.started_at),
    finished_at: iso(row.finished_at),
    api_calls: row.api_calls,
  };
}

function describeFailure({ id, kind, key, source_url, reason, retryable }: ImportFailure) {
  return { id, kind, key, source_url, reason, retryable: retryable === 1 };
}

function iso(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
