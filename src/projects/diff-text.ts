// Reads a unified diff, as git and Bitbucket write it, into files, hunks and numbered lines.

export interface DiffLine {
  kind: 'context' | 'added' | 'removed';
  /** Line in the old and in the new file. */
  old: number | null;
  new: number | null;
  text: string;
}

export interface DiffHunk {
  /** What stands behind the second `@@`: the function it is in. */
  heading: string;
  lines: DiffLine[];
}

export interface DiffFile {
  /** null where there was, or is, no such file. */
  oldPath: string | null;
  newPath: string | null;
  binary: boolean;
  added: number;
  removed: number;
  hunks: DiffHunk[];
}

const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)$/;

/** What cannot be understood is passed over: a diff from outside may hold anything. */
export function parseDiff(text: string): DiffFile[] {
  const lines = text.split('\n');
  const files: DiffFile[] = [];
  let file: DiffFile | undefined;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    if (line.startsWith('diff --git ')) {
      file = startFile(line);
      files.push(file);
    } else if (file !== undefined) {
      const hunk = HUNK.exec(line);
      if (hunk) at = readHunk(file, hunk, lines, at);
      else readHeader(file, line);
    }
  }
  return files;
}

function startFile(line: string): DiffFile {
  const [oldPath, newPath] = pathsOf(line.slice('diff --git '.length).replace(/\r$/, ''));
  return { oldPath, newPath, binary: false, added: 0, removed: 0, hunks: [] };
}

/** `a/path b/path`: equal paths unless a header below says otherwise, so the middle is where they part. */
function pathsOf(both: string): [string, string] {
  const quoted = /^"((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$/.exec(both);
  if (quoted) return [unprefixed(unquote(quoted[1]!)), unprefixed(unquote(quoted[2]!))];
  const middle = (both.length - 1) / 2;
  return [unprefixed(both.slice(0, middle)), unprefixed(both.slice(middle + 1))];
}

function readHeader(file: DiffFile, raw: string): void {
  const line = raw.replace(/\r$/, '');
  if (line.startsWith('new file mode')) file.oldPath = null;
  else if (line.startsWith('deleted file mode')) file.newPath = null;
  else if (line.startsWith('--- ')) file.oldPath = pathIn(line.slice(4));
  else if (line.startsWith('+++ ')) file.newPath = pathIn(line.slice(4));
  else if (/^(rename|copy) from /.test(line)) file.oldPath = plainPath(line.slice(line.indexOf('from ') + 5));
  else if (/^(rename|copy) to /.test(line)) file.newPath = plainPath(line.slice(line.indexOf('to ') + 3));
  else if (line.startsWith('Binary files ') || line === 'GIT binary patch') file.binary = true;
}

/** git puts a tab behind a path with spaces in it. */
function pathIn(text: string): string | null {
  const path = plainPath(text.replace(/\t$/, ''));
  return path === '/dev/null' ? null : unprefixed(path);
}

function plainPath(text: string): string {
  return /^".*"$/.test(text) ? unquote(text.slice(1, -1)) : text;
}

/** Without the `a/` or `b/` in front. */
function unprefixed(path: string): string {
  return path.replace(/^[a-z]\//, '');
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/** Bytes in octal, as in C. @see https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath */
function unquote(text: string): string {
  const bytes: Buffer[] = [];
  for (const [, octal, letter, plain] of text.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)) {
    if (octal !== undefined) bytes.push(Buffer.from([Number.parseInt(octal, 8) & 0xff]));
    else if (letter !== undefined) bytes.push(Buffer.from([ESCAPES[letter] ?? letter.charCodeAt(0) & 0xff]));
    else bytes.push(Buffer.from(plain!));
  }
  return Buffer.concat(bytes).toString();
}

/** A hunk says how many lines it has: what is in them is never taken for a header. @returns its last line */
function readHunk(file: DiffFile, header: RegExpExecArray, lines: string[], at: number): number {
  const [, oldStart, oldCount = '1', newStart, newCount = '1', heading = ''] = header;
  const next = { old: Number(oldStart), new: Number(newStart) };
  const end = { old: next.old + Number(oldCount), new: next.new + Number(newCount) };
  const hunk: DiffHunk = { heading: heading.replace(/\r$/, ''), lines: [] };
  file.hunks.push(hunk);
  let last = at;
  while (last + 1 < lines.length && (next.old < end.old || next.new < end.new)) {
    const line = lines[last + 1]!;
    if (!/^[ +\-\\]/.test(line) && line !== '') break; // cut off in the middle
    last += 1;
    if (line.startsWith('\\')) continue; // "\ No newline at end of file"
    hunk.lines.push(numbered(line, next));
  }
  file.added += hunk.lines.filter(({ kind }) => kind === 'added').length;
  file.removed += hunk.lines.filter(({ kind }) => kind === 'removed').length;
  return last;
}

function numbered(line: string, next: { old: number; new: number }): DiffLine {
  const text = line.slice(1);
  if (line.startsWith('+')) return { kind: 'added', old: null, new: next.new++, text };
  if (line.startsWith('-')) return { kind: 'removed', old: next.old++, new: null, text };
  return { kind: 'context', old: next.old++, new: next.new++, text };
}
