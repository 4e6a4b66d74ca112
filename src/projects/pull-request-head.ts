// What all pages of one pull request have in common: its head, with title, state, branches and the way to its parts.
import type { Request } from 'express';
import type { Project, PullRequest } from '../db/project-tables.ts';
import type { Web } from '../web/web.ts';
import { pagePullRequest } from './page-project.ts';
import { findPeople, personOf } from './people.ts';
import type { CountedPullRequest } from './pull-requests.ts';
import { oneLine, viewBranch, viewNumber, viewPerson, viewProject, viewState, viewTime, viewTold } from './views.ts';

/** @throws AppError 404 */
export async function readHead(
  web: Web,
  req: Request,
): Promise<{ project: Project; row: CountedPullRequest; head: Head }> {
  const { project, row } = await pagePullRequest(web, req);
  return { project, row, head: await viewHead(web, project, row) };
}

export type Head = Awaited<ReturnType<typeof viewHead>>;

async function viewHead({ services: { db }, site }: Web, project: Project, row: CountedPullRequest) {
  const people = await findPeople(db, project.source_provider, [row.author, row.closed_by]);
  const view = viewProject(project, site);
  const path = `${view.path}/pull_requests/${row.number}`;
  return {
    project: view,
    number: row.number,
    title: oneLine(row.title) || '(no title)',
    state: viewState(row),
    author: viewPerson(personOf(people, row.author)),
    created: viewTold(row.created_at),
    closed: row.closed_at === null ? null : viewTime(row.closed_at),
    closedBy: row.state === 'open' || row.closed_by === null ? null : viewPerson(personOf(people, row.closed_by)),
    source: viewSource(project, row),
    destination: viewBranch(row.destination_branch),
    sourceUrl: row.source_url,
    isGone: row.source_gone_at !== null,
    tabs: [
      [path, `Conversation (${viewNumber(row.comment_count)})`],
      [`${path}/commits`, 'Commits'],
      [`${path}/diff`, 'Changes'],
    ],
  };
}

/** From a fork with its name in front; null for a fork that is gone. */
function viewSource(project: Project, { source_repository, source_branch }: PullRequest): string {
  const branch = viewBranch(source_branch);
  if (source_repository === project.source_full_name) return branch;
  return `${oneLine(source_repository ?? 'deleted fork')}:${branch}`;
}
