// The error that a visitor can meet: one of the kinds in error-kinds.ts. Anything else that is thrown is a bug and becomes
// `internal`.
import type { ErrorKind } from './error-kinds.ts';
import { kinds } from './error-kinds.ts';

export type ErrorCode = keyof typeof kinds;

export const errorKinds: Readonly<Record<ErrorCode, ErrorKind>> = kinds;

export interface AppErrorOptions {
  cause?: unknown;
  /** Replaces the table's sentence. Plain words; never a foreign message, never text taken from the request. */
  sentence?: string;
  /** Whole seconds after which a retry makes sense; sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** Where the person wanted to go; "try again" keeps it. Always a checked path (web/return-to). */
  returnTo?: string | undefined;
  /** Whose account was refused, where that is known: for the audit log, told to nobody else. */
  account?: { id: number; username: string } | undefined;
  /** The methods the path does answer to; sent as `Allow` with 405. */
  allow?: string;
  /** Further members of the problem that scripts are told (RFC 9457, section 3.2). */
  members?: Record<string, unknown>;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly options: AppErrorOptions;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.sentence ?? kinds[code].sentence, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'AppError';
    this.code = code;
    this.status = kinds[code].status;
    this.options = options;
  }
}

/** Why a command cannot go on: one line for an administrator, with the next step. */
export class StartProblem extends Error {}
