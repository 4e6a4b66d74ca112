// The project that a page is about, by the path in its address.
import type { Request } from 'express';
import { requireAccount } from '../accounts/presence.ts';
import type { Project } from '../db/project-tables.ts';
import { idIn } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import type { CountedPullRequest } from './pull-requests.ts';
import { getPullRequest } from './pull-requests.ts';
import { getProject } from './store.ts';

/** @throws AppError 404 when it is not there, or not for this person */
export async function pageProject({ services: { db } }: Web, req: Request): Promise<Project> {
  const { namespace, name } = req.params as { namespace: string; name: string };
  return getProject(db, requireAccount(req), { namespace, name });
}

/** @throws AppError 404, as above */
export async function pagePullRequest(web: Web, req: Request): Promise<{ project: Project; row: CountedPullRequest }> {
  const project = await pageProject(web, req);
  const { number } = req.params as { number: string };
  return { project, row: await getPullRequest(web.services.db, project.id, idIn(number)) };
}
