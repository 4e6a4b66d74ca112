// Reads .env a second time, for its lines: dotenv gives names and values, and does not say where they stand.

/** A name and its value as dotenv knows them; a value in quotes may go over several lines. */
const ENTRY =
  /^[ \t]*(?:export\s+)?([\w.-]+)(?:[ \t]*=|:[ \t])[ \t]*(?:'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`)?.*$/gm;

export interface DotenvEntry {
  name: string;
  /** From 1, where the name begins. */
  line: number;
  column: number;
}

/** What dotenv reads, in the order of the file, and the numbers of the lines that it passes over. */
export function readDotenvLines(text: string): { entries: DotenvEntry[]; unread: number[] } {
  const plain = text.replace(/\r\n?/g, '\n');
  const entries: DotenvEntry[] = [];
  const rest = plain.replace(ENTRY, (entry: string, name: string, index: number) => {
    const before = plain.slice(0, index + entry.indexOf(name)).split('\n');
    entries.push({ name, line: before.length, column: (before.at(-1) ?? '').length + 1 });
    return entry.replace(/[^\n]/g, ''); // its lines stay, so that those of the rest keep their numbers
  });
  const lines = rest.split('\n').map((line, at) => ({ line, number: at + 1 }));
  return { entries, unread: lines.filter(({ line }) => /^\s*[^#\s]/.test(line)).map(({ number }) => number) };
}
