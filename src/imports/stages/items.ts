// Comments and tasks: one call for each pull request that may have any, in the order of their numbers.
import type { Unreadable } from '../../bitbucket/api.ts';
import type { Transaction } from '../../db/tables.ts';
import { markGone } from '../../projects/records.ts';
import type { Job } from '../job.ts';
import type { Wanted } from '../reading.ts';
import { countWanted, findPullRequests, listIds, listWanted } from '../reading.ts';
import type { Progress, Stage } from '../stage.ts';
import { idsOf, unreadableInWords } from '../unreadable.ts';

/** How one of the two is read and written. */
export interface Kind {
  name: 'comments' | 'tasks';
  /** Which pull requests are asked for, one round after the other; asked again before each round. */
  rounds: { having: Wanted['having']; isNeeded?: (job: Job) => Promise<boolean> }[];
  read(job: Job, number: number): Promise<Read>;
}

/** What was read of one pull request. */
export interface Read {
  ids: number[];
  /** Entries that nobody can make anything of. */
  unreadable: Unreadable[];
  write: (trx: Transaction) => Promise<void>;
}

/** The stage that brings them. Its cursor is the round, and the number of the last pull request that was looked at. */
export function stageOf(kind: Kind): Stage {
  const { name, rounds } = kind;
  return {
    name,
    failure: name,
    async run(job, progress) {
      const [begun = 0] = (progress.cursor ?? '0 0').split(' ').map(Number);
      for (const [index, { having, isNeeded }] of rounds.entries()) {
        if (index < begun || (isNeeded && !(await isNeeded(job)))) continue;
        await runRound(job, progress, { kind, index, having });
      }
    },
    async bringOne(job, key) {
      const number = Number(key);
      const row = (await findPullRequests(job.db, job.project.id, [number])).get(number);
      await bring(job, kind, { number, sourceUrl: row?.source_url ?? null, save: (write) => job.save(write) });
    },
  };
}

interface Round {
  kind: Kind;
  index: number;
  having: Wanted['having'];
}

async function runRound(job: Job, progress: Progress, { kind, index, having }: Round): Promise<void> {
  const which = { since: job.since, having };
  if (!progress.cursor?.startsWith(`${index} `)) {
    const more = await countWanted(job.db, job.project.id, { ...which, after: 0 });
    await progress.save({ total: (progress.total ?? 0) + more, cursor: `${index} 0` });
  }
  for (;;) {
    const next = await listWanted(job.db, job.project.id, { ...which, after: Number(progress.cursor?.split(' ')[1]) });
    if (next.length === 0) return;
    for (const { number, source_url: sourceUrl } of next) {
      const cursor = `${index} ${number}`;
      const save = (write: Read['write']) => progress.save({ done: progress.done + 1, cursor }, write);
      const here = await bring(job, kind, { number, sourceUrl, save });
      if (!here) await progress.save({ skipped: progress.skipped + 1, cursor });
    }
  }
}

interface One {
  number: number;
  sourceUrl: string | null;
  /** Writes what was read. */
  save: (write: Read['write']) => Promise<void>;
}

/** What is here and was not found there any more is marked, and stays. @returns whether it could be read */
async function bring(job: Job, kind: Kind, { number, sourceUrl, save }: One): Promise<boolean> {
  const { name } = kind;
  const item = { stage: name, kind: name, key: String(number), sourceUrl };
  return job.attempt(item, async () => {
    const { ids, unreadable, write } = await kind.read(job, number);
    if (unreadable.length > 0)
      await job.fail({ ...item, reason: unreadableInWords(name, unreadable), retryable: true });
    const there = new Set([...ids, ...idsOf(unreadable)]);
    await save(async (trx) => {
      await write(trx);
      const gone = (await listIds(trx, job.project.id, name, number)).filter((id) => !there.has(id));
      await markGone(trx, job.project.id, name, { ids: gone, at: job.services.now() });
      if (unreadable.length === 0) await job.forgetIn(trx, item);
    });
    return unreadable.length === 0;
  });
}
