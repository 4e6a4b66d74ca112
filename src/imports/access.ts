// With what an import reads at Bitbucket: somebody's consent, or a token that they typed in.
import { ProviderTokens, TokensLost } from '../accounts/provider-tokens.ts';
import { Api, type ApiOptions } from '../bitbucket/api.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import { ImportClient } from '../bitbucket/import-client.ts';
import type { ProviderConfig } from '../config/schema.ts';
import type { ImportCredential } from '../db/import-tables.ts';
import { GitFailure } from '../git/failure.ts';
import type { Services } from '../services.ts';
import { findCredential, openTyped } from './credentials.ts';

export interface GitCredential {
  username: string;
  password: string;
}

/** Reads in the name of one credential. Both methods throw TokensLost when only its owner can help. */
export interface Access {
  credential: ImportCredential;
  provider: ProviderConfig;
  /** Does something with a valid Authorization header; once more with a new one if Bitbucket says 401. */
  api<T>(work: (authorization: string) => Promise<T>): Promise<T>;
  /** The same for git over HTTPS. */
  git<T>(work: (credential: GitCredential) => Promise<T>): Promise<T>;
}

/** A client that asks with this access. */
export function clientWith(
  access: Pick<Access, 'provider' | 'api'>,
  options: Omit<ApiOptions, 'authorize' | 'url' | 'apiUrl'>,
): ImportClient {
  const { url, api_url: apiUrl } = access.provider;
  return new ImportClient(new Api({ ...options, url, apiUrl, authorize: (work) => access.api(work) }));
}

/** One for a process, so that those who need the same new token wait for one refresh. */
export class Accesses {
  readonly #services: Services;
  readonly #tokens: ProviderTokens;

  constructor(services: Services) {
    this.#services = services;
    this.#tokens = new ProviderTokens(services);
  }

  /** @throws TokensLost when it was forgotten, or the provider is not configured any more */
  async open(credentialId: number | null): Promise<Access> {
    const { db, config } = this.#services;
    const credential = credentialId === null ? undefined : await findCredential(db, credentialId);
    const provider = config().omniauth.providers.find(({ name }) => name === credential?.provider);
    if (!credential || !provider) throw new TokensLost();
    return credential.kind === 'oauth' ? this.#byConsent(credential, provider) : this.#byToken(credential, provider);
  }

  /** @see https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/ (git with an access token) */
  #byConsent(credential: ImportCredential, provider: ProviderConfig): Access {
    const holder = { credentialId: credential.id };
    return {
      credential,
      provider,
      api: (work) => this.#tokens.withAccessToken(holder, (token) => work(`Bearer ${token}`)),
      git: (work) =>
        this.#tokens.withAccessToken(holder, (token) =>
          work({ username: 'x-token-auth', password: token }).catch(asUnauthorized),
        ),
    };
  }

  #byToken(credential: ImportCredential, provider: ProviderConfig): Access {
    const token = openTyped(this.#services, credential);
    if (token === undefined) throw new TokensLost();
    return { credential, provider, ...withToken(credential, token) };
  }
}

/** An API token goes with the e-mail of its owner (Basic), an access token by itself (Bearer). */
export function withToken(
  { kind, email }: Pick<ImportCredential, 'kind' | 'email'>,
  token: string,
): Pick<Access, 'api' | 'git'> {
  const byOwner = kind === 'api_token';
  const basic = Buffer.from(`${email ?? ''}:${token}`).toString('base64');
  const username = byOwner ? 'x-bitbucket-api-token-auth' : 'x-token-auth';
  return {
    api: (work) => work(byOwner ? `Basic ${basic}` : `Bearer ${token}`).catch(asLost),
    git: (work) => work({ username, password: token }).catch(asUnauthorized).catch(asLost),
  };
}

/** git says "refused" for a token that has expired on the way, as the API says 401: then a new one is asked for, once. */
function asUnauthorized(error: unknown): never {
  if (!(error instanceof GitFailure) || error.reason !== 'refused') throw error;
  throw new BitbucketFailure('failed', 'repository', 'git was refused', { remoteStatus: 401 });
}

/** Nothing renews a token that was typed in: 401 is its end. */
function asLost(error: unknown): never {
  throw error instanceof BitbucketFailure && error.remoteStatus === 401 ? new TokensLost() : error;
}
