// One pull request: description, who approved, tasks, and everything that was said and done about it.
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Project, PullRequest, PullRequestPerson, Task } from '../db/project-tables.ts';
import { GitFailure } from '../git/failure.ts';
import { parseInput } from '../web/input.ts';
import { listAddress } from '../web/list-query.ts';
import type { Web } from '../web/web.ts';
import { findChanges } from './changes.ts';
import { listActivity, listComments, listTasks, threadsOf } from './conversation.ts';
import type { DiffFile } from './diff-text.ts';
import { viewPager } from './pager.ts';
import type { PeopleByUuid } from './people.ts';
import { findPeople, personOf } from './people.ts';
import { readHead } from './pull-request-head.ts';
import { peopleByNumber } from './pull-requests.ts';
import { prepareTexts } from './text-context.ts';
import type { ThreadContext } from './thread-view.ts';
import { viewTask, viewThread } from './thread-view.ts';
import { excerptOf } from './threads-on-diff.ts';
import type { Item } from './timeline.ts';
import { timelineOf } from './timeline.ts';
import { manyLines, oneLine, viewPerson, viewTime, viewTold } from './views.ts';

const PER_PAGE = 100;

const query = z.object({ page: z.coerce.number().int().min(1).max(1e9).catch(1) });

export function showConversation(web: Web): RequestHandler {
  return async (req, res) => {
    const { project, row, head } = await readHead(web, req);
    const { page: wished } = parseInput(query, req.query);
    const read = await readAll(web, project, row);
    const items = timelineOf(threadsOf(read.comments), read.activity);
    const [[path = '']] = head.tabs as [[string]];
    const pager = viewPager({ total: items.length, perPage: PER_PAGE, wished }, (page) => listAddress(path, { page }));
    const shown = items.slice(pager.slice.offset, pager.slice.offset + PER_PAGE);
    const texts = [row.description, ...read.tasks.map(({ body }) => body), ...shown.flatMap(textsOf)];
    const render = await prepareTexts(web, project, texts, { address: row.source_url, topHeading: 4 });
    const context: ThreadContext = { people: read.people, tasks: read.tasks, render };
    const files = shown.some(isInline) ? await readFiles(web, project, row) : [];
    web.render(req, res, 'projects/pull-request', {
      title: `${head.title} (#${head.number})`,
      head,
      currentTab: path,
      descriptionHtml: row.description.trim() === '' ? null : render(row.description),
      reason: manyLines(row.reason),
      reviews: read.involved.map((each) => viewReview(each, read.people)),
      kept: row.commits,
      tasks: read.tasks.map((task) => viewTask(task, context)),
      resolvedTasks: read.tasks.filter(({ state }) => state === 'resolved').length,
      items: shown.map((item) => viewItem(item, context, files)),
      pager,
    });
  };
}

async function readAll({ services: { db } }: Web, project: Project, { number, author, closed_by }: PullRequest) {
  const comments = await listComments(db, project.id, number);
  const tasks = await listTasks(db, project.id, number);
  const activity = await listActivity(db, project.id, number);
  const involved = (await peopleByNumber(db, project.id, [number])).get(number)!;
  const uuids = [
    author,
    closed_by,
    ...comments.flatMap((comment) => [comment.author, comment.resolved_by]),
    ...tasks.flatMap((task: Task) => [task.author, task.resolved_by]),
    ...activity.map((event) => event.author),
    ...involved.map(({ uuid }) => uuid),
  ];
  return { comments, tasks, activity, involved, people: await findPeople(db, project.source_provider, uuids) };
}

function textsOf(item: Item): string[] {
  if (!('thread' in item)) return [];
  return [item.thread.first, ...item.thread.replies].map(({ body }) => body);
}

function isInline(item: Item): boolean {
  return 'thread' in item && item.thread.inline !== null;
}

/** Without the diff a thread still has its path and line. */
async function readFiles(web: Web, project: Project, row: PullRequest): Promise<DiffFile[]> {
  try {
    return (await findChanges(web.services.config(), project, row))?.files ?? [];
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    web.services.log.warn({ err: error, project: project.id, pull_request: row.number }, 'a diff could not be read');
    return [];
  }
}

function viewReview({ uuid, role, state, at }: PullRequestPerson, people: PeopleByUuid) {
  const words = { approved: 'approved', changes_requested: 'asked for changes' };
  return {
    person: viewPerson(personOf(people, uuid)),
    role,
    state,
    words: state === null ? (role === 'reviewer' ? 'has not decided' : 'took part') : words[state],
    at: state === null || at === null ? null : viewTime(at),
  };
}

function viewItem(item: Item, context: ThreadContext, files: DiffFile[]) {
  if ('thread' in item) {
    const { inline } = item.thread;
    const excerpt = inline ? excerptOf(files, inline) : [];
    return { thread: viewThread(item.thread, context, { excerpt, isAtLine: excerpt.length > 0 }), happening: null };
  }
  const { author, words, detail, tone, at } = item.happening;
  const who = viewPerson(personOf(context.people, author));
  const shortDetail = detail === null ? null : oneLine(detail).slice(0, 500);
  return { thread: null, happening: { who, words, detail: shortDetail, tone, at: viewTold(at) } };
}
