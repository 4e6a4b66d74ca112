// Branches and tags of a project.
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { listRefs } from '../git/repository.ts';
import { parseInput } from '../web/input.ts';
import { listAddress, searchText } from '../web/list-query.ts';
import type { Web } from '../web/web.ts';
import { pageProject } from './page-project.ts';
import { viewPager } from './pager.ts';
import { importedRepository } from './places.ts';
import { oneLine, viewNumber, viewProject } from './views.ts';

const PER_PAGE = 100;
const KINDS = {
  branches: { title: 'Branches', one: 'branch', many: 'branches', prefix: 'refs/heads/' },
  tags: { title: 'Tags', one: 'tag', many: 'tags', prefix: 'refs/tags/' },
} as const;

const query = z.object({ q: searchText, page: z.coerce.number().int().min(1).max(1e9).catch(1) });

export function showRefs(web: Web, kind: keyof typeof KINDS): RequestHandler {
  const { title, prefix, one, many } = KINDS[kind];
  return async (req, res) => {
    const project = await pageProject(web, req);
    const { q, page: wished } = parseInput(query, req.query);
    const view = viewProject(project, web.site);
    const refs =
      project.published_at === null ? [] : await listRefs(importedRepository(web.services.config(), project.id));
    const of = (start: string) => refs.filter(({ name }) => name.startsWith(start));
    const found = of(prefix).filter(({ name }) => name.slice(prefix.length).toLowerCase().includes(q.toLowerCase()));
    const path = `${view.path}/${kind}`;
    const pager = viewPager({ total: found.length, perPage: PER_PAGE, wished }, (page) =>
      listAddress(path, { q, page }),
    );
    web.render(req, res, 'projects/refs', {
      title,
      project: view,
      asked: q,
      path,
      kinds: Object.entries(KINDS).map(([name, { title, prefix }]) => [
        `${view.path}/${name}`,
        `${title} (${viewNumber(of(prefix).length)})`,
      ]),
      pager,
      one,
      many,
      refs: found.slice(pager.slice.offset, pager.slice.offset + PER_PAGE).map(({ name, sha }) => ({
        name: oneLine(name.slice(prefix.length)),
        sha,
        short: sha.slice(0, 12),
        isDefault: name === `refs/heads/${project.default_branch}`,
      })),
    });
  };
}
