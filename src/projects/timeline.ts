// What happened to a pull request, in words and in order: threads of comments between approvals, pushes and its end.
import { z } from 'zod';
import type { Activity } from '../db/project-tables.ts';
import type { Thread } from './conversation.ts';

/** As far as an import keeps it; an update at Bitbucket says how all of it is then, not what was changed. */
const update = z.object({
  state: z.string().toLowerCase().optional().catch(undefined),
  title: z.string().optional().catch(undefined),
  draft: z.boolean().optional().catch(undefined),
  source_commit: z.string().optional().catch(undefined),
  destination_branch: z.string().optional().catch(undefined),
  reason: z.string().optional().catch(undefined),
});

type Update = z.infer<typeof update>;

export interface Happening {
  at: number;
  author: string | null;
  words: string;
  /** A commit or a title, to be shown as it is. */
  detail: string | null;
  tone: 'good' | 'bad' | 'plain';
}

export type Item = { at: number; thread: Thread } | { at: number; happening: Happening };

/** @param rows oldest first */
export function timelineOf(threads: Thread[], rows: Activity[]): Item[] {
  const items: Item[] = [
    ...threads.map((thread) => ({ at: thread.first.created_at, thread })),
    ...happeningsOf(rows).map((happening) => ({ at: happening.at, happening })),
  ];
  return items.sort((a, b) => a.at - b.at);
}

function happeningsOf(rows: Activity[]): Happening[] {
  let known: Update | undefined;
  return rows.flatMap((row) => {
    if (row.kind === 'approval') return [happening(row, 'approved', 'good')];
    if (row.kind === 'changes_requested') return [happening(row, 'asked for changes', 'bad')];
    const now = update.catch({}).parse(JSON.parse(row.data));
    const before = known;
    known = { ...known, ...withoutUndefined(now) };
    return before === undefined ? endOnly(row, now) : changesOf(row, before, now);
  });
}

/** The first thing that is known of it is how it was opened, which the page says already. */
function endOnly(row: Activity, now: Update): Happening[] {
  return now.state === undefined || now.state === 'open' ? [] : [endOf(row, now)];
}

function changesOf(row: Activity, before: Update, now: Update): Happening[] {
  const differs = (key: keyof Update) => now[key] !== undefined && now[key] !== before[key];
  return [
    differs('title') && happening(row, 'changed the title to', 'plain', now.title),
    differs('source_commit') && happening(row, 'pushed commits up to', 'plain', now.source_commit!.slice(0, 12)),
    differs('destination_branch') && happening(row, 'changed the destination to', 'plain', now.destination_branch),
    differs('draft') && happening(row, now.draft ? 'made it a draft' : 'marked it as ready', 'plain'),
    differs('state') && endOf(row, now),
  ].filter((each) => each !== false);
}

const ENDS: Record<string, [words: string, tone: Happening['tone']]> = {
  open: ['opened it again', 'plain'],
  merged: ['merged it', 'good'],
  declined: ['declined it', 'bad'],
  superseded: ['replaced it', 'plain'],
};

function endOf(row: Activity, { state = '', reason }: Update): Happening {
  const [words, tone] = ENDS[state] ?? ['changed its state to', 'plain'];
  return happening(row, words, tone, reason || (state in ENDS ? undefined : state));
}

function happening(row: Activity, words: string, tone: Happening['tone'], detail?: string): Happening {
  return { at: row.at, author: row.author, words, tone, detail: detail ?? null };
}

function withoutUndefined(values: Update): Update {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
