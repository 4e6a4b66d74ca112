// Turns the text of a configuration file into plain values. Complaints never quote the text, because a line may hold a secret.
import { Composer, Lexer, LineCounter, Parser, type CST, type Document } from 'yaml';
import type { ConfigProblem } from './problems.ts';
import { syntaxMessage } from './yaml-messages.ts';
import { MAX_DEPTH, Walk, type WalkOptions } from './yaml-walk.ts';

const MAX_SYNTAX_PROBLEMS = 20;
/** Words, signs and line ends; a real configuration has a few hundred. */
const MAX_LEXEMES = 75_000;

/** Control characters other than tab and line ends; a carriage return counts only without its line feed. */
const CONTROL = /(?![\t\n\r])\p{Cc}|\r(?!\n)|[\ufffe\uffff]/u;

/** What a file says. */
export interface Tree {
  value: Record<string, unknown>;
  /** Where each key or list item stands, by dotted path; '' is the whole file. */
  places: Map<string, string>;
  problems: ConfigProblem[];
  /** Whether the text could be read to its end; if not, checking `value` makes no sense. */
  readable: boolean;
}

/** Reads the text of the file that complaints call `name`; `expand` as in WalkOptions. */
export function readTree(text: string, name: string, expand: WalkOptions['expand']): Tree {
  const lines = new LineCounter();
  const tokens = isTooMuch(text) ? undefined : [...new Parser(lines.addNewLine).parse(text)];
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const places = new Map([['', place(0)]]);
  const { document, mistakes } = compose(text, tokens);
  const problems = mistakes.map(({ offset, message }) => ({ where: place(offset), key: '', message }));
  if (document === undefined || problems.length > 0)
    return { value: {}, places, problems, readable: problems.length === 0 };

  const walk = new Walk(document, { place, expand });
  const readable = walk.run();
  return { value: walk.value, places: new Map([...places, ...walk.places]), problems: walk.problems, readable };
}

interface Mistake {
  offset: number;
  message: string;
}

/** The document, or what keeps the text from being one; at most one mistake a line, the rest are its consequences. */
function compose(text: string, tokens: CST.Token[] | undefined): { document?: Document; mistakes: Mistake[] } {
  const control = CONTROL.exec(text);
  if (control !== null)
    return refusal(control.index, `expected plain text, got the control character ${codeOf(control[0])}`);
  if (tokens === undefined) return refusal(0, 'expected a configuration, got too many brackets, commas or other signs');
  if (tokens.some(isTooDeep)) return refusal(0, `expected values nested at most ${MAX_DEPTH} levels deep, got more`);

  const options = { schema: 'core', merge: false, stringKeys: true, uniqueKeys: false, prettyErrors: false } as const;
  const documents = [...new Composer({ ...options, logLevel: 'silent' }).compose(tokens, true, text.length)];
  const [document, second] = documents;
  const byLine = new Map<number, Mistake>();
  for (const { code, pos } of documents.flatMap(({ errors }) => errors)) {
    const start = text.lastIndexOf('\n', pos[0] - 1) + 1;
    const line = text.slice(start, pos[0] + 1);
    if (!byLine.has(start)) byLine.set(start, { offset: pos[0], message: syntaxMessage(code, line) });
    if (byLine.size >= MAX_SYNTAX_PROBLEMS) break;
  }
  const mistakes = [...byLine.values()];
  if (mistakes.length === 0 && second !== undefined)
    return refusal(second.range[0], syntaxMessage('MULTIPLE_DOCS', ''));
  return { ...(document !== undefined && { document }), mistakes };
}

function refusal(offset: number, message: string): { mistakes: Mistake[] } {
  return { mistakes: [{ offset, message }] };
}

function codeOf(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Counts before parsing, because the parser takes very long over hundreds of thousands of commas. */
function isTooMuch(text: string): boolean {
  const lexemes = new Lexer().lex(text);
  for (let count = 0; lexemes.next().done !== true; count++) if (count >= MAX_LEXEMES) return true;
  return false;
}

/** Measures before composing, because the composer recurses and would exhaust the stack. A level takes up to two tokens. */
function isTooDeep(token: CST.Token): boolean {
  const open: [unknown, number][] = [[token, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [part, depth] = next;
    if (depth > 2 * MAX_DEPTH) return true;
    const { value, items } = part as { value?: unknown; items?: { key?: unknown; value?: unknown }[] };
    if (typeof value === 'object' && value !== null) open.push([value, depth + 1]);
    for (const item of items ?? []) {
      for (const child of [item.key, item.value]) if (child) open.push([child, depth + 1]);
    }
  }
  return false;
}
