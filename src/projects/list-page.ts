// The list of projects: what a person has imported, and for administrators what everybody has.
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { requireAccount } from '../accounts/presence.ts';
import type { Providers } from '../accounts/providers.ts';
import type { Project } from '../db/project-tables.ts';
import { parseInput } from '../web/input.ts';
import { listAddress, searchText } from '../web/list-query.ts';
import type { Web } from '../web/web.ts';
import { countParts, countProjects, listProjects, listUnpublished } from './store.ts';
import { viewPager } from './pager.ts';
import { oneLine, viewNumber, viewProject, viewTime } from './views.ts';

const PER_PAGE = 50;

const query = z.object({ q: searchText, page: z.coerce.number().int().min(1).max(1e9).catch(1) });

export function showProjects(web: Web, providers: Providers): RequestHandler {
  const { db } = web.services;
  return async (req, res) => {
    const account = requireAccount(req);
    const { q, page: wished } = parseInput(query, req.query);
    const total = await countProjects(db, account, q);
    const pager = viewPager({ total, perPage: PER_PAGE, wished }, (page) => listAddress('/projects', { q, page }));
    const projects = await listProjects(db, account, { search: q, ...pager.slice });
    const counts = await countParts(
      db,
      projects.map(({ id }) => id),
    );
    web.render(req, res, 'projects/list', {
      title: 'Projects',
      asked: q,
      ofEverybody: account.admin === 1,
      importSources: (await providers.importSources()).map(({ name, label }) => ({ name, label })),
      pager,
      projects: projects.map((project) => ({
        ...viewListed(project, web),
        pullRequests: viewNumber(counts.get(project.id)!.pull_requests),
        commits: viewNumber(project.commits),
      })),
      unpublished: (await listUnpublished(db, account)).map((project) => viewListed(project, web)),
    });
  };
}

function viewListed(project: Project, { site }: Web) {
  return {
    ...viewProject(project, site),
    description: oneLine(project.description).slice(0, 300),
    updated: viewTime(project.updated_at),
  };
}
