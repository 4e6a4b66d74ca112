// At the end everything is counted once more, there and here, and what is missing is named. Then the project is shown.
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { RemoteStateWord } from '../../bitbucket/import-client.ts';
import type { Database } from '../../db/tables.ts';
import { mirror } from '../../git/mirror.ts';
import type { Ref } from '../../git/remote.ts';
import { lsRemote } from '../../git/remote.ts';
import { countCommits, listRefs, resolveCommits } from '../../git/repository.ts';
import { publishProject, updateProject } from '../../projects/records.ts';
import { catchUpPullRequests, catchUpRefs, isCatchingUpRefs } from '../catch-up.ts';
import type { Job } from '../job.ts';
import { dirOf, GIT_TIMEOUT_MS, MOST_REFS, mostBytes, withRemote } from '../sources.ts';
import type { Progress, Stage } from '../stage.ts';
import { noteOnImport } from '../store.ts';
import { followHead, readRepository } from './repository.ts';

/** Counts by what is counted. */
type Counts = Record<string, number>;

export interface Verification {
  /** As Bitbucket and its git count. */
  expected: Counts;
  /** As it is here. */
  found: Counts;
  /** In words, one line each. */
  missing: string[];
  /** SHA-256 over refs, heads of pull requests and counts: two imports of the same state have the same one. */
  digest: string;
}

const MOST_LINES = 1000;
const ROWS_AT_ONCE = 500;

export const verification: Stage = {
  name: 'verification',
  async run(job, progress) {
    const digest = createHash('sha256');
    const remote = await readRepository(job);
    const refs = await compareRefs(job, progress);
    for (const line of refs.lines) digest.update(`${line}\n`);
    await followHead(job, remote);
    const counts = await compareCounts(job, progress);
    const heads = await compareHeads(job, digest);
    digest.update(JSON.stringify(counts.found));
    const files = await compareFiles(job);
    const { expected, found, missing } = together(refs, counts, heads, files);
    const result: Verification = {
      expected,
      found,
      missing: missing.slice(0, MOST_LINES),
      digest: digest.digest('hex'),
    };
    const commits = await countCommits(dirOf(job)).catch(() => 0);
    const { services, row, project } = job;
    const now = services.now();
    const total = Object.keys(result.expected).length;
    const change = { commits, branches: refs.found['branches'] ?? 0, tags: refs.found['tags'] ?? 0, updated_at: now };
    await progress.save({ total, done: total }, async (trx) => {
      await noteOnImport(trx, row.id, { verification: JSON.stringify(result) });
      await updateProject(trx, project.id, change);
      await publishProject(trx, project.id, now);
    });
  },
};

interface Compared {
  expected: Counts;
  found: Counts;
  missing: string[];
}

/** What was pushed while the import ran is fetched once more, so that the end of it is a state that was there. */
async function compareRefs(job: Job, progress: Progress): Promise<Compared & { lines: string[] }> {
  const first = await differences(job);
  if (first.missing.length === 0 && !isCatchingUpRefs(progress)) return first;
  const limits = { maxBytes: mostBytes(job), maxRefs: MOST_REFS, timeoutMs: GIT_TIMEOUT_MS };
  await catchUpRefs(job, progress, () =>
    withRemote(job, job.source, (remote) => mirror({ remote, dir: dirOf(job), limits, signal: job.signal })),
  );
  return differences(job);
}

async function differences(job: Job): Promise<Compared & { lines: string[] }> {
  const { refs: there } = await withRemote(job, job.source, (remote) =>
    lsRemote(remote, { maxRefs: MOST_REFS, signal: job.signal }),
  );
  const here = (await listRefs(dirOf(job))).filter(({ name }) => !name.startsWith('refs/pull-requests/'));
  const named = new Map(here.map(({ name, sha }) => [name, sha]));
  const missing = there.filter(({ name, sha }) => named.get(name) !== sha && !name.startsWith('refs/pull-requests/'));
  return {
    expected: countRefs(there),
    found: countRefs(here),
    missing: missing.map(({ name }) => `${name} is not as it is at Bitbucket`),
    lines: here.map(({ name, sha }) => `${name} ${sha}`),
  };
}

function countRefs(refs: Ref[]): Counts {
  const count = (prefix: string) => refs.filter(({ name }) => name.startsWith(prefix)).length;
  return { branches: count('refs/heads/'), tags: count('refs/tags/') };
}

const STATES: Record<RemoteStateWord, string> = {
  OPEN: 'open',
  MERGED: 'merged',
  DECLINED: 'declined',
  SUPERSEDED: 'superseded',
};

/** What changed while the import ran is fetched first; and once more where Bitbucket moved on between that and counting. */
async function compareCounts(job: Job, progress: Progress): Promise<Compared> {
  await catchUpPullRequests(job, progress);
  const states = await compareStates(job);
  if (states.missing.length === 0) return together(states, await compareTalk(job));
  await catchUpPullRequests(job, progress);
  return together(await compareStates(job), await compareTalk(job));
}

