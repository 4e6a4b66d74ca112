// Settings of a repository that are worth keeping, its downloads, and the projects of a workspace.
import { Router, type Request, type RequestHandler } from 'express';
import { requireScopes } from './api-access.ts';
import { sendApiError } from './api-errors.ts';
import { sendCollection } from './collections.ts';
import { accountObject, formatTime, link, repositoryInShort } from './content-objects.ts';
import type { Realm } from './realm.ts';
import type { Download, Json } from './repository-parts.ts';
import { fullNameOf, type Repository } from './repositories.ts';
import { getRepository, requireAdministered, requireRepository, urlOf, uuidUrlOf } from './repository-access.ts';
import { projectObject } from './repository-objects.ts';
import { storageUrl } from './storage-routes.ts';

const HERE = '/repositories/:workspace/:repository';

export function settingsRoutes(realm: Realm): Router {
  const router = Router();
  const send = (path: string, listFor: (repository: Repository) => Json[]): RequestHandler => {
    return (request, response) => {
      const repository = getRepository(request);
      const url = `${uuidUrlOf(realm, repository)}/${path}`;
      sendCollection(request, response, { url, items: listFor(repository), toObject: (item) => item });
    };
  };
  const list = (path: string, access: RequestHandler, listFor: (repository: Repository) => Json[]): void =>
    void router.get(`${HERE}/${path}`, access, send(path, listFor));

  const administered = (...scopes: string[]) => requireAdministered(realm, ...scopes);
  const reviewing = requireRepository(realm, 'pullrequest');
  list('branch-restrictions', administered('repository:admin'), ({ branchRestrictions }) => branchRestrictions);
  list('deploy-keys', administered('repository', 'repository:admin'), (repository) =>
    repository.deployKeys.map((key) => ({ ...key, repository: repositoryInShort(realm, fullNameOf(repository)) })),
  );
  list('hooks', administered('webhook'), (repository) =>
    repository.hooks.map((hook) => ({ ...hook, subject: repositoryInShort(realm, fullNameOf(repository)) })),
  );
  list('default-reviewers', reviewing, ({ defaultReviewers }) =>
    defaultReviewers.map((who) => accountObject(realm, who)).filter((account) => account !== null),
  );
  list('effective-default-reviewers', reviewing, ({ defaultReviewers }) =>
    defaultReviewers.map((who) => ({
      type: 'default_reviewer',
      reviewer_type: 'repository',
      user: accountObject(realm, who),
    })),
  );
  list('downloads', requireRepository(realm, 'repository'), (repository) =>
    repository.downloads.map((download) => downloadObject(realm, repository, download)),
  );
  router.get(`${HERE}/downloads/:name`, requireRepository(realm, 'repository'), (request, response) => {
    const name = String(request.params['name']);
    const download = getRepository(request).downloads.find((each) => each.name === name);
    if (!download) return sendApiError(response, 404, { message: `No such file: ${name}` });
    response.redirect(302, storageUrl(realm, download));
  });
  router.get('/workspaces/:workspace/projects', requireScopes(realm, 'project'), (request, response) => {
    sendCollection(request, response, {
      url: `${realm.urls.api}/workspaces/${String(request.params['workspace'])}/projects`,
      items: realm.projects.filter(({ workspace }) => workspace === slugOf(realm, request)),
      toObject: (project) => projectObject(realm, project),
    });
  });
  return router;
}

function slugOf(realm: Realm, request: Request): string {
  const name = String(request.params['workspace']);
  return realm.workspaces.find(({ uuid }) => uuid === name)?.slug ?? name;
}

function downloadObject(realm: Realm, repository: Repository, download: Download): Json {
  return {
    type: 'download',
    name: download.name,
    size: download.content.length,
    downloads: 0,
    created_on: formatTime(download.createdOn),
    user: accountObject(realm, download.user),
    links: { self: link(`${urlOf(realm, repository)}/downloads/${encodeURIComponent(download.name)}`) },
  };
}
