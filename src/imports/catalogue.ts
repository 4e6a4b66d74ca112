// Every repository that a credential may read, over all workspaces: read once and kept for some minutes, because Bitbucket
// counts the calls and people page, search and sort.
import { toAppError } from '../accounts/failures.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { ImportClient } from '../bitbucket/import-client.ts';
import type { RemoteRepository } from '../bitbucket/remote-repository.ts';
import { AppError } from '../errors.ts';
import type { ImportCredential } from '../db/import-tables.ts';
import type { Services } from '../services.ts';
import type { Access, Accesses } from './access.ts';
import { clientWith } from './access.ts';

export interface Catalogue {
  repositories: RemoteRepository[];
  /** Slugs, in order. */
  workspaces: string[];
  /** Workspaces that could not be read. */
  unread: string[];
  /** Milliseconds since the epoch. */
  readAt: number;
}

const KEPT_MS = 5 * 60_000;
const MAX_KEPT = 50;
const WORKSPACES_AT_ONCE = 4;
/** For one reading; somebody waits for the page. */
const READ_MS = 60_000;

/** One for a process. Catalogues of the same credential that are asked for together share one reading. */
export class Catalogues {
  readonly #services: Services;
  readonly #accesses: Accesses;
  readonly #kept = new Map<number, { until: number; catalogue: Promise<Catalogue> }>();

  constructor(services: Services, accesses: Accesses) {
    this.#services = services;
    this.#accesses = accesses;
  }

  /**
   * @param fresh read it again, whatever is kept
   * @throws TokensLost, or BitbucketFailure when not even the workspaces can be read
   */
  get(credentialId: number, { fresh } = { fresh: false }): Promise<Catalogue> {
    const now = this.#services.now();
    const known = this.#kept.get(credentialId);
    if (known && !fresh && now < known.until) return known.catalogue;
    const catalogue = this.#read(credentialId);
    this.#kept.delete(credentialId);
    this.#kept.set(credentialId, { until: now + KEPT_MS, catalogue });
    catalogue.catch(() => this.#kept.delete(credentialId));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
    return catalogue;
  }

  /** What it reads may be something else by now. */
  forget(credentialId: number): void {
    this.#kept.delete(credentialId);
  }

  /**
   * @returns finds a repository by `workspace/slug` or uuid, in what is kept or by asking for it; throws TokensLost, or
   * AppError `not_importable` for one that is not there, or that this credential may not read. @throws TokensLost
   */
  async finder(credentialId: number): Promise<(name: string) => Promise<RemoteRepository>> {
    const kept = await this.#kept.get(credentialId)?.catalogue.catch(() => undefined);
    const known = new Map<string, RemoteRepository>();
    for (const repository of kept?.repositories ?? [])
      known.set(repository.uuid, repository).set(repository.fullName.toLowerCase(), repository);
    const client = this.#clientOf(await this.#accesses.open(credentialId));
    return async (name) => known.get(name.toLowerCase()) ?? getRepository(client, name);
  }

  #clientOf(access: Access): ImportClient {
    const cut = new AbortController();
    const late = new BitbucketFailure('timeout', 'repositories', 'the list was not read in time');
    setTimeout(() => cut.abort(late), READ_MS).unref();
    return clientWith(access, { http: this.#services.http, signal: cut.signal });
  }

  async #read(credentialId: number): Promise<Catalogue> {
    const access = await this.#accesses.open(credentialId);
    const client = this.#clientOf(access);
    const readAt = this.#services.now();
    const { kind, label } = access.credential;
    if (kind === 'access_token' && label.includes('/')) {
      const repository = await getRepository(client, label);
      return { repositories: [repository], workspaces: [repository.workspace], unread: [], readAt };
    }
    // An access token is not a person's: it reads one workspace, which was typed in beside it.
    const workspaces =
      kind === 'access_token' ? [label] : (await client.listWorkspaces()).map(({ slug }) => slug).sort();
    const unread: string[] = [];
    const found = new Map<string, RemoteRepository>();
    const queue = [...workspaces];
    const work = async () => {
      for (let slug = queue.shift(); slug !== undefined; slug = queue.shift()) {
        const workspace = slug;
        await readWorkspace(client, { workspace, kind }, found).catch((error: unknown) => {
          if (!(error instanceof BitbucketFailure)) throw error;
          unread.push(workspace);
        });
      }
    };
    await Promise.all(Array.from({ length: WORKSPACES_AT_ONCE }, work));
    return { repositories: [...found.values()], workspaces, unread: unread.sort(), readAt };
  }
}

/** @throws AppError `not_importable` for one that is not there, or may not be read; or that Bitbucket could not be asked */
async function getRepository(client: ImportClient, name: string): Promise<RemoteRepository> {
  try {
    return await client.getRepository(name);
  } catch (error) {
    if (!(error instanceof BitbucketFailure)) throw error;
    const isRefused = error.permanent || error.remoteStatus === 403 || error.remoteStatus === 404;
    throw isRefused ? new AppError('not_importable', { cause: error }) : toAppError(error, undefined);
  }
}

async function readWorkspace(
  client: ImportClient,
  { workspace, kind }: { workspace: string; kind: ImportCredential['kind'] },
  found: Map<string, RemoteRepository>,
): Promise<void> {
  // An access token is nobody's, so it is no member of anything.
  for await (const { items } of client.pagesOfRepositories(workspace, { ofMember: kind !== 'access_token' }))
    for (const repository of items) found.set(repository.uuid, repository);
}
