// Where threads stand on a diff: behind a line, at the head of a file, or on nothing that is left of it.
import type { Inline, Thread } from './conversation.ts';
import type { DiffFile, DiffLine } from './diff-text.ts';

export interface PlacedThreads {
  behind: Map<DiffLine, Thread[]>;
  /** On a file as a whole, on a line that the diff does not show, or on one of an older state of it. */
  atHead: Map<DiffFile, Thread[]>;
  nowhere: Thread[];
}

export function placeThreads(files: DiffFile[], threads: Thread[]): PlacedThreads {
  const placed: PlacedThreads = { behind: new Map(), atHead: new Map(), nowhere: [] };
  for (const thread of threads) {
    if (thread.inline === null) continue;
    const file = fileOf(files, thread.inline);
    if (file === undefined) {
      placed.nowhere.push(thread);
      continue;
    }
    const line = thread.inline.outdated ? undefined : lineOf(file, thread.inline);
    if (line === undefined) add(placed.atHead, file, thread);
    else add(placed.behind, line, thread);
  }
  return placed;
}

function add<K>(map: Map<K, Thread[]>, key: K, thread: Thread): void {
  const known = map.get(key);
  if (known) known.push(thread);
  else map.set(key, [thread]);
}

function fileOf(files: DiffFile[], { path }: Inline): DiffFile | undefined {
  return files.find(({ newPath }) => newPath === path) ?? files.find(({ oldPath }) => oldPath === path);
}

function lineOf({ hunks }: DiffFile, { from, to }: Inline): DiffLine | undefined {
  const lines = hunks.flatMap((hunk) => hunk.lines);
  if (to !== null) return lines.find((line) => line.new === to);
  return from === null ? undefined : lines.find((line) => line.old === from);
}

const MAX_EXCERPT = 12;
const LINES_BEFORE = 3;

/** The lines that a comment is about, with a few before them. @returns none where they are not in the diff */
export function excerptOf(files: DiffFile[], inline: Inline): DiffLine[] {
  const file = inline.outdated ? undefined : fileOf(files, inline);
  const line = file && lineOf(file, inline);
  const lines = file?.hunks.find((hunk) => line && hunk.lines.includes(line))?.lines;
  if (!line || !lines) return [];
  const last = lines.indexOf(line);
  const start = inline.to === null ? inline.start_from : inline.start_to;
  const first = lines.findIndex((each) => start !== null && (inline.to === null ? each.old : each.new) === start);
  const from = first >= 0 && first <= last ? first : last - LINES_BEFORE;
  return lines.slice(Math.max(0, from, last + 1 - MAX_EXCERPT), last + 1);
}
