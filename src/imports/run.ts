// The story of an import: stage after stage, each from where it was, then the end.
import { existsSync } from 'node:fs';
import type { ImportStage } from '../db/import-tables.ts';
import type { Transaction } from '../db/tables.ts';
import { removeLeftovers } from '../git/mirror.ts';
import { countFailures, listRetries } from './failures.ts';
import type { Job } from './job.ts';
import { listStages, settleStages, updateStage, verifyAgain } from './progress.ts';
import { dirOf } from './sources.ts';
import type { StageName } from './stage-names.ts';
import { STAGE_NAMES } from './stage-names.ts';
import type { Stage } from './stage.ts';
import { bringFailed, Progress, recount } from './stage.ts';
import { activity } from './stages/activity.ts';
import { attachments } from './stages/attachments.ts';
import { comments } from './stages/comments.ts';
import { lfs } from './stages/lfs.ts';
import { people } from './stages/people.ts';
import { pullRequestHeads } from './stages/pull-request-heads.ts';
import { pullRequests } from './stages/pull-requests.ts';
import { repository } from './stages/repository.ts';
import { settings } from './stages/settings.ts';
import { tasks } from './stages/tasks.ts';
import { verification } from './stages/verification.ts';
import type { TurnEnd } from './leases.ts';
import { findImport, noteOnImport } from './store.ts';

const STAGES: Record<StageName, Stage> = {
  repository,
  pull_requests: pullRequests,
  pull_request_heads: pullRequestHeads,
  lfs,
  activity,
  comments,
  tasks,
  people,
  settings,
  attachments,
  verification,
};

/** Works on an import until it is complete. @returns how it ended. @throws whatever keeps it from going on */
export async function runImport(job: Job): Promise<TurnEnd> {
  // Where git was killed together with its worker, its locks would keep every other git from this repository.
  if (existsSync(dirOf(job))) await removeLeftovers(dirOf(job));
  for (const row of await stagesOf(job)) await runStage(job, row);
  const failures = await countFailures(job.db, job.row.id);
  const missing = await countMissing(job);
  if (failures + missing === 0) {
    await job.note('Everything is here.');
    return { status: 'done', reason: null };
  }
  const reason =
    failures > 0
      ? `${failures} ${failures === 1 ? 'item' : 'items'} could not be brought; the report names each.`
      : 'Some things are missing by the count; the report names them.';
  return { status: 'partial', reason };
}

/** Another version may have begun it, with other stages: then it goes on with those of this one. */
async function stagesOf(job: Job): Promise<ImportStage[]> {
  const rows = await listStages(job.db, job.row.id);
  if (rows.map(({ name }) => name).join() === STAGE_NAMES.join()) return rows;
  await job.save(async (trx) => {
    await settleStages(trx, job.row.id);
    await verifyAgain(trx, job.row.id);
  });
  return listStages(job.db, job.row.id);
}

async function runStage(job: Job, row: ImportStage): Promise<void> {
  const name = row.name as StageName;
  const stage = STAGES[name];
  const retries = await listRetries(job.db, job.row.id, name);
  if (row.status === 'done' && retries.length === 0) return;
  await job.save((trx) => noteOnImport(trx, job.row.id, { stage: name }));
  if (row.status !== 'done') {
    if (row.status === 'pending') await job.save((trx) => updateStage(trx, job.row.id, name, { status: 'running' }));
    await stage.run(job, new Progress(job, row));
  }
  await bringFailed(job, stage);
  const end = async (trx: Transaction) => {
    await recount(trx, job, stage);
    await updateStage(trx, job.row.id, name, { status: 'done' });
  };
  await job.save(end, { isProgress: true });
}

async function countMissing(job: Job): Promise<number> {
  const row = await findImport(job.db, job.row.id);
  const { missing } = JSON.parse(row?.verification ?? '{"missing":[]}') as { missing: string[] };
  return missing.length;
}
