// Projects that were imported: every route of this feature in one table.
import type { RequestHandler, Router } from 'express';
import { requireUser } from '../accounts/presence.ts';
import type { Providers } from '../accounts/providers.ts';
import { requireScope } from '../accounts/token-auth.ts';
import { pageOrData, withJson } from '../web/answer.ts';
import { methodNotAllowed } from '../web/methods.ts';
import type { Web } from '../web/web.ts';
import {
  listActivityAsData,
  listCommentsAsData,
  listPeopleAsData,
  listProjectsAsData,
  listPullRequestsAsData,
  listTasksAsData,
  showProjectAsData,
  showPullRequestAsData,
} from './api.ts';
import { sendAttachment } from './attachments.ts';
import { showCommits } from './commits-page.ts';
import { showConversation } from './conversation-page.ts';
import { removeProject } from './delete-project.ts';
import { pathOfProject } from './describe.ts';
import { showDiff, showDiffAsData } from './diff-page.ts';
import { showProjects } from './list-page.ts';
import { sendPicture } from './pictures.ts';
import { showPeople } from './people-page.ts';
import { showProject } from './project-page.ts';
import { showPullRequests } from './pull-requests-page.ts';
import { showRefs } from './refs-page.ts';

type Path = Parameters<typeof pathOfProject>[0];
type Route = [path: string | string[], handler: RequestHandler];

export function projectRoutes(router: Router, web: Web, { providers }: { providers: Providers }): void {
  const project = '/projects/:namespace/:name';
  /** What is data, too, in the shape of the API. */
  const both = (path: string, page: RequestHandler, asData: RequestHandler): Route => [
    withJson(path),
    pageOrData(web.site, page, asData),
  ];
  const pages: Route[] = [
    both('/projects', showProjects(web, providers), listProjectsAsData(web)),
    [
      `${project}.git`,
      ({ params }, res) => res.redirect(303, web.site.base + pathOfProject(params as unknown as Path)),
    ],
    both(project, showProject(web), showProjectAsData(web)),
    [`${project}/branches`, showRefs(web, 'branches')],
    [`${project}/tags`, showRefs(web, 'tags')],
    both(`${project}/people`, showPeople(web), listPeopleAsData(web)),
    both(`${project}/pull_requests`, showPullRequests(web), listPullRequestsAsData(web)),
    both(`${project}/pull_requests/:number`, showConversation(web), showPullRequestAsData(web)),
    [`${project}/pull_requests/:number/commits`, showCommits(web)],
    both(`${project}/pull_requests/:number/diff`, showDiff(web), showDiffAsData(web)),
    [`${project}/pictures/*path`, sendPicture(web)],
    [`${project}/attachments/:file`, sendAttachment(web)],
  ];
  const api = '/api/v4/projects';
  const data: Route[] = [
    [api, listProjectsAsData(web)],
    [`${api}/:id`, showProjectAsData(web)],
    [`${api}/:id/people`, listPeopleAsData(web)],
    [`${api}/:id/pull_requests`, listPullRequestsAsData(web)],
    [`${api}/:id/pull_requests/:number`, showPullRequestAsData(web)],
    [`${api}/:id/pull_requests/:number/comments`, listCommentsAsData(web)],
    [`${api}/:id/pull_requests/:number/tasks`, listTasksAsData(web)],
    [`${api}/:id/pull_requests/:number/activity`, listActivityAsData(web)],
    [`${api}/:id/pull_requests/:number/diff`, showDiffAsData(web)],
  ];
  addGets(router, pages, requireUser(web));
  router.post(`${project}/delete`, requireUser(web), removeProject(web));
  router.all(`${project}/delete`, methodNotAllowed('POST'));
  addGets(router, data, requireScope('read_projects'));
}

function addGets(router: Router, routes: Route[], guard: RequestHandler): void {
  for (const [path, handler] of routes) {
    router.get(path, guard, handler);
    router.all(path, methodNotAllowed('GET'));
  }
}
