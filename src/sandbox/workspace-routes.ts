// The workspaces of a person, the replacements Bitbucket named in CHANGE-3022 for what CHANGE-2770 removed.
import { Router, type Request, type Response } from 'express';
import { findCaller, requireScopes } from './api-access.ts';
import { sendApiError } from './api-errors.ts';
import { membershipObject, workspaceAccessObject, workspaceObject } from './api-objects.ts';
import type { Membership, Person, Workspace } from './options.ts';
import { sendPageOf } from './paging.ts';
import type { Realm } from './realm.ts';
import { queryOf } from './requests.ts';

interface Access {
  workspace: Workspace;
  membership: Membership;
}

export function workspaceRoutes(realm: Realm): Router {
  const router = Router();
  const requireAccount = requireScopes(realm, 'account');

  router.get('/user/workspaces', requireAccount, (request, response) => {
    const found = listAccess(realm, findCaller(realm, request));
    const wanted = selectAccess(found, queryOf(request));
    if (typeof wanted === 'string')
      return sendApiError(response, 400, { message: 'Invalid field name', detail: wanted });
    const objects = wanted.map(({ workspace, membership }) => workspaceAccessObject(workspace, membership, realm.urls));
    sendPageOf(request, response, objects, `${realm.urls.api}/user/workspaces`);
  });

  router.get('/user/workspaces/:workspace/permission', requireAccount, (request, response) => {
    const person = findCaller(realm, request);
    const access = findAccess(realm, person, request);
    if (!person || !access) {
      return sendApiError(response, 403, { message: 'You do not have access to this workspace.' });
    }
    response.json(membershipObject(person, access.workspace, access.membership, realm.urls));
  });

  router.get('/workspaces/:workspace', requireScopes(realm), (request, response) =>
    sendWorkspace(realm, request, response),
  );
  return router;
}

/** A private workspace is not there for people outside. */
function sendWorkspace(realm: Realm, request: Request, response: Response): void {
  const workspace = findWorkspace(realm, request);
  const isVisible = workspace?.isPrivate === false || findAccess(realm, findCaller(realm, request), request);
  if (!workspace || !isVisible) {
    const name = String(request.params['workspace']);
    return sendApiError(response, 404, { message: `No workspace with identifier '${name}'.` });
  }
  response.json(workspaceObject(workspace, realm.urls));
}

function findWorkspace(realm: Realm, request: Request): Workspace | undefined {
  const name = request.params['workspace'];
  return realm.workspaces.find(({ slug, uuid }) => slug === name || uuid === name);
}

function listAccess(realm: Realm, person: Person | undefined): Access[] {
  return (person?.memberships ?? []).flatMap((membership) => {
    const workspace = realm.workspaces.find(({ slug }) => slug === membership.workspace);
    return workspace ? [{ workspace, membership }] : [];
  });
}

function findAccess(realm: Realm, person: Person | undefined, request: Request): Access | undefined {
  const workspace = findWorkspace(realm, request);
  return listAccess(realm, person).find((access) => access.workspace === workspace);
}

/** Applies `q` (slug only), `administrator` and `sort` (slug only); a text when the query names another field. */
function selectAccess(all: Access[], query: URLSearchParams): Access[] | string {
  const sort = query.get('sort') ?? 'slug';
  if (sort !== 'slug' && sort !== '-slug') return `Invalid field name: ${sort}`;
  const q = query.get('q');
  const slug = q === null ? undefined : /^\s*slug\s*=\s*"([^"]*)"\s*$/.exec(q)?.[1];
  if (q !== null && slug === undefined) return `Invalid field name: ${q}`;
  const administrator = query.get('administrator');
  const chosen = all
    .filter(({ workspace }) => slug === undefined || workspace.slug === slug)
    .filter(({ membership }) => administrator === null || String(membership.permission === 'owner') === administrator)
    .sort((a, b) => (a.workspace.slug < b.workspace.slug ? -1 : 1));
  return sort === 'slug' ? chosen : chosen.reverse();
}
