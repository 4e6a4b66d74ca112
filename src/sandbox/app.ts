// The sandbox as an Express application: two origins on one port, told apart by Host.
import express, { type Express } from 'express';
import { accountRoutes } from './account-routes.ts';
import { announcements } from './announcements.ts';
import { apiRoutes } from './api-routes.ts';
import { identifyGitCaller } from './callers.ts';
import { consentRoutes } from './consent-routes.ts';
import { faultMiddleware } from './fault-middleware.ts';
import type { FaultList } from './faults.ts';
import type { GitRouteOptions } from './git-access.ts';
import { gitRoutes } from './git-routes.ts';
import { imageRoutes } from './image-routes.ts';
import { OneTime } from './one-time.ts';
import type { Person } from './options.ts';
import { sendMessage } from './page-frame.ts';
import type { Realm } from './realm.ts';
import { findRepository, maySee } from './repository-access.ts';
import { logRequests, type CallCounts, type SandboxRequest } from './requests.ts';
import { expandScopes } from './scopes.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { storageRoutes } from './storage-routes.ts';
import { tokenRoutes } from './token-routes.ts';

export interface RequestLog {
  requests: SandboxRequest[];
  counts: CallCounts;
}

export function createSandboxApp(realm: Realm, faults: FaultList, log: RequestLog): Express {
  const handovers = new OneTime<Person>(realm.now);
  const signIn = signInRoutes(realm, handovers);
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', false);
  app.use(logRequests(log.requests, log.counts, realm.now), faultMiddleware(faults));
  app.use(gitRoutes(gitAccess(realm)), storageRoutes(realm));
  app.use((request, response, next) => (request.hostname === 'localhost' ? signIn(request, response, next) : next()));
  app.use(announcements(realm));
  app.use(accountRoutes(realm, handovers), consentRoutes(realm), tokenRoutes(realm), imageRoutes(realm));
  app.use(['/api/2.0', '/2.0'], apiRoutes(realm));
  app.use((_request, response) => {
    sendMessage(response, 404, 'Page not found', 'The sandbox has no page at this address.');
  });
  return app;
}

/** Who may clone: whoever sees the repository, with a token that may read repositories. */
function gitAccess(realm: Realm): GitRouteOptions {
  return {
    find: (workspace, slug) => findRepository(realm, workspace, slug),
    mayRead: (request, { workspace, slug }) => {
      const repository = findRepository(realm, workspace, slug);
      const caller = identifyGitCaller(realm, request);
      if (caller === 'expired' || caller === 'unknown') return 'unauthorized';
      if (!repository) return false;
      if (caller === 'missing') return !repository.isPrivate;
      return expandScopes(caller.scopes).has('repository') && maySee(realm, caller, repository);
    },
    storageUrl: () => realm.urls.signIn,
  };
}
