// The people of a project: whoever wrote, reviewed or closed anything in it.
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { parseInput } from '../web/input.ts';
import { listAddress } from '../web/list-query.ts';
import type { Web } from '../web/web.ts';
import { pageProject } from './page-project.ts';
import { viewPager } from './pager.ts';
import { countInvolved, listInvolved } from './people.ts';
import { oneLine, viewPerson, viewProject } from './views.ts';

const PER_PAGE = 100;

const query = z.object({ page: z.coerce.number().int().min(1).max(1e9).catch(1) });

export function showPeople(web: Web): RequestHandler {
  const { db } = web.services;
  return async (req, res) => {
    const project = await pageProject(web, req);
    const { page: wished } = parseInput(query, req.query);
    const view = viewProject(project, web.site);
    const total = await countInvolved(db, project);
    const pager = viewPager({ total, perPage: PER_PAGE, wished }, (page) =>
      listAddress(`${view.path}/people`, { page }),
    );
    const people = await listInvolved(db, project, pager.slice);
    web.render(req, res, 'projects/people', {
      title: 'People',
      project: view,
      pager,
      people: people.map((person) => ({
        ...viewPerson(person),
        // Many have their name as nickname, too.
        nickname: person.nickname === null || person.nickname === person.display_name ? null : oneLine(person.nickname),
      })),
    });
  };
}
