// The commits of a pull request, newest first.
import type { RequestHandler } from 'express';
import { GitFailure } from '../git/failure.ts';
import type { Commit } from '../git/history.ts';
import { initials } from '../web/page.ts';
import type { Web } from '../web/web.ts';
import { findCommits, MAX_COMMITS } from './changes.ts';
import { readHead } from './pull-request-head.ts';
import { manyLines, oneLine, viewTime } from './views.ts';

export function showCommits(web: Web): RequestHandler {
  return async (req, res) => {
    const { project, row, head } = await readHead(web, req);
    const commits = await findCommits(web.services.config(), project, row).catch((error: unknown) => {
      if (error instanceof GitFailure && error.reason === 'failed') return undefined;
      throw error;
    });
    web.render(req, res, 'projects/commits', {
      title: `Commits of #${head.number}: ${head.title}`,
      head,
      currentTab: head.tabs[1]![0],
      kept: row.commits,
      isCut: commits?.length === MAX_COMMITS,
      commits: commits?.map(viewCommit) ?? null,
    });
  };
}

function viewCommit({ sha, author, message }: Commit) {
  const [subject = '', ...body] = message.split('\n');
  const name = oneLine(author.name) || 'unknown';
  return {
    sha,
    short: sha.slice(0, 12),
    subject: oneLine(subject).slice(0, 300) || '(no message)',
    body: manyLines(body.join('\n')),
    author: { name, initials: initials(name) },
    at: viewTime(author.at),
  };
}
