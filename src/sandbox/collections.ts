// Lists that can be filtered (`q`), sorted (`sort`), cut into pages and told in part (`fields`).
import type { Request, Response } from 'express';
import { sendApiError } from './api-errors.ts';
import { selectFields } from './fields.ts';
import { parseFilter } from './filter.ts';
import { readPaging, sendPage, type PageRules } from './paging.ts';
import type { Json } from './repository-parts.ts';
import { queryOf } from './requests.ts';
import { compareOrders, orderOf, valuesAt } from './values.ts';

export interface Collection<T> extends PageRules {
  items: readonly T[];
  toObject: (item: T) => Json;
  /** Values that filters and sorting ask for often, without the whole object being made; by dotted path. */
  quick?: Record<string, (item: T) => unknown>;
}

/** Answers with one page of the list; 400 for a query, field or page that is none. */
export function sendCollection<T>(request: Request, response: Response, collection: Collection<T>): void {
  const paging = readPaging(request, response, collection);
  if (!paging) return;
  const query = queryOf(request);
  try {
    const chosen = sort(collection, filter(collection, query.get('q')), query.get('sort'));
    const values = chosen.slice(paging.start, paging.end).map(collection.toObject);
    sendPage(request, response, { ...collection, ...paging, values, size: chosen.length });
  } catch (error) {
    if (!(error instanceof BadQuery)) throw error;
    sendApiError(response, 400, { message: error.message, detail: error.detail });
  }
}

/** Answers with one object, told as `fields` wants it. */
export function sendObject(request: Request, response: Response, object: Json): void {
  response.json(selectFields(object, [], queryOf(request).get('fields')));
}

class BadQuery extends Error {
  readonly detail: string;

  constructor(message: string, detail: string) {
    super(message);
    this.detail = detail;
  }
}

function filter<T>(collection: Collection<T>, q: string | null): readonly T[] {
  if (q === null || q.trim() === '') return collection.items;
  try {
    const holds = parseFilter(q);
    return collection.items.filter((item) => holds((path) => read(collection, item, path)));
  } catch (error) {
    throw new BadQuery('Invalid query', error instanceof Error ? error.message : '');
  }
}

function sort<T>(collection: Collection<T>, items: readonly T[], order: string | null): readonly T[] {
  if (order === null || order === '') return items;
  const path = order.replace(/^-/, '');
  const found = items.map((item) => ({ item, values: read(collection, item, path) }));
  if (found.length > 0 && found.every(({ values }) => values.length === 0)) {
    throw new BadQuery('Invalid field name', `Invalid field name: ${path}`);
  }
  const sign = order.startsWith('-') ? -1 : 1;
  const ordered = found.map(({ item, values }) => ({ item, order: orderOf(values[0]) }));
  return ordered.sort((a, b) => sign * compareOrders(a.order, b.order)).map(({ item }) => item);
}

function read<T>({ quick, toObject }: Collection<T>, item: T, path: string): unknown[] {
  const reader = quick?.[path];
  return reader ? [reader(item)] : valuesAt(toObject(item), path);
}
