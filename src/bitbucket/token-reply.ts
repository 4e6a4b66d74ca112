// What the token endpoint may answer, before and after Bitbucket's change of 2026 (CHANGE-3052: `scope`, longer tokens).
import { z } from 'zod';
import { BitbucketFailure } from './failure.ts';

/** A token and what it is good for. */
export interface TokenSet {
  accessToken: string;
  refreshToken?: string;
  expiresInSeconds: number;
  /** `undefined`: not said, which means all that were asked for. */
  scopes?: string[];
}

/** Bitbucket's tokens are JWTs of up to 2,500 characters and more; a header may hold 16 KiB in all. */
const maxTokenLength = 12_000;

/**
 * The characters of a bearer token. Nothing else may come near an Authorization header: no space, no line break.
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
const token = z
  .string()
  .max(maxTokenLength)
  .regex(/^[A-Za-z0-9._~+/-]+=*$/);

/** One hour: what Atlassian documents. At most a day, so that no timer overflows; a wrong guess costs one refresh. */
const defaultSeconds = 3600;
const maxSeconds = 86_400;
const seconds = z.coerce
  .number()
  .positive()
  .catch(defaultSeconds)
  .transform((value) => Math.min(Math.ceil(value), maxSeconds));

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */
const scopeList = z
  .string()
  .max(4096)
  .transform((text) => text.split(/[\s,]+/).filter((scope) => /^[a-z_:]{1,64}$/.test(scope)))
  .optional()
  .catch(undefined);

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1 */
const tokenReply = z.object({
  access_token: token,
  // REQUIRED by the RFC, and a token of another type must not be used as a bearer token (§7.1).
  token_type: z.string().regex(/^bearer$/i),
  expires_in: seconds,
  refresh_token: token.nullish(),
  scope: scopeList,
  scopes: scopeList,
});

/** @throws BitbucketFailure `failed` unless the body holds a usable bearer token; says which field, never its value */
export function toTokenSet(body: unknown): TokenSet {
  const { data, error } = tokenReply.safeParse(body);
  if (!data) {
    const field = error.issues[0]?.path.join('.') || 'the whole';
    throw new BitbucketFailure('failed', 'token', `the answer is not a bearer token (${field})`, { remoteStatus: 200 });
  }
  const scopes = data.scope ?? data.scopes;
  return {
    accessToken: data.access_token,
    expiresInSeconds: data.expires_in,
    ...(data.refresh_token ? { refreshToken: data.refresh_token } : {}),
    ...(scopes ? { scopes } : {}),
  };
}

/** The error answer of RFC 6749 §5.2. */
export interface ErrorReply {
  error: string;
  error_description?: unknown;
}

export function isErrorReply(body: unknown): body is ErrorReply {
  return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string';
}
