// Choosing what to import: all repositories that the person may read at a provider, and the form that starts the imports.
import type { Request, RequestHandler, Response } from 'express';
import type { Providers } from '../accounts/providers.ts';
import { requireAccount } from '../accounts/presence.ts';
import { TokensLost } from '../accounts/provider-tokens.ts';
import { toAppError } from '../accounts/failures.ts';
import type { RemoteRepository } from '../bitbucket/remote-repository.ts';
import type { ProviderConfig } from '../config/schema.ts';
import type { ImportCredential } from '../db/import-tables.ts';
import { AppError } from '../errors.ts';
import { wantsJson } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import { timeOf } from '../web/time.ts';
import type { Web } from '../web/web.ts';
import type { Catalogue, Catalogues } from './catalogue.ts';
import type { Chosen } from './choose.ts';
import { CHANGED, choiceAddress, chooseQuery, narrowDown, SIZES, SORTS } from './choose.ts';
import { listCredentials } from './credentials.ts';
import type { Imported } from './imported.ts';
import { importedBy } from './imported.ts';
import { sizeInWords } from './wording.ts';

export interface Choosing {
  providers: Providers;
  catalogues: Catalogues;
}

/** GET /import/:provider/status, and the same with `.json`. */
export function showChoice(web: Web, choosing: Choosing): RequestHandler<{ provider: string }> {
  return async (req, res) => {
    const provider = await importSource(choosing.providers, req.params.provider);
    const asked = parseInput(chooseQuery, req.query);
    const credentials = await listCredentials(web.services.db, requireAccount(req).id, provider.name);
    const credential = credentials.find(({ id }) => id === asked.credential) ?? credentials[0];
    const json = wantsJson(req, web.site);
    if (!credential) {
      if (json)
        throw new AppError('reconnect', { sentence: 'Nothing of yours lets this server read at Bitbucket yet.' });
      return showAsking(web, req, res, { provider, lost: false });
    }
    const catalogue = await readCatalogue(choosing.catalogues, credential, req.query['fresh'] !== undefined);
    if (!catalogue) {
      if (json) throw new TokensLost();
      return showAsking(web, req, res, { provider, lost: true });
    }
    const imported = await importedBy(web.services.db, requireAccount(req).id, provider.name);
    const list = pageOf(catalogue, asked, { imported, now: web.services.now() });
    if (json) return void res.json(asJson(web, list, { provider, asked, imported, catalogue }));
    showList(web, req, res, { provider, credential, credentials, asked, imported, catalogue, list });
  };
}

/** @throws AppError `no_provider` for what is not configured, or switched off as a source of imports */
export async function importSource(providers: Providers, name: string): Promise<ProviderConfig> {
  const provider = (await providers.importSources()).find((candidate) => candidate.name === name);
  if (!provider)
    throw new AppError('no_provider', {
      sentence: 'Nothing can be imported from there: it is switched off or does not exist.',
    });
  return provider;
}

/** undefined = the person has to give a consent or token once more. */
export async function readCatalogue(
  catalogues: Catalogues,
  credential: ImportCredential,
  fresh: boolean,
): Promise<Catalogue | undefined> {
  try {
    return await catalogues.get(credential.id, { fresh });
  } catch (error) {
    if (error instanceof TokensLost) return undefined;
    throw toAppError(error, undefined);
  }
}

interface List {
  repositories: RemoteRepository[];
  total: number;
  page: number;
  pages: number;
}

function pageOf(
  { repositories }: Catalogue,
  asked: Chosen,
  { imported, now }: { imported: Imported; now: number },
): List {
  const found = narrowDown(repositories, asked, { imported, now });
  const pages = Math.max(1, Math.ceil(found.length / asked.per_page));
  const page = Math.min(asked.page, pages);
  const from = (page - 1) * asked.per_page;
  return { repositories: found.slice(from, from + asked.per_page), total: found.length, page, pages };
}

interface Shown {
  provider: ProviderConfig;
  asked: Chosen;
  imported: Imported;
  catalogue: Catalogue;
}

