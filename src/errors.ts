// Every error a visitor can meet: its HTTP status, its stable code, and a sentence fit for a page. Anything else that is
// thrown is a bug and becomes a neutral 500.

export interface AppErrorOptions {
  cause?: unknown;
  /** Whole seconds after which a retry makes sense; sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** Where the person wanted to go; the page's next step keeps it. Always a checked path (web/return-to). */
  returnTo?: string;
  /** The methods the path does answer to; sent as `Allow` with 405. */
  allow?: string;
}

export class AppError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds?: number;
  readonly returnTo?: string;
  readonly allow?: string;

  /** @param sentence plain words for the visitor; never a foreign message, never text taken from the request */
  constructor(status: number, code: string, sentence: string, options: AppErrorOptions = {}) {
    super(sentence, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.status = status;
    this.code = code;
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
    if (options.returnTo !== undefined) this.returnTo = options.returnTo;
    if (options.allow !== undefined) this.allow = options.allow;
  }
}
