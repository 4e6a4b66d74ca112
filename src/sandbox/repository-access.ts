// Which repositories somebody sees and what they may do there.
import type { Request, RequestHandler } from 'express';
import { findCallerOrNobody, requireScopesOrNobody } from './api-access.ts';
import { sendApiError } from './api-errors.ts';
import type { Caller } from './callers.ts';
import type { Person } from './options.ts';
import { findPerson, type Realm } from './realm.ts';
import { fullNameOf, type Permission, type Repository } from './repositories.ts';

const FOUND = new WeakMap<Request, Repository>();
const LEVELS: readonly Permission[] = ['read', 'write', 'admin'];

/** Finds the repository of the path, lets only those pass who see it and whose token has these scopes. */
export function requireRepository(realm: Realm, ...scopes: string[]): RequestHandler {
  const find: RequestHandler = (request, response, next) => {
    const { workspace, repository: name } = request.params;
    const repository = findRepository(realm, String(workspace), String(name));
    if (!repository || !maySee(realm, findCallerOrNobody(request), repository)) {
      return sendApiError(response, 404, {
        message:
          'You may not have access to this repository or it no longer exists in this workspace. ' +
          'If you think this repository exists and you have access, make sure you are authenticated.',
      });
    }
    FOUND.set(request, repository);
    next();
  };
  return both(requireScopesOrNobody(realm, ...scopes), find);
}

/** As `requireRepository`, but only for those who administer the repository. */
export function requireAdministered(realm: Realm, ...scopes: string[]): RequestHandler {
  const check: RequestHandler = (request, response, next) => {
    const caller = findCallerOrNobody(request);
    if (permissionOf(realm, caller, getRepository(request)) === 'admin') return next();
    sendApiError(response, 403, { message: 'Access denied. You must have admin access.' });
  };
  return both(requireRepository(realm, ...scopes), check);
}

function both(first: RequestHandler, second: RequestHandler): RequestHandler {
  return (request, response, next) =>
    first(request, response, (error?: unknown) => (error ? next(error) : second(request, response, next)));
}

/** @throws Error on a route without `requireRepository`. */
export function getRepository(request: Request): Repository {
  const repository = FOUND.get(request);
  if (!repository) throw new Error('This route does not ask for a repository');
  return repository;
}

/** By slugs, or by uuids with braces; `{}` in the place of the workspace stands for any. */
export function findRepository(realm: Realm, workspace: string, name: string): Repository | undefined {
  const place = realm.workspaces.find(({ slug, uuid }) => slug === workspace || uuid === workspace);
  return realm.repositories.find((repository) => {
    const isHere = repository.workspace === (place?.slug ?? workspace) || (workspace === '{}' && name.startsWith('{'));
    return isHere && (repository.slug === name || repository.uuid === name);
  });
}

export function maySee(realm: Realm, caller: Caller | undefined, repository: Repository): boolean {
  return !repository.isPrivate || permissionOf(realm, caller, repository) !== undefined;
}

/** What the caller may do with the repository; undefined is no more than anybody may. */
export function permissionOf(realm: Realm, caller: Caller | undefined, repository: Repository): Permission | undefined {
  if (caller?.reach) return reaches(caller.reach, repository) ? 'admin' : undefined;
  const person = findPerson(realm, caller?.person ?? undefined);
  return person && permissionOfPerson(person, repository);
}

/** Owners of the workspace administer all that is in it; other members write where nothing else was said. */
function permissionOfPerson({ key, memberships }: Person, repository: Repository): Permission | undefined {
  const membership = memberships.find(({ workspace }) => workspace === repository.workspace);
  if (membership?.permission === 'owner') return 'admin';
  return repository.permissions[key] ?? (membership ? 'write' : undefined);
}

function reaches({ workspace, slug }: NonNullable<Caller['reach']>, repository: Repository): boolean {
  return workspace === repository.workspace && (slug === null || slug === repository.slug);
}

/** Is the permission at least this one? */
export function isAtLeast(permission: Permission | undefined, level: Permission): boolean {
  return permission !== undefined && LEVELS.indexOf(permission) >= LEVELS.indexOf(level);
}

/** Address of a repository in `next` links: in uuids, as Bitbucket switches to them on the way. */
export function uuidUrlOf(realm: Realm, repository: Repository): string {
  const workspace = realm.workspaces.find(({ slug }) => slug === repository.workspace)?.uuid ?? repository.workspace;
  const [place, name] = [workspace, repository.uuid].map(encodeURIComponent);
  return `${realm.urls.api}/repositories/${place}/${name}`;
}

/** Address of a repository by its slugs. */
export function urlOf(realm: Realm, repository: Repository): string {
  return `${realm.urls.api}/repositories/${fullNameOf(repository)}`;
}
