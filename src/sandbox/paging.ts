// Pages of a list, as API 2.0 cuts them: `next` is an absolute URL and missing on the last page.
// https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination
import type { Request, Response } from 'express';
import { sendApiError } from './api-errors.ts';
import { queryOf } from './requests.ts';

const DEFAULT_PAGELEN = 10;
const MAX_PAGELEN = 100;

/** Answers with the page the query asks for; 400 for a `pagelen` or `page` that is none. */
export function sendPageOf(request: Request, response: Response, list: unknown[], url: string): void {
  const query = queryOf(request);
  const pagelen = readNumber(query, 'pagelen', DEFAULT_PAGELEN);
  const page = pageOf(request);
  if (pagelen === undefined || pagelen > MAX_PAGELEN)
    return sendApiError(response, 400, { message: 'Invalid pagelen' });
  if (page === undefined) return sendApiError(response, 400, { message: 'Invalid page' });
  const end = page * pagelen;
  response.json({
    pagelen,
    size: list.length,
    page,
    values: list.slice(end - pagelen, end),
    ...(end < list.length ? { next: withPage(url, query, page + 1) } : {}),
    ...(page > 1 ? { previous: withPage(url, query, page - 1) } : {}),
  });
}

/** The page asked for, counted from 1; undefined when it is no page number. */
export function pageOf(request: Request): number | undefined {
  return readNumber(queryOf(request), 'page', 1);
}

function readNumber(query: URLSearchParams, name: string, fallback: number): number | undefined {
  const text = query.get(name);
  if (text === null) return fallback;
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

function withPage(url: string, query: URLSearchParams, page: number): string {
  const copy = new URLSearchParams(query);
  copy.set('page', String(page));
  return `${url}?${copy.toString()}`;
}
