// Numbers and states of imports in words.
import type { Import, ImportStage, ImportStatus } from '../db/import-tables.ts';
import type { StageName } from './stage-names.ts';

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** @param bytes `1,234,567` is `1.2 MB` */
export function sizeInWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

export const STATUS_WORDS: Record<ImportStatus, string> = {
  queued: 'waits for its turn',
  running: 'under way',
  waiting: 'waits',
  partial: 'done in part',
  failed: 'failed',
  cancelled: 'cancelled',
  done: 'done',
};

export const STAGE_WORDS: Record<StageName, string> = {
  repository: 'Repository',
  pull_requests: 'Pull requests',
  pull_request_heads: 'Commits of pull requests',
  lfs: 'Large files (LFS)',
  activity: 'Approvals and changes',
  comments: 'Comments',
  tasks: 'Tasks',
  people: 'People',
  settings: 'Settings worth keeping',
  attachments: 'Images and attachments',
  verification: 'Verification',
};

/** @returns for example `under way, 12 of 30` or `done, 30, 2 left out` */
export function stageInWords({
  status,
  done,
  total,
  skipped,
}: Pick<ImportStage, 'status' | 'done' | 'total' | 'skipped'>): string {
  if (status === 'pending') return 'to come';
  const count = (number: number) => number.toLocaleString('en-GB');
  const all = total === null || (status === 'done' && done === total) ? '' : ` of ${count(total)}`;
  const left = skipped === 0 ? '' : `, ${count(skipped)} left out`;
  return `${status === 'done' ? 'done' : 'under way'}, ${count(done)}${all}${left}`;
}

/** What could not be brought, by its kind and key in the list of failures. */
export function itemInWords(kind: string, key: string): string {
  const words = ITEM_WORDS[kind] ?? `${kind.charAt(0).toUpperCase()}${kind.slice(1).replaceAll('_', ' ')}`;
  return OF_PULL_REQUESTS.has(kind) && /^\d+$/.test(key) ? `${words} of pull request #${key}` : `${words} ${key}`;
}

const ITEM_WORDS: Record<string, string> = {
  activity: 'Approvals and changes',
  lfs_object: 'Large file (LFS)',
  attachment: 'Image or attachment',
};

const OF_PULL_REQUESTS = new Set(['commits', 'comments', 'tasks', 'activity']);

/** How far an import is, from 0 to 100: stages count alike, the one under way by what it knows of itself. */
export function percentDone(stages: readonly Pick<ImportStage, 'status' | 'done' | 'total' | 'skipped'>[]): number {
  if (stages.length === 0) return 0;
  const parts = stages.map(({ status, done, total, skipped }) => {
    if (status === 'done') return 1;
    return total === null || total === 0 ? 0 : Math.min(1, (done + skipped) / total);
  });
  return Math.floor((100 * parts.reduce((sum, part) => sum + part, 0)) / stages.length);
}

/** Worked out from how long it took so far; null where that says nothing yet. @returns for example `about 5 minutes` */
export function timeLeft({ started_at, status }: Import, percent: number, now: number): string | null {
  if (status !== 'running' || started_at === null || percent < 10 || percent >= 100) return null;
  const minutes = ((now - started_at) * (100 - percent)) / percent / 60_000;
  if (minutes < 1) return 'less than a minute';
  if (minutes < 90) return `about ${Math.ceil(minutes)} minute${Math.ceil(minutes) === 1 ? '' : 's'}`;
  return `about ${Math.round(minutes / 60)} hours`;
}
