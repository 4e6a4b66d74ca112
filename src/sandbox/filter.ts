// The `q` parameter: a small language to choose elements of a list by their values.
// https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering
import { compareValues } from './values.ts';

/** Decides about one element, which it reads through a function from dotted path to the values there. */
export type Filter = (read: (path: string) => unknown[]) => boolean;

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([(),])|(!=|!~|>=|<=|[=~><])|([^\s()=!~<>,"]+))/y;
const OPERATORS = ['=', '!=', '~', '!~', '>', '>=', '<', '<='];

/** @throws Error with what is wrong when the text is no query. */
export function parseFilter(text: string): Filter {
  const parser = new Parser(tokenize(text));
  const filter = parser.readAny();
  parser.expectEnd();
  return filter;
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new Error(`Unexpected text at position ${start}`);
    tokens.push(match[0].trim());
  }
  return tokens;
}

class Parser {
  #tokens: string[];

  constructor(tokens: string[]) {
    this.#tokens = tokens;
  }

  readAny(): Filter {
    const parts = [this.#readAll()];
    while (this.#takes('OR')) parts.push(this.#readAll());
    return (read) => parts.some((part) => part(read));
  }

  expectEnd(): void {
    if (this.#tokens.length > 0) throw new Error(`Unexpected ${this.#tokens[0]}`);
  }

  #readAll(): Filter {
    const parts = [this.#readOne()];
    while (this.#takes('AND')) parts.push(this.#readOne());
    return (read) => parts.every((part) => part(read));
  }

  #readOne(): Filter {
    if (this.#takes('(')) {
      const inner = this.readAny();
      this.#expect(')');
      return inner;
    }
    const field = this.#next();
    if (!/^[a-z_][\w.]*$/i.test(field)) throw new Error(`Expected a field, got ${field}`);
    if (this.#takes('NOT')) {
      this.#expect('IN');
      const list = this.#readList();
      return (read) => !read(field).some((value) => list.some((wanted) => isSame(value, wanted)));
    }
    if (this.#takes('IN')) {
      const list = this.#readList();
      return (read) => read(field).some((value) => list.some((wanted) => isSame(value, wanted)));
    }
    const operator = this.#next();
    if (!OPERATORS.includes(operator)) throw new Error(`Expected an operator, got ${operator}`);
    const wanted = this.#readValue();
    if (operator.startsWith('!')) {
      const opposite = operator.slice(1);
      return (read) => !read(field).some((value) => holds(value, opposite, wanted));
    }
    return (read) => read(field).some((value) => holds(value, operator, wanted));
  }

  #readList(): unknown[] {
    this.#expect('(');
    const values = [this.#readValue()];
    while (this.#takes(',')) values.push(this.#readValue());
    this.#expect(')');
    return values;
  }

  #readValue(): unknown {
    const token = this.#next();
    if (token.startsWith('"')) return token.slice(1, -1).replace(/\\(.)/g, '$1');
    if (token === 'null') return null;
    if (token === 'true' || token === 'false') return token === 'true';
    if (/^-?\d+(\.\d+)?$/.test(token)) return Number(token);
    if (/^\d{4}-\d\d-\d\d/.test(token)) return token;
    throw new Error(`Expected a value, got ${token}`);
  }

  #takes(token: string): boolean {
    if (this.#tokens[0]?.toUpperCase() !== token) return false;
    this.#tokens.shift();
    return true;
  }

  #expect(token: string): void {
    if (!this.#takes(token)) throw new Error(`Expected ${token}, got ${this.#tokens[0] ?? 'the end'}`);
  }

  #next(): string {
    const token = this.#tokens.shift();
    if (token === undefined) throw new Error('Unexpected end');
    return token;
  }
}

function holds(value: unknown, operator: string, wanted: unknown): boolean {
  if (operator === '=') return isSame(value, wanted);
  if (operator === '~') return typeof value === 'string' && value.toLowerCase().includes(String(wanted).toLowerCase());
  return value !== null && wanted !== null && IN_ORDER[operator]!(compareValues(value, wanted));
}

const IN_ORDER: Record<string, (order: number) => boolean> = {
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
};

function isSame(value: unknown, wanted: unknown): boolean {
  return (value === null) === (wanted === null) && compareValues(value, wanted) === 0;
}
