// Answers a test puts in the place of one person's GET /user or GET /user/emails, however wrong they are.
import type { Response } from 'express';

/** `json` is written as JSON, `text` as it is (a Buffer byte by byte); neither gives an empty body. */
export interface Override {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  text?: string | Buffer;
}

/** A list answers ?page=1, ?page=2 … in turn. */
export interface Overrides {
  user?: Override;
  emails?: Override | Override[];
}

/** Writes the override and says so; false when there is none for this page. */
export function answerOverride(override: Override | Override[] | undefined, page: number, response: Response): boolean {
  const chosen = Array.isArray(override) ? override[page - 1] : override;
  if (!chosen) return false;
  response.status(chosen.status ?? 200).set({ 'Content-Type': 'application/json; charset=utf-8', ...chosen.headers });
  response.end('json' in chosen ? JSON.stringify(chosen.json) : (chosen.text ?? ''));
  return true;
}
