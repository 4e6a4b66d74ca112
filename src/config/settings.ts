// Reads the schema: which settings exist, what is known about each, and how a text from the environment becomes a value.
import { z } from 'zod';
import type { Path } from './problems.ts';
import { settings, type Setting } from './fields.ts';
import { schema } from './schema.ts';

/** One leaf of the schema. Items of a list of mappings have `[]` in their key: `omniauth.providers[].url`. */
export interface Leaf extends Setting {
  key: string;
  path: string[];
  /** Undefined when there is no fixed default. */
  fallback: unknown;
}

let every: readonly Leaf[] | undefined;

/** Every setting in the order of the schema. */
export function listSettings(): readonly Leaf[] {
  return (every ??= leavesOf(schema)); // once: loading a configuration asks for it six times
}

function leavesOf(from: z.ZodType, prefix = ''): Leaf[] {
  const type = unwrap(from);
  if (type instanceof z.ZodArray) return leavesOf(type.element as z.ZodType, `${prefix}[]`);
  if (!(type instanceof z.ZodObject)) return [];
  return Object.entries(type.shape as Record<string, z.ZodType>).flatMap(([name, field]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    const known = settings.get(field);
    const leaf = known === undefined ? [] : [{ ...known, key, path: key.split('.'), fallback: fallbackOf(field) }];
    return [...leaf, ...leavesOf(field, key)];
  });
}

/** The value at a path of a configuration or of what is written, undefined where the path ends early. */
export function valueOf(config: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<string | number, unknown> | undefined)?.[step], config);
}

/** The schema of the value at a path, or undefined when the path leads nowhere. */
export function typeAt(path: Path): z.ZodType | undefined {
  let type: z.ZodType | undefined = schema;
  for (const step of path) {
    if (type === undefined) return undefined;
    type = typeof step === 'number' ? itemOf(unwrap(type)) : memberOf(unwrap(type), step);
  }
  return type;
}

/** The names of the settings directly below a path. */
export function namesAt(path: Path): string[] {
  const type = typeAt(path);
  const inner = type && unwrap(type);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** Whether a value at this path must not be shown: it is secret, lies in something secret, or may hold a secret. */
export function isSecret(path: Path): boolean {
  const types = path.map((_, at) => typeAt(path.slice(0, at + 1)));
  if (types.some((type) => type !== undefined && settings.get(type)?.secret)) return true;
  const type = typeAt(path);
  return type !== undefined && leavesOf(type).some((leaf) => leaf.secret);
}

/** Whether a number, true or false stands where a text is wanted. */
export function needsQuotes(value: unknown, path: Path): boolean {
  const type = typeAt(path);
  if (type === undefined || (typeof value !== 'number' && typeof value !== 'boolean')) return false;
  return kindsOf(unwrap(type)).includes('string');
}

/** Turns a text from the environment into what the setting at a path takes; a text that does not fit stays as it is. */
export function valueFromText(path: Path, text: string): unknown {
  const type = typeAt(path);
  const kinds = type === undefined ? [] : kindsOf(unwrap(type));
  if (kinds.includes('boolean') && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  if (kinds.includes('number') && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (kinds.includes('array') && !(kinds.includes('string') && !text.includes(','))) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }
  return text;
}

function kindsOf(type: z.ZodType): string[] {
  return type instanceof z.ZodUnion
    ? type.options.flatMap((option) => kindsOf(unwrap(option as z.ZodType)))
    : [type.type];
}

function itemOf(type: z.ZodType): z.ZodType | undefined {
  if (type instanceof z.ZodUnion) return (type.options as z.ZodType[]).map(itemOf).find((item) => item !== undefined);
  return type instanceof z.ZodArray ? (type.element as z.ZodType) : undefined;
}

function memberOf(type: z.ZodType, name: string): z.ZodType | undefined {
  if (!(type instanceof z.ZodObject) || !Object.hasOwn(type.shape, name)) return undefined;
  return (type.shape as Record<string, z.ZodType>)[name];
}

/** Takes off `.optional()`, `.default()` and `.prefault()`. */
function unwrap(type: z.ZodType): z.ZodType {
  const isWrapped = type instanceof z.ZodOptional || type instanceof z.ZodDefault || type instanceof z.ZodPrefault;
  return isWrapped ? unwrap(type.unwrap() as z.ZodType) : type;
}

function fallbackOf(type: z.ZodType): unknown {
  return type instanceof z.ZodDefault ? type.def.defaultValue : undefined;
}
