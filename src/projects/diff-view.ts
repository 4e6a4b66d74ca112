// A diff as a page shows it: bounded, with threads where they belong, and with nothing in it that plays tricks.
import type { Thread } from './conversation.ts';
import type { DiffFile, DiffLine } from './diff-text.ts';
import { placeThreads } from './threads-on-diff.ts';
import { oneLine, viewNumber } from './views.ts';

/** More lines than somebody reads on one page; the rest is counted. */
const MAX_LINES = 3000;
const MAX_LINE_LENGTH = 2000;

/** What turns the direction of a line makes code read otherwise than it runs: it is shown as a sign. CVE-2021-42574. */
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0b-\x1f\x7f]/g;

export interface LineView {
  kind: DiffLine['kind'];
  sign: string;
  old: number | null;
  new: number | null;
  text: string;
}

export function viewLine({ kind, old, new: now, text }: DiffLine): LineView {
  const bare = text.replace(/\r$/, '').replace(TURNING, '\uFFFD').replace(CONTROL, '\uFFFD');
  const short = bare.length > MAX_LINE_LENGTH ? `${bare.slice(0, MAX_LINE_LENGTH)} …` : bare;
  return { kind, sign: { added: '+', removed: '−', context: '' }[kind], old, new: now, text: short };
}

/** @param viewThread makes what the page shows of a thread, at its line or elsewhere */
export function viewDiff<V>(
  files: DiffFile[],
  threads: Thread[],
  viewThread: (thread: Thread, isAtLine: boolean) => V,
) {
  const { behind, atHead, nowhere } = placeThreads(files, threads);
  const elsewhere = (thread: Thread) => viewThread(thread, false);
  let left = MAX_LINES;
  return {
    summary: {
      files: viewNumber(files.length),
      added: viewNumber(files.reduce((sum, { added }) => sum + added, 0)),
      removed: viewNumber(files.reduce((sum, { removed }) => sum + removed, 0)),
    },
    files: files.map((file, index) => {
      const length = file.hunks.reduce((sum, { lines }) => sum + lines.length, 0);
      const isShown = length <= left;
      if (isShown) left -= length;
      return {
        id: `file-${index + 1}`,
        ...viewPaths(file),
        added: viewNumber(file.added),
        removed: viewNumber(file.removed),
        isBinary: file.binary,
        /** Lines that are left out; their threads stand at the head. */
        leftOut: isShown ? null : viewNumber(length),
        threads: [
          ...(atHead.get(file) ?? []),
          ...(isShown ? [] : file.hunks.flatMap(({ lines }) => lines.flatMap((line) => behind.get(line) ?? []))),
        ].map(elsewhere),
        hunks: (isShown ? file.hunks : []).map(({ heading, lines }) => ({
          heading: oneLine(heading),
          lines: lines.map((line) => ({
            ...viewLine(line),
            threads: (behind.get(line) ?? []).map((thread) => viewThread(thread, true)),
          })),
        })),
      };
    }),
    nowhere: nowhere.map(elsewhere),
  };
}

function viewPaths({ oldPath, newPath }: DiffFile) {
  const path = oneLine(newPath ?? oldPath ?? '');
  if (oldPath === null) return { path, was: null, status: 'added' };
  if (newPath === null) return { path, was: null, status: 'removed' };
  return oldPath === newPath ? { path, was: null, status: null } : { path, was: oneLine(oldPath), status: 'renamed' };
}
