// What git says of its progress, as numbers.

export interface GitProgress {
  phase: 'receiving' | 'resolving';
  /** Objects, then deltas. */
  done: number;
  total: number;
}

const LINE = /^(Receiving objects|Resolving deltas): +\d+% \((\d+)\/(\d+)\)/;
const MAX_LINE = 1000;

/** Gives a reader of git's error output. Lines of the far end begin with `remote:` and are passed over. */
export function readProgress(tell: (progress: GitProgress) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split(/[\r\n]/);
    rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) {
      const [, what, done, total] = LINE.exec(line) ?? [];
      if (what === undefined) continue;
      const phase = what === 'Receiving objects' ? 'receiving' : 'resolving';
      tell({ phase, done: Number(done), total: Number(total) });
    }
  };
}
