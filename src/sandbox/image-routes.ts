// Images in texts, at both of their addresses. They belong to Bitbucket's pages, not to its API: those of private
// repositories are shown to who is signed in there, a token does not help.
import { extname } from 'node:path';
import { Router, type Request, type Response } from 'express';
import { maySee } from './repository-access.ts';
import type { Realm } from './realm.ts';
import type { Repository } from './repositories.ts';
import { findSignedIn } from './sessions.ts';
import { signInPageUrl } from './sign-in-routes.ts';

export function imageRoutes(realm: Realm): Router {
  const router = Router();
  router.get('/repo/:key/images/:name', (request, response) => {
    const { key } = request.params;
    sendImage(
      realm,
      request,
      response,
      realm.repositories.find(({ imageKey }) => imageKey === key),
    );
  });
  router.get('/:workspace/:uuid/images/:name', (request, response, next) => {
    const { workspace, uuid } = request.params;
    if (workspace !== '{}') return next();
    sendImage(
      realm,
      request,
      response,
      realm.repositories.find((repository) => repository.uuid === uuid),
    );
  });
  return router;
}

function sendImage(realm: Realm, request: Request, response: Response, repository: Repository | undefined): void {
  const name = String(request.params['name']);
  const content = repository?.images.get(name);
  const person = findSignedIn(realm, request);
  const viewer = person && {
    type: 'oauth2' as const,
    person: person.key,
    consumer: null,
    scopes: [],
    countedAs: `user ${person.key}`,
  };
  if (repository && !maySee(realm, viewer, repository)) return response.redirect(302, signInPageUrl(realm, '/'));
  if (!content) return void response.status(404).type('text/plain').send('Not Found');
  response.status(200).type(extname(name)).send(content);
}
