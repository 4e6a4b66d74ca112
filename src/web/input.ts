// What comes in by form, JSON or query: checked against a schema, so that handlers only ever see the types they expect.
import { parseCookie } from 'cookie';
import express from 'express';
import type { Request, RequestHandler } from 'express';
import type { z } from 'zod';
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

const readForm = express.urlencoded({ extended: false, limit: LIMIT, parameterLimit: 100 });
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

/** @throws AppError 400 `bad_request` when it does not fit; names the fields, never their values */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const fields = [...new Set(result.error.issues.map((issue) => String(issue.path[0] ?? 'body')))];
  throw new AppError('bad_request', {
    cause: new Error(`fields of an unexpected form: ${fields.join(', ').slice(0, 200)}`),
  });
}
