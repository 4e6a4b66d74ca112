// The `fields` parameter: which keys an answer has. `a.b` alone asks for nothing else, `+a.b` adds to what is told anyway,
// `-a.b` leaves out, `*` stands for every key. https://developer.atlassian.com/cloud/bitbucket/rest/intro/#partial-response
import type { Json } from './repository-parts.ts';

/**
 * The answer as `fields` wants it. @param whole everything that could be told
 * @param hidden what is told only to those who ask for it, as paths of `fields`
 */
export function selectFields(whole: Json, hidden: readonly string[], fields: string | null): Json {
  const usual = hidden.reduce<unknown>((rest, path) => without(rest, path.split('.')), whole);
  const parts = (fields ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  const isAddition = (part: string): boolean => part.startsWith('+');
  const isRemoval = (part: string): boolean => part.startsWith('-');
  const isPlain = (part: string): boolean => !isAddition(part) && !isRemoval(part);
  let chosen: unknown = parts.some(isPlain) ? {} : usual;
  for (const part of parts.filter((part) => !isRemoval(part))) {
    chosen = merge(chosen, pick(usual, whole, part.replace(/^\+/, '').split('.')));
  }
  for (const part of parts.filter(isRemoval)) chosen = without(chosen, part.slice(1).split('.'));
  return chosen as Json;
}

/** What lies at the path: as it is usually told where it is, else whole. */
function pick(usual: unknown, whole: unknown, path: string[]): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return usual === undefined ? whole : usual;
  if (Array.isArray(whole)) return whole.map((element, index) => pick(at(usual, index), element, path));
  if (!isObject(whole)) return whole === null ? null : undefined;
  const found: Json = {};
  for (const key of keysFor(step, whole)) {
    const value = pick(at(usual, key), whole[key], rest);
    if (value !== undefined) found[key] = value;
  }
  return found;
}

function without(value: unknown, path: string[]): unknown {
  const [step, ...rest] = path;
  if (Array.isArray(value)) return value.map((element) => without(element, path));
  if (!isObject(value) || step === undefined) return value;
  const left = { ...value };
  for (const key of keysFor(step, value)) {
    if (rest.length === 0) delete left[key];
    else left[key] = without(value[key], rest);
  }
  return left;
}

function merge(a: unknown, b: unknown): unknown {
  if (Array.isArray(a) && Array.isArray(b)) return b.map((element, index) => merge(a[index], element));
  if (!isObject(a) || !isObject(b)) return b === undefined ? a : b;
  const both: Json = { ...a };
  for (const [key, value] of Object.entries(b)) both[key] = merge(a[key], value);
  return both;
}

function keysFor(step: string, object: Json): string[] {
  if (step === '*') return Object.keys(object);
  return Object.hasOwn(object, step) ? [step] : [];
}

function at(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isObject(value) ? value[key] : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
