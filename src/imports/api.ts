// Importing for scripts, with GitLab's fields and status codes.
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { requireAccount } from '../accounts/presence.ts';
import { TokensLost } from '../accounts/provider-tokens.ts';
import type { RemoteRepository } from '../bitbucket/remote-repository.ts';
import type { ProviderConfig } from '../config/schema.ts';
import type { Import } from '../db/import-tables.ts';
import { AppError } from '../errors.ts';
import { parseInput } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import type { Catalogues } from './catalogue.ts';
import type { Choosing } from './choose-page.ts';
import { keepTyped, listCredentials } from './credentials.ts';
import { projectOf } from '../projects/api.ts';
import { describeImport } from './describe.ts';
import { startImport } from './start.ts';
import { findLatestImport } from './store.ts';
import { tryTyped } from './try-typed.ts';
import { watch } from './watch.ts';

/** @see https://docs.gitlab.com/api/import/#import-repository-from-bitbucket-cloud */
const body = z.object({
  repo_path: z.string().min(1).max(300),
  bitbucket_email: z.string().max(254).optional(),
  bitbucket_api_token: z.string().min(1).max(4000).optional(),
  bitbucket_username: z.string().optional(),
  bitbucket_app_password: z.string().optional(),
  target_namespace: z.string().max(200).optional(),
  new_name: z.string().max(200).optional(),
});

/**
 * POST /api/v4/import/bitbucket → 201. With an e-mail and API token of Bitbucket, or with what the person has let this
 * server read by, in the browser. 400: a field is missing; 401: Bitbucket refuses the token; 403: importing is switched
 * off; 409: it is being imported; 422: there is no such repository, or the target will not do.
 */
export function importByApi(web: Web, { providers, catalogues }: Choosing): RequestHandler {
  return async (req, res) => {
    const form = parseInput(body, req.body);
    if (form.bitbucket_app_password !== undefined)
      throw new AppError('bad_request', {
        sentence:
          'Bitbucket removed app passwords in July 2026. Send bitbucket_email and bitbucket_api_token with an API token instead.',
      });
    const [provider] = await providers.importSources();
    if (!provider) throw new AppError('import_disabled');
    const account = requireAccount(req);
    const { credentialId, repository } = await findSource(web, req, { form, provider, catalogues });
    const begun = await startImport(web.services, {
      account,
      source: { provider: provider.name, repository },
      credentialId,
      namespace: form.target_namespace || undefined,
      name: form.new_name || undefined,
    });
    res.status(201).json(await describe(web, begun));
  };
}

interface Asked {
  form: z.infer<typeof body>;
  provider: ProviderConfig;
  catalogues: Catalogues;
}

/** The repository, and what it was read with. A token that comes along is kept once it has read it. */
async function findSource(
  { services }: Web,
  req: Request,
  { form, provider, catalogues }: Asked,
): Promise<{ credentialId: number; repository: RemoteRepository }> {
  const account = requireAccount(req);
  const { repo_path: path, bitbucket_email: email, bitbucket_api_token: token } = form;
  if (token !== undefined && email !== undefined) {
    const typed = { provider: provider.name, kind: 'api_token', email, token, label: email } as const;
    const repository = await tryTyped(services, { provider, typed }, (client) => client.getRepository(path));
    const credentialId = await keepTyped(services, account, typed, req);
    catalogues.forget(credentialId); // what the old one could read
    return { credentialId, repository };
  }
  const [newest] = await listCredentials(services.db, account.id, provider.name);
  if (!newest || token !== undefined || email !== undefined)
    throw new AppError('bad_request', {
      sentence: 'Send bitbucket_email and bitbucket_api_token, or open Bitbucket for importing in the browser first.',
    });
  const repository = await find(catalogues, newest.id, path).catch(toStatus);
  return { credentialId: newest.id, repository };
}

async function find(catalogues: Catalogues, credentialId: number, path: string): Promise<RemoteRepository> {
  const finder = await catalogues.finder(credentialId);
  return finder(path);
}

function toStatus(error: unknown): never {
  if (error instanceof TokensLost)
    throw new AppError('invalid_token', {
      cause: error,
      sentence:
        'Bitbucket does not accept any more what was given earlier. Open it for importing in the browser again.',
    });
  throw error;
}

/** GET /api/v4/projects/:id/import: the newest import of a project; see describe.ts. */
export function showImportAsData(web: Web): RequestHandler {
  return async (req, res) => {
    const { db } = web.services;
    const newest = await findLatestImport(db, (await projectOf(web, req)).id);
    if (!newest) throw new AppError('not_found');
    res.json(await describeImport(db, newest));
  };
}

/** As GitLab's, as far as there is something to say. */
async function describe({ services, site }: Web, row: Import) {
  const { project } = await watch(services.db, row);
  const path = `${project.namespace}/${project.name}`;
  return {
    id: project.id,
    name: project.name,
    full_path: path,
    full_name: `${project.namespace} / ${project.title}`,
    web_url: `${site.origin}${site.base}/projects/${path}`,
    import_source: project.source_full_name,
    import_status: row.status === 'queued' ? 'scheduled' : 'started',
    provider_link: project.source_url,
    import_id: row.id,
  };
}
