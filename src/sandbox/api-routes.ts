// API 2.0 as far as a sign-in and an import need it; and what Bitbucket took away.
import { Router, type Request, type Response } from 'express';
import { activityRoutes } from './activity-routes.ts';
import { findCaller, getCaller, requireScopes } from './api-access.ts';
import { sendApiError, sendGone, sendNoSuchPath, sendUnauthorized } from './api-errors.ts';
import { appUserObject, emailObject, userObject } from './api-objects.ts';
import { commitRoutes } from './commit-routes.ts';
import { diffRoutes } from './diff-routes.ts';
import { answerOverride } from './overrides.ts';
import { pageOf, sendPageOf } from './paging.ts';
import { pullRequestRoutes } from './pull-request-routes.ts';
import { limitCalls } from './rate-limit.ts';
import { findConsumer, type Realm } from './realm.ts';
import { repositoryRoutes } from './repository-routes.ts';
import { settingsRoutes } from './settings-routes.ts';
import { workspaceRoutes } from './workspace-routes.ts';

const GONE_IN_2770 = [
  '/workspaces',
  '/repositories',
  '/teams{/*rest}',
  '/user/permissions/workspaces',
  '/user/permissions/repositories',
];
const GONE_IN_3071 = ['issues', 'wiki'].map((what) => `/repositories/:workspace/:repository/${what}{/*rest}`);

export function apiRoutes(realm: Realm): Router {
  const router = Router();
  router.get('/user', requireScopes(realm, 'account'), (request, response) => sendUser(realm, request, response));
  router.get('/user/emails', requireScopes(realm, 'email'), (request, response) =>
    sendEmails(realm, request, response),
  );
  router.use('/repositories', limitCalls(realm));
  router.use(workspaceRoutes(realm), repositoryRoutes(realm), settingsRoutes(realm), commitRoutes(realm));
  router.use(diffRoutes(realm), activityRoutes(realm), pullRequestRoutes(realm));
  router.all(GONE_IN_2770, (_request, response) => sendGone(response, 'CHANGE-2770'));
  router.all(GONE_IN_3071, (_request, response) => sendGone(response, 'CHANGE-3071'));
  router.use((_request, response) => sendNoSuchPath(response));
  return router;
}

function sendUser(realm: Realm, request: Request, response: Response): void {
  const person = findCaller(realm, request);
  if (person) {
    if (answerOverride(realm.overrides.get(person.key)?.user, 1, response)) return;
    response.json(userObject(person, realm.urls));
    return;
  }
  const caller = getCaller(request);
  // Access tokens of repositories and workspaces are nobody's and "not supported for this endpoint".
  if (caller.reach) return sendUnauthorized(response, 'unknown');
  const consumer = findConsumer(realm, caller.consumer);
  if (caller.person !== null || !consumer) return sendApiError(response, 404, { message: 'User not found' });
  response.json(appUserObject(consumer, realm.urls));
}

function sendEmails(realm: Realm, request: Request, response: Response): void {
  const person = findCaller(realm, request);
  if (person && answerOverride(realm.overrides.get(person.key)?.emails, pageOf(request) ?? 1, response)) return;
  const emails = (person?.emails ?? []).map((email) => emailObject(email, realm.urls));
  sendPageOf(request, response, emails, `${realm.urls.api}/user/emails`);
}
