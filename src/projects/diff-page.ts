// What a pull request changes, with threads on their lines; as a page and as data.
import type { RequestHandler } from 'express';
import { GitFailure } from '../git/failure.ts';
import { AppError } from '../errors.ts';
import type { Web } from '../web/web.ts';
import { pullRequestOf } from './api.ts';
import type { Changes } from './changes.ts';
import { findChanges } from './changes.ts';
import { listComments, listTasks, threadsOf } from './conversation.ts';
import type { DiffFile } from './diff-text.ts';
import { viewDiff } from './diff-view.ts';
import { findPeople } from './people.ts';
import { readHead } from './pull-request-head.ts';
import { prepareTexts } from './text-context.ts';
import { viewThread } from './thread-view.ts';

export function showDiff(web: Web): RequestHandler {
  const { db, config } = web.services;
  return async (req, res) => {
    const { project, row, head } = await readHead(web, req);
    const changes = await findChanges(config(), project, row).catch(missing);
    const threads = threadsOf(await listComments(db, project.id, row.number)).filter(({ inline }) => inline !== null);
    const comments = threads.flatMap(({ first, replies }) => [first, ...replies]);
    const tasks = await listTasks(db, project.id, row.number);
    const texts = [...comments.map(({ body }) => body), ...tasks.map(({ body }) => body)];
    const render = await prepareTexts(web, project, texts, { address: row.source_url, topHeading: 4 });
    const uuids = [...comments, ...tasks].flatMap(({ author, resolved_by }) => [author, resolved_by]);
    const people = await findPeople(db, project.source_provider, uuids);
    web.render(req, res, 'projects/diff', {
      title: `Changes of #${head.number}: ${head.title}`,
      head,
      currentTab: head.tabs[2]![0],
      by: changes?.by ?? null,
      isCut: changes?.isCut ?? false,
      diff: viewDiff(changes?.files ?? [], threads, (thread, isAtLine) =>
        viewThread(thread, { people, tasks, render }, { isAtLine }),
      ),
    });
  };
}

/** While a first import runs there may be no repository. */
function missing(error: unknown): undefined {
  if (error instanceof GitFailure && error.reason === 'failed') return undefined;
  throw error;
}

/** GET …/diff of the API. @throws AppError 404 when no diff is left */
export function showDiffAsData(web: Web): RequestHandler {
  return async (req, res) => {
    const { project, row } = await pullRequestOf(web, req);
    const changes = await findChanges(web.services.config(), project, row).catch(missing);
    if (!changes) throw new AppError('not_found');
    res.json(describeChanges(changes));
  };
}

function describeChanges({ by, range, isCut, files }: Changes) {
  return { by, from: range?.from ?? null, to: range?.to ?? null, truncated: isCut, files: files.map(describeFile) };
}

function describeFile({ oldPath, newPath, binary, added, removed, hunks }: DiffFile) {
  return {
    old_path: oldPath,
    new_path: newPath,
    binary,
    lines_added: added,
    lines_removed: removed,
    hunks: hunks.map(({ heading, lines }) => ({
      heading,
      lines: lines.map(({ kind, old, new: to, text }) => ({ kind, from: old, to, text })),
    })),
  };
}
