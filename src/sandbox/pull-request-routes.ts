// Pull requests of a repository: the list, one of them, its comments and its tasks.
import { Router, type Request, type Response } from 'express';
import { findCallerOrNobody } from './api-access.ts';
import { sendApiError } from './api-errors.ts';
import { sendCollection, sendObject } from './collections.ts';
import { commentObject, HIDDEN_IN_COMMENTS } from './conversation-objects.ts';
import { HIDDEN_IN_LISTS, pullRequestObject, taskObject } from './pull-request-objects.ts';
import type { PullRequest } from './pull-requests.ts';
import type { Realm } from './realm.ts';
import { queryOf } from './requests.ts';
import type { Repository } from './repositories.ts';
import { getRepository, requireRepository, uuidUrlOf } from './repository-access.ts';
import { compareValues } from './values.ts';

const MAX_PAGELEN = 50;
const LIST = '/repositories/:workspace/:repository/pullrequests';

const QUICK: Record<string, (pullRequest: PullRequest) => unknown> = {
  id: ({ id }) => id,
  title: ({ title }) => title,
  state: ({ state }) => state,
  draft: ({ draft }) => draft,
  created_on: ({ createdOn }) => createdOn,
  updated_on: ({ updatedOn }) => updatedOn,
  'source.branch.name': ({ source }) => source.branch,
  'destination.branch.name': ({ destination }) => destination.branch,
};

export function pullRequestRoutes(realm: Realm): Router {
  const router = Router();
  const access = requireRepository(realm, 'pullrequest');
  router.get(LIST, access, (request, response) => sendPullRequests(realm, request, response));
  router.get(`${LIST}/:id`, access, (request, response) => {
    const found = findPullRequest(request, response);
    if (found) sendObject(request, response, pullRequestObject(realm, getRepository(request), found));
  });
  router.get(`${LIST}/:id/comments`, access, (request, response) => sendComments(realm, request, response));
  router.get(`${LIST}/:id/comments/:comment`, access, (request, response) => sendComment(realm, request, response));
  router.get(`${LIST}/:id/tasks`, access, (request, response) => sendTasks(realm, request, response));
  return router;
}

/** The pull request of the path; undefined when there is none, which is answered. */
export function findPullRequest(request: Request, response: Response): PullRequest | undefined {
  const found = getRepository(request).pullRequests.find(({ id }) => String(id) === request.params['id']);
  if (!found) response.status(404).type('text/plain').send('Not Found');
  return found;
}

function sendPullRequests(realm: Realm, request: Request, response: Response): void {
  const repository = getRepository(request);
  const query = queryOf(request);
  const wanted = query.getAll('state').map((state) => state.toUpperCase());
  // Only open ones unless something else is asked for, here or in `q`. `ALL` works, though nobody documented it.
  if (wanted.length === 0 && !/\bstate\b/.test(query.get('q') ?? '')) wanted.push('OPEN');
  const isWanted = ({ state }: PullRequest) => wanted.length === 0 || wanted.includes('ALL') || wanted.includes(state);
  sendCollection(request, response, {
    url: `${uuidUrlOf(realm, repository)}/pullrequests`,
    maxPagelen: MAX_PAGELEN,
    items: repository.pullRequests.filter(isWanted).sort((a, b) => b.id - a.id),
    toObject: (pullRequest) => pullRequestObject(realm, repository, pullRequest),
    quick: QUICK,
    hidden: HIDDEN_IN_LISTS,
  });
}

function sendComments(realm: Realm, request: Request, response: Response): void {
  const repository = getRepository(request);
  const pullRequest = findPullRequest(request, response);
  if (!pullRequest) return;
  sendCollection(request, response, {
    url: `${uuidUrlOf(realm, repository)}/pullrequests/${pullRequest.id}/comments`,
    items: commentsFor(request, pullRequest),
    toObject: (comment) => commentObject(realm, repository, pullRequest, comment),
    hidden: HIDDEN_IN_COMMENTS,
  });
}

/** Bitbucket's error says no more than the id. */
function sendComment(realm: Realm, request: Request, response: Response): void {
  const pullRequest = findPullRequest(request, response);
  if (!pullRequest) return;
  const id = String(request.params['comment']);
  const comment = commentsFor(request, pullRequest).find((comment) => String(comment.id) === id);
  if (!comment) return sendApiError(response, 404, { message: id });
  sendObject(request, response, commentObject(realm, getRepository(request), pullRequest, comment));
}

/** Oldest first; drafts only for whoever wrote them. */
function commentsFor(request: Request, pullRequest: PullRequest) {
  const person = findCallerOrNobody(request)?.person ?? undefined;
  return pullRequest.comments
    .filter(({ pending, author }) => !pending || author === person)
    .sort((a, b) => compareValues(a.createdOn, b.createdOn) || a.id - b.id);
}

/** Newest first. */
function sendTasks(realm: Realm, request: Request, response: Response): void {
  const repository: Repository = getRepository(request);
  const pullRequest = findPullRequest(request, response);
  if (!pullRequest) return;
  sendCollection(request, response, {
    url: `${uuidUrlOf(realm, repository)}/pullrequests/${pullRequest.id}/tasks`,
    items: [...pullRequest.tasks].sort((a, b) => compareValues(b.createdOn, a.createdOn) || b.id - a.id),
    toObject: (task) => taskObject(realm, repository, pullRequest, task),
  });
}
