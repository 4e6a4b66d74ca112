// The sandbox as an Express application: two origins on one port, told apart by Host.
import express, { type Express } from 'express';
import { accountRoutes } from './account-routes.ts';
import { apiRoutes } from './api-routes.ts';
import { consentRoutes } from './consent-routes.ts';
import { faultMiddleware } from './fault-middleware.ts';
import type { FaultList } from './faults.ts';
import { OneTime } from './one-time.ts';
import type { Person } from './options.ts';
import { sendMessage } from './page-frame.ts';
import type { Realm } from './realm.ts';
import { logRequests, type SandboxRequest } from './requests.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { tokenRoutes } from './token-routes.ts';

export function createSandboxApp(realm: Realm, faults: FaultList, log: SandboxRequest[]): Express {
  const handovers = new OneTime<Person>(realm.now);
  const signIn = signInRoutes(realm, handovers);
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', false);
  app.use(logRequests(log, realm.now), faultMiddleware(faults));
  app.use((request, response, next) => (request.hostname === 'localhost' ? signIn(request, response, next) : next()));
  app.use(accountRoutes(realm, handovers), consentRoutes(realm), tokenRoutes(realm));
  app.use(['/api/2.0', '/2.0'], apiRoutes(realm));
  app.use((_request, response) => {
    sendMessage(response, 404, 'Page not found', 'The sandbox has no page at this address.');
  });
  return app;
}
