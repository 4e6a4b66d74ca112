// Pages of a list, as API 2.0 cuts them: `next` is an absolute URL and missing on the last page.
// https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination
import type { Request, Response } from 'express';
import { sendApiError } from './api-errors.ts';
import { selectFields } from './fields.ts';
import type { Json } from './repository-parts.ts';
import { queryOf } from './requests.ts';

const DEFAULT_PAGELEN = 10;
const MAX_PAGELEN = 100;

export interface PageRules {
  /** Absolute URL of the list without query: what `next` is made of. */
  url: string;
  /** Defaults to 100. */
  maxPagelen?: number;
  /** Is the list told by an iterator, which knows neither `size` nor `page`? */
  isIterated?: boolean;
  /** What is told only to those who ask for it by `fields`. */
  hidden?: readonly string[];
}

export interface Paging {
  page: number;
  pagelen: number;
  start: number;
  end: number;
}

/** Answers with the page the query asks for; 400 for a `pagelen` or `page` that is none. */
export function sendPageOf(request: Request, response: Response, list: unknown[], url: string): void {
  const paging = readPaging(request, response, { url });
  if (!paging) return;
  const values = list.slice(paging.start, paging.end);
  sendPage(request, response, { url, ...paging, values, size: list.length });
}

/** The page asked for; undefined when there is no such page, which is answered with 400. */
export function readPaging(request: Request, response: Response, { maxPagelen }: PageRules): Paging | undefined {
  const pagelen = readNumber(queryOf(request), 'pagelen', DEFAULT_PAGELEN);
  const page = pageOf(request);
  if (pagelen === undefined || pagelen > (maxPagelen ?? MAX_PAGELEN)) {
    sendApiError(response, 400, { message: 'Invalid pagelen' });
  } else if (page === undefined) {
    sendApiError(response, 400, { message: 'Invalid page' });
  } else {
    return { page, pagelen, start: (page - 1) * pagelen, end: page * pagelen };
  }
  return undefined;
}

/** Writes one page; `values` are those of this page, `size` counts all. */
export function sendPage(
  request: Request,
  response: Response,
  told: PageRules & Paging & { values: unknown[]; size: number },
): void {
  const query = queryOf(request);
  const { url, page, pagelen, size, values } = told;
  const whole: Json = {
    pagelen,
    ...(told.isIterated ? {} : { size, page }),
    values,
    ...(told.end < size ? { next: withParameter(url, query, 'page', String(page + 1)) } : {}),
    ...(page > 1 && !told.isIterated ? { previous: withParameter(url, query, 'page', String(page - 1)) } : {}),
  };
  response.json(selectFields(whole, told.hidden ?? [], query.get('fields')));
}

/** The page asked for, counted from 1; undefined when it is no page number. */
export function pageOf(request: Request): number | undefined {
  return readNumber(queryOf(request), 'page', 1);
}

/** The address of another page: the same query but for one parameter. */
export function withParameter(url: string, query: URLSearchParams, name: string, value: string): string {
  const copy = new URLSearchParams(query);
  copy.set(name, value);
  return `${url}?${copy.toString()}`;
}

function readNumber(query: URLSearchParams, name: string, fallback: number): number | undefined {
  const text = query.get(name);
  if (text === null) return fallback;
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
