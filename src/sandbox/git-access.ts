// Which repository a request of git or LFS is about, and whether its caller may read it, answered as Bitbucket does.
import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler } from 'express';

/** May be changed at any time, as everything of a running sandbox. */
export interface GitRepository {
  workspace: string;
  slug: string;
  isPrivate: boolean;
  /** A bare repository, for example one of `makeGitRepository`. */
  dir: string;
  /** SHA-256 of each LFS object that the storage has. */
  lfs: Map<string, Buffer>;
  /**
   * What may be fetched by its hash: `any` object (the default, and what protocol 2 does), only what a ref reaches, or
   * only tips of refs. The latter two speak protocol 0: it is not established what Bitbucket does.
   */
  fetchBySha?: 'any' | 'reachable' | 'tips';
}

export interface GitRouteOptions {
  /** By slug, or by uuid with braces. */
  find: (workspace: string, slug: string) => GitRepository | undefined;
  /**
   * Whether the caller may read: false hides the repository (404) from a caller with credentials and asks one without
   * for them (401); `unauthorized` says that the credentials are no good (401). See `gitCredentials`.
   */
  mayRead: (request: IncomingMessage, repository: GitRepository) => boolean | 'unauthorized';
  /** Base of the storage for LFS objects, with a slash at its end; by default the host that was asked. */
  storageUrl?: () => string;
}

/** What a caller of git or LFS shows: a bearer token, or a name and a password of HTTP Basic. */
export interface GitCredentials {
  /** `x-token-auth` goes with access tokens, `x-bitbucket-api-token-auth` or an address with API tokens. */
  username: string | undefined;
  secret: string;
}

/** The credentials of a request, of whatever kind; undefined without any that can be read. */
export function gitCredentials(request: IncomingMessage): GitCredentials | undefined {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(/ +/, 2);
  if (/^bearer$/i.test(scheme) && value) return { username: undefined, secret: value };
  if (!/^basic$/i.test(scheme)) return undefined;
  const [username = '', ...secret] = Buffer.from(value, 'base64').toString().split(':');
  return { username, secret: secret.join(':') };
}

const FOUND = new WeakMap<Request, GitRepository>();

/** The repository that `requireReader` let the caller pass to. */
export function repositoryOf(request: Request): GitRepository {
  const repository = FOUND.get(request);
  if (!repository) throw new Error('This route does not ask who reads');
  return repository;
}

/** Lets only those pass who may read; a stranger is asked for credentials whether the repository exists or not. */
export function requireReader({ find, mayRead }: GitRouteOptions): RequestHandler {
  return (request, response, next) => {
    const repository = find(String(request.params['workspace']), String(request.params['slug']));
    const may = repository ? mayRead(request, repository) : false;
    if (repository && may === true) {
      FOUND.set(request, repository);
      return next();
    }
    if (may === 'unauthorized' || request.headers.authorization === undefined) {
      response.status(401).set('WWW-Authenticate', 'Basic realm="Bitbucket.org HTTP"').type('text').end();
      return;
    }
    response.status(404).type('text').send('Repository not found\n');
  };
}