async function compareStates({ db, client, source, project }: Job): Promise<Compared> {
  const compared: Compared = { expected: {}, found: {}, missing: [] };
  for (const word of Object.keys(STATES) as RemoteStateWord[]) {
    const name = `pull_requests_${STATES[word]}`;
    const expected = await client.countPullRequests(source, word);
    const found = await countWhere(db, 'pull_requests', project.id, { state: STATES[word], source_gone_at: null });
    note(compared, { name, expected: expected ?? found, found });
  }
  return compared;
}

/** Comments and tasks, as the counters of the pull requests tell. */
async function compareTalk({ db, project }: Job): Promise<Compared> {
  const compared: Compared = { expected: {}, found: {}, missing: [] };
  const sums = await db
    .selectFrom('pull_requests')
    .select((eb) => [eb.fn.sum('comment_count').as('comments'), eb.fn.sum('task_count').as('tasks')])
    .where('project_id', '=', project.id)
    .where('source_gone_at', 'is', null)
    .executeTakeFirst();
  const comments = await countWhere(db, 'comments', project.id, { deleted: 0, source_gone_at: null });
  const withDeleted = await countWhere(db, 'comments', project.id, { source_gone_at: null });
  // Whether Bitbucket counts deleted ones it does not say.
  const expected = Number(sums?.comments ?? 0);
  note(compared, { name: 'comments', expected, found: Math.max(comments, Math.min(withDeleted, expected)) });
  const tasks = await countWhere(db, 'tasks', project.id, { source_gone_at: null });
  note(compared, { name: 'tasks', expected: Number(sums?.tasks ?? 0), found: tasks });
  return compared;
}

function together(...parts: Compared[]): Compared {
  return {
    expected: Object.assign({}, ...parts.map(({ expected }) => expected)) as Counts,
    found: Object.assign({}, ...parts.map(({ found }) => found)) as Counts,
    missing: parts.flatMap(({ missing }) => missing),
  };
}

/** More than expected is no fault: it was made while we read. */
function note({ expected, found, missing }: Compared, one: { name: string; expected: number; found: number }): void {
  expected[one.name] = one.expected;
  found[one.name] = one.found;
  const short = one.expected - one.found;
  if (short > 0) missing.push(`${short} of ${one.expected} ${one.name.replace(/_/g, ' ')}`);
}

async function countWhere(
  db: Database,
  table: 'pull_requests' | 'comments' | 'tasks' | 'lfs_objects' | 'attachments',
  projectId: number,
  having: Record<string, string | number | null>,
): Promise<number> {
  let rows = db.selectFrom(table as 'pull_requests').where('project_id', '=', projectId);
  for (const [column, value] of Object.entries(having))
    rows = rows.where(column as 'number', value === null ? 'is' : '=', value as number);
  const { count } = await rows.select((eb) => eb.fn.countAll<number | string>().as('count')).executeTakeFirstOrThrow();
  return Number(count);
}

/** Every head is here, or it is said how it is not. */
async function compareHeads(job: Job, digest: Hash): Promise<Compared> {
  const missing: string[] = [];
  for (let after = 0; ;) {
    const rows = await nextHeads(job, after);
    const last = rows.at(-1);
    if (last === undefined) return { expected: {}, found: {}, missing };
    const here = await resolveCommits(
      dirOf(job),
      rows.flatMap(({ source_commit: head }) => head ?? []),
    );
    for (const { number, source_commit: head, commits } of rows) {
      digest.update(`${number} ${head} ${commits}\n`);
      const isPromised = commits === 'kept' || commits === 'fetched';
      const isAbsent = isPromised && (head === null || !here.has(head));
      if (isAbsent || commits === null) missing.push(`commits of pull request ${number}`);
    }
    after = last.number;
  }
}

function nextHeads({ db, project }: Job, after: number) {
  const rows = db.selectFrom('pull_requests').select(['number', 'source_commit', 'commits']);
  const left = rows.where('project_id', '=', project.id).where('number', '>', after);
  return left.orderBy('number').limit(ROWS_AT_ONCE).execute();
}

async function compareFiles({ db, project }: Job): Promise<Compared> {
  const compared: Compared = { expected: {}, found: {}, missing: [] };
  const objects = {
    expected: await countWhere(db, 'lfs_objects', project.id, {}),
    found: await countWhere(db, 'lfs_objects', project.id, { present: 1 }),
  };
  note(compared, { name: 'lfs_objects', ...objects });
  const all = await countWhere(db, 'attachments', project.id, {});
  const absent = await countWhere(db, 'attachments', project.id, { file: null });
  note(compared, { name: 'attachments', expected: all, found: all - absent });
  return compared;
}
