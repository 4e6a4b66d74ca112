// What happened to pull requests, newest first, told by a cursor: for one of them and for the whole repository.
import { Router, type Request, type Response } from 'express';
import { sendApiError } from './api-errors.ts';
import { formatTime } from './content-objects.ts';
import { activityObject, commentActivityObject } from './conversation-objects.ts';
import { selectFields } from './fields.ts';
import { readPaging, withParameter } from './paging.ts';
import { findPullRequest } from './pull-request-routes.ts';
import type { PullRequest } from './pull-requests.ts';
import type { Realm } from './realm.ts';
import { queryOf } from './requests.ts';
import type { Repository } from './repositories.ts';
import type { Json } from './repository-parts.ts';
import { getRepository, requireRepository, uuidUrlOf } from './repository-access.ts';

const MAX_PAGELEN = 50;
const LIST = '/repositories/:workspace/:repository/pullrequests';

/** One thing that happened. Its place in the order is its time, then its pull request, then where it stands there. */
interface Entry {
  time: string;
  place: number;
  toObject: () => Json;
}

type Cursor = Pick<Entry, 'time' | 'place'>;

/** So many things may happen to one pull request. */
const PLACES = 1_000_000;

export function activityRoutes(realm: Realm): Router {
  const router = Router();
  const access = requireRepository(realm, 'pullrequest');
  // Before the route of one pull request, whose id `activity` is not.
  router.get(`${LIST}/activity`, access, (request, response) =>
    sendActivity(realm, request, response, getRepository(request).pullRequests),
  );
  router.get(`${LIST}/:id/activity`, access, (request, response) => {
    const found = findPullRequest(request, response);
    if (found) sendActivity(realm, request, response, [found]);
  });
  return router;
}

function sendActivity(realm: Realm, request: Request, response: Response, pullRequests: PullRequest[]): void {
  const repository = getRepository(request);
  const paging = readPaging(request, response, { url: '', maxPagelen: MAX_PAGELEN });
  if (!paging) return;
  const query = queryOf(request);
  const before = readCursor(query.get('ctx'));
  if (before === 'invalid') return sendApiError(response, 400, { message: 'Invalid page' });
  const entries = newest(entriesBefore({ realm, repository, pullRequests, before }), paging.pagelen + 1);
  const told = entries.slice(0, paging.pagelen);
  const last = told.at(-1);
  const path = request.params['id'] === undefined ? '' : `/${String(request.params['id'])}`;
  const url = `${uuidUrlOf(realm, repository)}/pullrequests${path}/activity`;
  const hasMore = entries.length > told.length && last;
  const whole: Json = {
    pagelen: paging.pagelen,
    values: told.map((entry) => entry.toObject()),
    ...(hasMore ? { next: withParameter(url, query, 'ctx', writeCursor(last)) } : {}),
  };
  response.json(selectFields(whole, [], query.get('fields')));
}

function writeCursor({ time, place }: Cursor): string {
  return Buffer.from(`${time} ${place}`).toString('base64url');
}

/** Where to go on; undefined for the first page. */
function readCursor(ctx: string | null): Cursor | 'invalid' | undefined {
  if (ctx === null) return undefined;
  const [, time, place] = /^(\d{4}-\S+) (\d+)$/.exec(Buffer.from(ctx, 'base64url').toString()) ?? [];
  return time === undefined ? 'invalid' : { time, place: Number(place) };
}

interface Told {
  realm: Realm;
  repository: Repository;
  pullRequests: PullRequest[];
  before: Cursor | undefined;
}

/** In any order, but the newest first more or less, which saves `newest` most of its work. */
function* entriesBefore({ realm, repository, pullRequests, before }: Told): Iterable<Entry> {
  // Asked before an entry is made: of a repository with very many, each page passes over most.
  const isBefore = (time: string, place: number) => !before || isOlder({ time, place }, before);
  for (let index = pullRequests.length - 1; index >= 0; index -= 1) {
    const pullRequest = pullRequests[index]!;
    let place = pullRequest.id * PLACES;
    for (const activity of pullRequest.activity) {
      const time = formatTime(activity.at);
      place += 1;
      if (!isBefore(time, place)) continue;
      yield { time, place, toObject: () => activityObject(realm, repository, pullRequest, activity) };
    }
    for (const comment of pullRequest.comments) {
      const time = formatTime(comment.createdOn);
      place += 1;
      if (comment.deleted || comment.pending || !isBefore(time, place)) continue;
      yield { time, place, toObject: () => commentActivityObject(realm, repository, pullRequest, comment) };
    }
  }
}

/** The `count` newest. Keeps no more than these, because a repository has very many. */
function newest(entries: Iterable<Entry>, count: number): Entry[] {
  const kept: Entry[] = [];
  for (const entry of entries) {
    if (kept.length === count && !isOlder(kept[count - 1]!, entry)) continue;
    const position = kept.findIndex((other) => isOlder(other, entry));
    kept.splice(position < 0 ? kept.length : position, 0, entry);
    if (kept.length > count) kept.pop();
  }
  return kept;
}

function isOlder(a: Cursor, b: Cursor): boolean {
  return a.time < b.time || (a.time === b.time && a.place < b.place);
}
