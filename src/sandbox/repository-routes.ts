// Repositories of a workspace, and one of them.
import { Router, type Request, type Response } from 'express';
import { findCaller, findCallerOrNobody, requireScopesOrNobody } from './api-access.ts';
import { sendApiError } from './api-errors.ts';
import { sendCollection, sendObject } from './collections.ts';
import type { Workspace } from './options.ts';
import type { Realm } from './realm.ts';
import { queryOf } from './requests.ts';
import type { Json } from './repository-parts.ts';
import { fullNameOf, type Repository } from './repositories.ts';
import { getRepository, isAtLeast, maySee, permissionOf, requireRepository } from './repository-access.ts';
import { repositoryObject } from './repository-objects.ts';

const QUICK: Record<string, (repository: Repository) => unknown> = {
  uuid: ({ uuid }) => uuid,
  slug: ({ slug }) => slug,
  name: ({ name }) => name,
  full_name: fullNameOf,
  is_private: ({ isPrivate }) => isPrivate,
  created_on: ({ createdOn }) => createdOn,
  updated_on: ({ updatedOn }) => updatedOn,
  size: ({ size }) => size,
  'project.key': ({ project }) => project,
};

export function repositoryRoutes(realm: Realm): Router {
  const router = Router();
  router.get('/repositories/:workspace', requireScopesOrNobody(realm, 'repository'), (request, response) =>
    sendRepositories(realm, request, response),
  );
  router.get('/repositories/:workspace/:repository', requireRepository(realm, 'repository'), (request, response) =>
    sendObject(request, response, repositoryObject(realm, getRepository(request), findCaller(realm, request))),
  );
  router.get(
    '/user/workspaces/:workspace/permissions/repositories',
    requireScopesOrNobody(realm, 'account', 'repository'),
    (request, response) => sendPermissions(realm, request, response),
  );
  return router;
}

function sendRepositories(realm: Realm, request: Request, response: Response): void {
  const workspace = findWorkspace(realm, request);
  if (!workspace) return sendNoWorkspace(request, response);
  const role = queryOf(request).get('role');
  const caller = findCallerOrNobody(request);
  const person = findCaller(realm, request);
  sendCollection(request, response, {
    url: `${realm.urls.api}/repositories/${encodeURIComponent(workspace.uuid)}`,
    items: realm.repositories.filter((repository) => {
      if (repository.workspace !== workspace.slug || !maySee(realm, caller, repository)) return false;
      return role === null || hasRole(realm, request, repository, role);
    }),
    toObject: (repository) => repositoryObject(realm, repository, person),
    quick: QUICK,
  });
}

function hasRole(realm: Realm, request: Request, repository: Repository, role: string): boolean {
  const permission = permissionOf(realm, findCallerOrNobody(request), repository);
  if (role === 'member') return isAtLeast(permission, 'read');
  return isAtLeast(permission, role === 'contributor' ? 'write' : 'admin');
}

function sendPermissions(realm: Realm, request: Request, response: Response): void {
  const workspace = findWorkspace(realm, request);
  if (!workspace) return sendNoWorkspace(request, response);
  const caller = findCallerOrNobody(request);
  sendCollection(request, response, {
    url: `${realm.urls.api}/user/workspaces/${workspace.slug}/permissions/repositories`,
    items: realm.repositories.filter(
      (repository) => repository.workspace === workspace.slug && permissionOf(realm, caller, repository),
    ),
    toObject: (repository): Json => {
      const { type, full_name, name, uuid, links } = repositoryObject(realm, repository, undefined);
      const permission = permissionOf(realm, caller, repository);
      return { type: 'repository_permission', permission, repository: { type, full_name, name, uuid, links } };
    },
  });
}

function findWorkspace(realm: Realm, request: Request): Workspace | undefined {
  const name = request.params['workspace'];
  return realm.workspaces.find(({ slug, uuid }) => slug === name || uuid === name);
}

function sendNoWorkspace(request: Request, response: Response): void {
  const name = String(request.params['workspace']);
  sendApiError(response, 404, { message: `No workspace with identifier '${name}'.` });
}
