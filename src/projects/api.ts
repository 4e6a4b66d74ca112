// The API of imported projects: who may read, which part, and in what shape; see INTERFACE section 5.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { requireAccount } from '../accounts/presence.ts';
import type { Project, PullRequestState } from '../db/project-tables.ts';
import { AppError } from '../errors.ts';
import { idIn, parseInput } from '../web/input.ts';
import { searchText } from '../web/list-query.ts';
import type { Web } from '../web/web.ts';
import type { Part } from './conversation.ts';
import { countPart, listActivity, listPlacedComments, listTasks } from './conversation.ts';
import {
  describeActivity,
  describeComment,
  describePerson,
  describeProject,
  describePullRequest,
  describeTask,
  uuidsOf,
} from './describe.ts';
import { pageProject } from './page-project.ts';
import { pagingQuery, sendPage, sliceOf } from './paging.ts';
import type { PeopleByUuid } from './people.ts';
import { countInvolved, findPeople, listInvolved } from './people.ts';
import type { CountedPullRequest } from './pull-requests.ts';
import { countPullRequests, getPullRequest, listPullRequests, peopleByNumber, STATES } from './pull-requests.ts';
import type { Slice } from './store.ts';
import { countParts, countProjects, getProject, listProjects } from './store.ts';

/**
 * The project of `:id`: its number, or `namespace/name` with the slash encoded, as in GitLab; or that of a page's
 * address. @throws AppError 404
 */
export async function projectOf(web: Web, req: Request): Promise<Project> {
  const { id } = req.params as { id?: string };
  if (id === undefined) return pageProject(web, req);
  const account = requireAccount(req);
  const [namespace, name, ...more] = id.split('/');
  if (name === undefined) return getProject(web.services.db, account, { id: idIn(id) });
  if (namespace === undefined || more.length > 0) throw new AppError('not_found');
  return getProject(web.services.db, account, { namespace, name });
}

/** The pull request of `:id` and `:number`. @throws AppError 404 */
export async function pullRequestOf(web: Web, req: Request): Promise<{ project: Project; row: CountedPullRequest }> {
  const project = await projectOf(web, req);
  const row = await getPullRequest(web.services.db, project.id, idIn((req.params as { number: string }).number));
  return { project, row };
}

const projectsQuery = pagingQuery.extend({ search: searchText });

export function listProjectsAsData(web: Web): RequestHandler {
  const { db } = web.services;
  return async (req, res) => {
    const account = requireAccount(req);
    const { search, ...paging } = parseInput(projectsQuery, req.query);
    const total = await countProjects(db, account, search);
    const projects = await listProjects(db, account, { search, ...sliceOf(paging) });
    sendPage(req, res, web.site, { ...paging, total, items: await describeAll(web, projects) });
  };
}

export function showProjectAsData(web: Web): RequestHandler {
  return async (req, res) => {
    const [described] = await describeAll(web, [await projectOf(web, req)]);
    res.json(described);
  };
}

async function describeAll(web: Web, projects: Project[]) {
  const counts = await countParts(
    web.services.db,
    projects.map(({ id }) => id),
  );
  return projects.map((project) => describeProject(project, counts.get(project.id)!, web.site));
}

const ALL = [...STATES, 'all'] as const;

const pullRequestsQuery = pagingQuery.extend({
  search: searchText,
  state: z
    .string()
    .toLowerCase()
    .pipe(z.enum(ALL))
    .default('all')
    .transform((state): PullRequestState | undefined => (state === 'all' ? undefined : state)),
});

export function listPullRequestsAsData(web: Web): RequestHandler {
  const { db } = web.services;
  return async (req, res) => {
    const project = await projectOf(web, req);
    const { search, state, ...paging } = parseInput(pullRequestsQuery, req.query);
    const counts = await countPullRequests(db, project.id, search);
    const total = state ? counts[state] : STATES.reduce((sum, each) => sum + counts[each], 0);
    const rows = await listPullRequests(db, project.id, { search, state, ...sliceOf(paging) });
    sendPage(req, res, web.site, { ...paging, total, items: await describePullRequests(web, project, rows) });
  };
}

export function showPullRequestAsData(web: Web): RequestHandler {
  return async (req, res) => {
    const { project, row } = await pullRequestOf(web, req);
    const [described] = await describePullRequests(web, project, [row]);
    res.json(described);
  };
}

async function describePullRequests({ services: { db } }: Web, project: Project, rows: CountedPullRequest[]) {
  const numbers = rows.map(({ number }) => number);
  const involved = await peopleByNumber(db, project.id, numbers);
  const uuids = rows.flatMap((row) => uuidsOf(row, involved.get(row.number)!));
  const people = await findPeople(db, project.source_provider, uuids);
  return rows.map((row) => describePullRequest(row, involved.get(row.number)!, people));
}

/** Sends a page of what belongs to one pull request. */
type SendPart = (req: Request, res: Response) => Promise<void>;

interface PartOfPullRequest<R> {
  part: Part;
  list(db: Web['services']['db'], project: number, number: number, slice: Slice): Promise<R[]>;
  uuids(row: R): (string | null)[];
  describe(row: R, people: PeopleByUuid): unknown;
}

function sendPart<R>(web: Web, { part, list, uuids, describe }: PartOfPullRequest<R>): SendPart {
  const { db } = web.services;
  return async (req, res) => {
    const { project, row } = await pullRequestOf(web, req);
    const paging = parseInput(pagingQuery, req.query);
    const total = await countPart(db, part, project.id, row.number);
    const rows = await list(db, project.id, row.number, sliceOf(paging));
    const people = await findPeople(db, project.source_provider, rows.flatMap(uuids));
    sendPage(req, res, web.site, { ...paging, total, items: rows.map((each) => describe(each, people)) });
  };
}

export function listCommentsAsData(web: Web): RequestHandler {
  return sendPart(web, {
    part: 'comments',
    list: listPlacedComments,
    uuids: ({ author, resolved_by }) => [author, resolved_by],
    describe: describeComment,
  });
}

export function listTasksAsData(web: Web): RequestHandler {
  return sendPart(web, {
    part: 'tasks',
    list: listTasks,
    uuids: ({ author, resolved_by }) => [author, resolved_by],
    describe: describeTask,
  });
}

export function listActivityAsData(web: Web): RequestHandler {
  return sendPart(web, {
    part: 'activity',
    list: listActivity,
    uuids: ({ author }) => [author],
    describe: describeActivity,
  });
}

export function listPeopleAsData(web: Web): RequestHandler {
  const { db } = web.services;
  return async (req, res) => {
    const project = await projectOf(web, req);
    const paging = parseInput(pagingQuery, req.query);
    const total = await countInvolved(db, project);
    const people = await listInvolved(db, project, sliceOf(paging));
    sendPage(req, res, web.site, { ...paging, total, items: people.map(describePerson) });
  };
}
