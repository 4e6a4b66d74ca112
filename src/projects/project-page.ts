// A project's own page: what it is, how to clone it, what it holds, its README.
import type { RequestHandler } from 'express';
import { requireAccount } from '../accounts/presence.ts';
import { findAccount } from '../accounts/store.ts';
import type { Project } from '../db/project-tables.ts';
import { GitFailure } from '../git/failure.ts';
import type { SafeHtml } from '../web/safe-html.ts';
import type { Web } from '../web/web.ts';
import { cloneAddress, pathOfProject } from './describe.ts';
import { renderPlain } from './markdown.ts';
import { pageProject } from './page-project.ts';
import { pictureAt } from './pictures.ts';
import { findReadme } from './readme.ts';
import type { Counts } from './store.ts';
import { countParts, findLatestImport } from './store.ts';
import { prepareTexts } from './text-context.ts';
import { manyLines, oneLine, viewNumber, viewProject, viewTime } from './views.ts';

export function showProject(web: Web): RequestHandler {
  const { db } = web.services;
  return async (req, res) => {
    const project = await pageProject(web, req);
    const own = project.owner_id === requireAccount(req).id;
    const counts = (await countParts(db, [project.id])).get(project.id)!;
    web.render(req, res, 'projects/project', {
      title: oneLine(project.title),
      project: viewProject(project, web.site),
      description: manyLines(project.description),
      forkedFrom: project.forked_from === null ? null : oneLine(project.forked_from),
      defaultBranch: project.default_branch === null ? null : oneLine(project.default_branch),
      cloneAddress: cloneAddress(web.site, project),
      updated: viewTime(project.updated_at),
      // Reports are for whoever has asked for the import.
      report: own ? ((await findLatestImport(db, project.id)) ?? null) : null,
      numbers: viewNumbers(project, counts, web.site.base),
      readme: await readReadme(web, project),
      own,
      owner: (await findAccount(db, project.owner_id))?.username ?? '',
    });
  };
}

/** What there is, with the way to it where it has a page. */
function viewNumbers(project: Project, counts: Counts, base: string) {
  const numbers: [count: number, one: string, many: string, page?: string][] = [
    [project.branches, 'branch', 'branches', 'branches'],
    [project.tags, 'tag', 'tags', 'tags'],
    [project.commits, 'commit', 'commits'],
    [counts.pull_requests, 'pull request', 'pull requests', 'pull_requests'],
    [counts.comments, 'comment', 'comments'],
    [counts.tasks, 'task', 'tasks'],
    [counts.lfs_objects, 'LFS object', 'LFS objects'],
    [counts.attachments, 'attachment', 'attachments'],
  ];
  return numbers.map(([count, one, many, page]) => ({
    number: viewNumber(count),
    words: count === 1 ? one : many,
    href: page === undefined ? null : `${base}${pathOfProject(project)}/${page}`,
  }));
}

/** While the first import runs there may be no repository yet; that takes nothing from the rest of the page. */
async function readReadme(web: Web, project: Project): Promise<{ path: string; textHtml: SafeHtml } | null> {
  try {
    const readme = await findReadme(web.services.config(), project);
    if (!readme) return null;
    const { path, text, isMarkdown } = readme;
    if (!isMarkdown) return { path: oneLine(path), textHtml: renderPlain(text) };
    const address = `${project.source_url}/src/${encodeURIComponent(project.default_branch!)}/`;
    const picture = (link: string) => pictureAt(link, address, `${web.site.base}${pathOfProject(project)}`);
    const render = await prepareTexts(web, project, [text], { address, topHeading: 3, picture });
    return { path: oneLine(path), textHtml: render(text) };
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    web.services.log.warn({ err: error, project: project.id }, 'a README could not be read');
    return null;
  }
}