function asJson({ site }: Web, list: List, { provider, asked, imported, catalogue }: Shown) {
  const path = `/import/${provider.name}/status.json`;
  const next =
    list.page < list.pages
      ? `${site.origin}${site.base}${choiceAddress(path, { ...asked, page: list.page + 1 })}`
      : null;
  return {
    provider_repos: list.repositories.map((repository) => ({
      uuid: repository.uuid,
      full_name: repository.fullName,
      name: repository.name,
      workspace: repository.workspace,
      project: repository.project,
      is_private: repository.isPrivate,
      is_fork: repository.parent !== null,
      size: repository.size,
      updated_on: repository.updatedAt === null ? null : timeOf(repository.updatedAt).iso,
      imported: imported.has(repository.uuid),
      project_path: imported.get(repository.uuid) ?? null,
    })),
    next,
    workspaces: catalogue.workspaces,
    unread_workspaces: catalogue.unread,
    total: list.total,
  };
}

/** Nothing to read with yet, or not any more: the ways to give it. */
function showAsking(
  web: Web,
  req: Request,
  res: Response,
  { provider, lost }: { provider: ProviderConfig; lost: boolean },
): void {
  web.render(req, res, 'imports/ask', {
    title: `Import from ${provider.label}`,
    provider: { name: provider.name, label: provider.label },
    lost,
    returnTo: `${web.site.base}/import/${provider.name}/status`,
  });
}

interface Everything extends Shown {
  credential: ImportCredential;
  credentials: ImportCredential[];
  list: List;
}

function showList(web: Web, req: Request, res: Response, shown: Everything): void {
  const { provider, credential, credentials, asked, imported, catalogue, list } = shown;
  const path = `/import/${provider.name}/status`;
  const to = (change: Partial<Chosen>) => choiceAddress(path, { ...asked, page: 1, ...change });
  web.render(req, res, 'imports/choose', {
    title: `Import from ${provider.label}`,
    provider: { name: provider.name, label: provider.label },
    asked,
    path,
    credential: { id: credential.id, label: credential.label },
    credentials: credentials.map(({ id, label, kind }) => ({ id, label, kind, href: to({ credential: id }) })),
    choices: choicesOf(catalogue),
    sorts: Object.entries(SORTS).map(([sort, words]) => ({
      words,
      href: to({ sort: sort as keyof typeof SORTS }),
      current: sort === asked.sort,
    })),
    repositories: list.repositories.map((repository) => rowOf(repository, imported)),
    total: list.total,
    all: catalogue.repositories.length,
    unread: catalogue.unread,
    readAt: timeOf(catalogue.readAt),
    pageNumber: list.page,
    pages: list.pages,
    previous: list.page > 1 ? to({ page: list.page - 1 }) : null,
    next: list.page < list.pages ? to({ page: list.page + 1 }) : null,
    namespace: requireAccount(req).username,
    narrowed:
      to({}) !== choiceAddress(path, { ...chooseQuery.parse({}), sort: asked.sort, credential: asked.credential }),
    notImportedYet: list.repositories.some(({ uuid }) => !imported.has(uuid)),
  });
}

function rowOf(repository: RemoteRepository, imported: Imported) {
  return {
    uuid: repository.uuid,
    fullName: repository.fullName,
    name: repository.name,
    description: repository.description.slice(0, 200),
    project: repository.project,
    isPrivate: repository.isPrivate,
    forkOf: repository.parent,
    size: repository.size === null ? 'unknown' : sizeInWords(repository.size),
    updated: repository.updatedAt === null ? null : timeOf(repository.updatedAt),
    projectPath: imported.get(repository.uuid) ?? null,
  };
}

/** What the selects offer. */
function choicesOf({ repositories, workspaces }: Catalogue) {
  const projects = new Map<string, string>();
  for (const { project } of repositories) if (project) projects.set(project.key, project.name);
  const words = (table: Record<string, { words: string }>) =>
    Object.entries(table).map(([value, { words }]) => ({ value, words }));
  return {
    workspaces: workspaces.map((slug) => ({ value: slug, words: slug })),
    projects: [...projects].map(([value, name]) => ({ value, words: `${name} (${value})` })).sort(byWords),
    sizes: words(SIZES),
    changed: words(CHANGED),
  };
}

function byWords(a: { words: string }, b: { words: string }): number {
  return a.words.localeCompare(b.words, 'en');
}
