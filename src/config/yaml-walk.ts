// Walks a parsed YAML document: plain values, and where each one stands. Written against hostile files: no tags, no merge
// keys, no __proto__, few aliases, bounded depth and number of values.
import { isAlias, isMap, isScalar, isSeq, type Document, type Node, type Pair, type Scalar } from 'yaml';
import type { Expanded } from './interpolate.ts';
import { dotted, shownKey, type ConfigProblem, type Path } from './problems.ts';

/** The deepest nesting; the schema needs seven levels. */
export const MAX_DEPTH = 20;
const MAX_ALIASES = 20;
const MAX_VALUES = 5_000;
const MAX_PROBLEMS = 100;

export interface WalkOptions {
  /** Names a position in the file: `config/gatehouse.yml:12:5`. */
  place: (offset: number) => string;
  /** Gives the value of a text that refers to the environment, or what is wrong with it; undefined = take it as it is. */
  expand: (text: string, path: Path) => Expanded | undefined;
}

/** Thrown inside a walk when a limit is passed. */
class LimitReached extends Error {}

/** One pass over a document, which fills `value`, `places` (by dotted path) and `problems`. Empty values become undefined. */
export class Walk {
  readonly #document: Document;
  readonly #options: WalkOptions;
  #aliases = 0;
  #values = 0;
  value: Record<string, unknown> = {};
  readonly places = new Map<string, string>();
  readonly problems: ConfigProblem[] = [];

  constructor(document: Document, options: WalkOptions) {
    this.#document = document;
    this.#options = options;
  }

  /** Walks; false when a limit ended it early. */
  run(): boolean {
    const root = this.#document.contents;
    try {
      if (isMap(root)) this.value = this.#value(root, []) as Record<string, unknown>;
      else if (isSeq(root)) this.#refuse(root, [], 'expected a mapping of settings, got a list');
      else if (isScalar(root) && root.value !== null)
        this.#refuse(root, [], 'expected a mapping of settings, got a value');
      return true;
    } catch (error) {
      if (error instanceof LimitReached) return false;
      throw error;
    }
  }

  #value(node: unknown, path: Path): unknown {
    this.#count(node, path);
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      const missing = 'expected a value, got an alias whose anchor is missing (a text that starts with * needs quotes)';
      return target === undefined ? this.#refuse(node, path, missing) : this.#value(target, path);
    }
    if ((node as Node & { tag?: string }).tag !== undefined) {
      return this.#refuse(node, path, 'expected a plain value, got a tag (a text that starts with ! needs quotes)');
    }
    if (isMap(node)) return this.#mapping(node.items, path);
    if (isSeq(node)) return node.items.map((item, at) => this.#item(item, [...path, at]));
    return isScalar(node) ? this.#scalar(node, path) : undefined;
  }

  #mapping(pairs: readonly Pair[], path: Path): Record<string, unknown> {
    const mapping: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      const name = String((key as Scalar).value);
      const below = [...path, name];
      const refusal = refusalOf(name, mapping);
      if (refusal !== undefined) {
        this.#refuse(key, below, refusal);
        continue;
      }
      this.places.set(dotted(below), this.#place(key));
      const read = value === null ? undefined : this.#value(value, below);
      mapping[name] = read === null || read === '' ? undefined : read;
    }
    return mapping;
  }

  #item(node: unknown, path: Path): unknown {
    this.places.set(dotted(path), this.#place(node));
    return this.#value(node, path) ?? null;
  }

  #scalar(node: Scalar, path: Path): unknown {
    const { value, source = '' } = node;
    // 08080, 0x1F90, 1e3, .inf: what the writer meant is not certain, so they stay texts and are refused as such.
    if (typeof value === 'number') return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(source) ? value : source;
    if (typeof value !== 'string') return value;
    if (/(?![\t\n])\p{Cc}/u.test(value))
      return this.#refuse(node, path, 'expected plain text, got a control character');
    const expanded = this.#options.expand(value, path);
    if (expanded === undefined) return value;
    return 'value' in expanded ? expanded.value : this.#refuse(node, path, expanded.message);
  }

  #count(node: unknown, path: Path): void {
    if (isAlias(node)) this.#aliases += 1;
    this.#values += 1;
    if (this.#aliases > MAX_ALIASES) this.#stop(node, path, `at most ${MAX_ALIASES} aliases`);
    if (this.#values > MAX_VALUES) this.#stop(node, path, `at most ${MAX_VALUES} values`);
    if (path.length > MAX_DEPTH) this.#stop(node, path, `values nested at most ${MAX_DEPTH} levels deep`);
  }

  #place(node: unknown): string {
    return this.#options.place((node as Node | null)?.range?.[0] ?? 0);
  }

  #refuse(node: unknown, path: Path, message: string): undefined {
    this.problems.push({ where: this.#place(node), key: shownKey(path), message });
    if (this.problems.length >= MAX_PROBLEMS) throw new LimitReached();
    return undefined;
  }

  #stop(node: unknown, path: Path, limit: string): never {
    this.#refuse(node, path.slice(0, 3), `expected ${limit}, got more`);
    throw new LimitReached();
  }
}

function refusalOf(name: string, before: object): string | undefined {
  if (name === '<<') return 'expected the settings themselves, got a merge key';
  if (name === '__proto__') return 'expected a known setting, got an unknown key';
  return Object.hasOwn(before, name) ? 'expected every key once, got a duplicate key' : undefined;
}
