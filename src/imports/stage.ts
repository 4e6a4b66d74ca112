// What a stage of an import is, and how it shows how far it is.
import type { ImportStage } from '../db/import-tables.ts';
import type { Transaction } from '../db/tables.ts';
import { countFailures, listRetries } from './failures.ts';
import type { Job } from './job.ts';
import type { StageChange } from './progress.ts';
import { recountStage, updateStage } from './progress.ts';
import type { StageName } from './stage-names.ts';

export interface Stage {
  name: StageName;
  /** The kind of failure that stands for one of its items; none where items are left out without being failures. */
  failure?: string;
  /** Runs to its end, from the cursor on. Safe to run twice: whatever it writes has a natural key. */
  run(job: Job, progress: Progress): Promise<void>;
  /**
   * Brings one item: one that failed before, or that has changed since. Items become records by `job.attempt`.
   * @param key as in `import_failures`
   */
  bringOne?(job: Job, key: string): Promise<void>;
}

/** Whatever failed for the moment gets another try before the stage ends, and what a person asked for again. */
export async function bringFailed(job: Job, stage: Stage): Promise<void> {
  for (const { key } of await listRetries(job.db, job.row.id, stage.name)) await stage.bringOne?.(job, key);
}

/** At the end: what came at another try is not left out any more. */
export async function recount(trx: Transaction, { row }: Job, { name, failure }: Stage): Promise<void> {
  if (failure !== undefined) await recountStage(trx, row.id, name, await countFailures(trx, row.id, failure));
}

/**
 * Stands before every cursor. To be raised by whoever changes what a stage asks Bitbucket for, or what its cursor means: a
 * stage that was under way when the new version came then begins anew instead of going on with half of each.
 */
const FORMAT = '1 ';

/** How far a stage is; written together with what it has brought. */
export class Progress {
  readonly #job: Job;
  readonly #name: StageName;
  cursor: string | null;
  done: number;
  total: number | null;
  skipped: number;
  /** What was brought before this turn. */
  readonly #before: number;

  constructor(job: Job, row: ImportStage) {
    this.#job = job;
    this.#name = row.name as StageName;
    const isOurs = row.cursor === null || row.cursor.startsWith(FORMAT);
    this.cursor = isOurs ? (row.cursor?.slice(FORMAT.length) ?? null) : null;
    this.done = isOurs ? row.done : 0;
    this.total = isOurs ? row.total : null;
    this.skipped = isOurs ? row.skipped : 0;
    this.#before = this.done + this.skipped;
  }

  /** Writes what was brought, and how far the stage is now, in one transaction. What is not named stays. */
  async save(
    change: Pick<StageChange, 'done' | 'total' | 'skipped' | 'cursor'>,
    work: (trx: Transaction) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const before = this.cursor;
    Object.assign(this, change);
    // Counting once more what was there before, or getting as far as the last time, is none.
    await this.#write(work, this.cursor !== before || this.done + this.skipped > this.#before);
  }

  /** The same for what only tells the next turn where it is: an import that does that at each turn gets no further by it. */
  async remember(change: Pick<StageChange, 'total' | 'skipped' | 'cursor'>): Promise<void> {
    Object.assign(this, change);
    await this.#write(async () => undefined, false);
  }

  async #write(work: (trx: Transaction) => Promise<void>, isProgress: boolean): Promise<void> {
    const { cursor, done, total, skipped } = this;
    const kept = { done, total, skipped, cursor: cursor === null ? null : FORMAT + cursor };
    const write = async (trx: Transaction) => {
      await work(trx);
      await updateStage(trx, this.#job.row.id, this.#name, kept);
    };
    await this.#job.save(write, { isProgress });
  }
}

/**
 * Writes one item and counts it, in one transaction: apart, a stop in between would leave it uncounted for ever.
 * @param progress none for what is brought by itself, and was counted when its stage ran
 */
export async function saveCounted(
  job: Job,
  progress: Progress | undefined,
  as: { done: number } | { skipped: number },
  write: (trx: Transaction) => Promise<void>,
): Promise<void> {
  if (!progress) return job.save(write);
  const change = 'done' in as ? { done: progress.done + as.done } : { skipped: progress.skipped + as.skipped };
  await progress.save(change, write);
}
