// A token that somebody gives by hand is tried before it is kept: what Bitbucket refuses would only fail later, out of sight.
import { TokensLost } from '../accounts/provider-tokens.ts';
import { toAppError } from '../accounts/failures.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { ImportClient } from '../bitbucket/import-client.ts';
import type { ProviderConfig } from '../config/schema.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import { clientWith, withToken } from './access.ts';
import type { TypedCredential } from './credentials.ts';

/** Somebody waits for the answer, and can press the button again. */
const TRY_MS = 8000;

/**
 * Reads something with the token.
 * @param look the one call that it is tried with
 * @throws AppError with what Bitbucket says of it: `invalid_token`, `import_permissions`, `not_importable`; or that
 * Bitbucket could not be asked: `provider_failed`, `provider_busy`, `provider_timeout`
 */
export async function tryTyped<T>(
  { http }: Pick<Services, 'http'>,
  { provider, typed }: { provider: ProviderConfig; typed: TypedCredential },
  look: (client: ImportClient) => Promise<T>,
): Promise<T> {
  const cut = new AbortController();
  const late = setTimeout(
    () => cut.abort(new BitbucketFailure('timeout', 'repositories', 'no answer in time')),
    TRY_MS,
  );
  try {
    const access = { provider, ...withToken(typed, typed.token) };
    return await look(clientWith(access, { http, signal: cut.signal }));
  } catch (error) {
    throw refusalOf(error, typed);
  } finally {
    clearTimeout(late);
  }
}

/** The call that a token typed in on the page is tried with: to what it has to open first. */
export async function lookAround(client: ImportClient, { kind, label }: TypedCredential): Promise<void> {
  if (kind === 'api_token') await client.listWorkspaces();
  else if (label.includes('/')) await client.getRepository(label);
  else await client.pagesOfRepositories(label, { ofMember: false }).next();
}

function refusalOf(error: unknown, { kind }: TypedCredential): unknown {
  if (error instanceof TokensLost) return new AppError('invalid_token', { cause: error, sentence: WRONG[kind] });
  if (!(error instanceof BitbucketFailure)) return error;
  const { reason, remoteStatus, requiredScopes = [] } = error;
  const scopes = requiredScopes.join(', ');
  if (reason === 'missing_scope')
    return new AppError('import_permissions', {
      cause: error,
      sentence: `Bitbucket says that the token lacks the permission ${scopes}. Make a token that has it, and use that.`,
    });
  if (remoteStatus === 403)
    return new AppError('import_permissions', {
      cause: error,
      sentence: `Bitbucket does not let this token read there (403). It needs the permission ${scopes}, and its owner has to be let in there.`,
    });
  if (remoteStatus === 404 || error.permanent)
    return new AppError('not_importable', { cause: error, sentence: NOT_THERE });
  const { code, options } = toAppError(error, undefined) as AppError;
  return new AppError(code, { ...options, sentence: AWAY });
}

const WRONG: Record<TypedCredential['kind'], string> = {
  api_token:
    'Bitbucket does not accept this API token with this e-mail address. Is the address that of the Atlassian account, and the token copied whole and not expired?',
  access_token: 'Bitbucket does not accept this access token. Was it copied whole, and neither expired nor revoked?',
};

const NOT_THERE = 'Bitbucket has no such workspace or repository, or does not show it to this token.';

const AWAY =
  'Bitbucket did not answer properly, so the token could not be tried, and nothing was kept. Please try again in a moment.';
