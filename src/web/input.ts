// What comes in by form, JSON or query: checked against a schema, so that handlers only ever see the types they expect.
import { parseCookie } from 'cookie';
import express from 'express';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';

const LIMIT = '100kb';

/** Cookies as plain strings. cookie-parser would turn `j:…` into objects, which express-session then takes for a string. */
export const readCookies: RequestHandler = (req, _res, next) => {
  req.cookies = parseCookie(req.headers.cookie ?? '');
  next();
};

export function cookieOf(req: Request, name: string): string | undefined {
  return (req.cookies as Record<string, string | undefined>)[name];
}

/** As many fields as the largest form has: a page of repositories to tick, and what it was narrowed down by. */
const MAX_FIELDS = 200;
const readForm = express.urlencoded({ extended: false, limit: LIMIT, parameterLimit: MAX_FIELDS });
const readJson = express.json({ limit: LIMIT });

/** Reads forms and JSON up to 100 kB; a body of another type is refused instead of ignored. */
export const readBody: RequestHandler = (req, res, next) => {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
  if (!hasBody) return next();
  readForm(req, res, (error?: unknown) => {
    if (error) return next(error);
    readJson(req, res, (error?: unknown) => {
      next(error ?? (req.body === undefined ? new AppError('unsupported_media_type') : undefined));
    });
  });
};

/** Whether a checkbox was ticked; scripts write it in several ways. */
export function isTicked(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'off'].includes(value);
}

/** What yes and no are called: by JSON, by GitLab, and by a form's checkbox. */
const YES: unknown[] = [true, 'true', '1', 'on'];
const NO: unknown[] = [false, 'false', '0', 'off', ''];

/** A yes or no of a form or of JSON. A word that is neither is refused: it could have meant the other one. */
export function yesOrNo(field: string) {
  const read = z.unknown().transform((value, context) => {
    if (YES.includes(value)) return true;
    if (NO.includes(value)) return false;
    context.addIssue({ code: 'custom', message: `Expected true or false for ${field}, got something else.` });
    return z.NEVER;
  });
  return read.optional();
}

/**
 * @throws AppError 400 `bad_request` when it does not fit, with the sentence of a `custom` issue of ours; else it names the
 * fields in the log, and never their values
 */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const sentence = result.error.issues.find(({ code }) => code === 'custom')?.message;
  const fields = [...new Set(result.error.issues.map((issue) => String(issue.path[0] ?? 'body')))];
  throw new AppError('bad_request', {
    ...(sentence === undefined ? {} : { sentence }),
    cause: new Error(`fields of an unexpected form: ${fields.join(', ').slice(0, 200)}`),
  });
}

/** The id of a row in an address. @throws AppError 404: what is no id names nothing */
export function idIn(text: string | string[] | undefined): number {
  // 15 digits are a safe integer, and fit into every database's.
  if (typeof text !== 'string' || !/^[1-9]\d{0,14}$/.test(text)) throw new AppError('not_found');
  return Number(text);
}
