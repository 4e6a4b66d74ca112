// The pull requests of a project: by state, searched, page by page.
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { parseInput } from '../web/input.ts';
import { listAddress, searchText } from '../web/list-query.ts';
import type { Web } from '../web/web.ts';
import { pageProject } from './page-project.ts';
import { viewPager } from './pager.ts';
import { findPeople, personOf } from './people.ts';
import { countPullRequests, listPullRequests, peopleByNumber, STATES } from './pull-requests.ts';
import { oneLine, STATE_WORDS, viewBranch, viewNumber, viewPerson, viewProject, viewState, viewTold } from './views.ts';

const PER_PAGE = 50;

/** What makes no sense is taken for what is usual. */
const query = z.object({
  q: searchText,
  state: z.enum([...STATES, 'all']).catch('all'),
  page: z.coerce.number().int().min(1).max(1e9).catch(1),
});

export function showPullRequests(web: Web): RequestHandler {
  const { db } = web.services;
  return async (req, res) => {
    const project = await pageProject(web, req);
    const { q, state, page: wished } = parseInput(query, req.query);
    const counts = await countPullRequests(db, project.id, q);
    const all = STATES.reduce((sum, each) => sum + counts[each], 0);
    const view = viewProject(project, web.site);
    const listPath = `${view.path}/pull_requests`;
    const addressOf = (which: string, page?: number) =>
      listAddress(listPath, { q, state: which === 'all' ? undefined : which, page });
    const total = state === 'all' ? all : counts[state];
    const pager = viewPager({ total, perPage: PER_PAGE, wished }, (page) => addressOf(state, page));
    const filter = { search: q, state: state === 'all' ? undefined : state };
    web.render(req, res, 'projects/pull-requests', {
      title: 'Pull requests',
      project: view,
      asked: { q, state },
      filters: [
        [addressOf('all'), `All (${viewNumber(all)})`],
        ...STATES.map((each) => [addressOf(each), `${STATE_WORDS[each]} (${viewNumber(counts[each])})`]),
      ],
      currentFilter: addressOf(state),
      pager,
      rows: await viewRows(web, project, await listPullRequests(db, project.id, { ...filter, ...pager.slice })),
    });
  };
}

type Rows = Awaited<ReturnType<typeof listPullRequests>>;

async function viewRows({ services: { db } }: Web, project: { id: number; source_provider: string }, rows: Rows) {
  const numbers = rows.map(({ number }) => number);
  const involved = await peopleByNumber(db, project.id, numbers);
  const people = await findPeople(
    db,
    project.source_provider,
    rows.map(({ author }) => author),
  );
  return rows.map((row) => ({
    number: row.number,
    title: oneLine(row.title) || '(no title)',
    state: viewState(row),
    author: viewPerson(personOf(people, row.author)),
    created: viewTold(row.created_at),
    branches: { source: viewBranch(row.source_branch), destination: viewBranch(row.destination_branch) },
    comments: row.comment_count,
    tasks: row.task_count,
    approvals: involved.get(row.number)!.filter(({ state }) => state === 'approved').length,
    isGone: row.source_gone_at !== null,
  }));
}
