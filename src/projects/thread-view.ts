// Threads, comments and tasks as pages show them.
import type { Comment, Task } from '../db/project-tables.ts';
import type { SafeHtml } from '../web/safe-html.ts';
import type { Inline, Thread } from './conversation.ts';
import type { DiffLine } from './diff-text.ts';
import type { LineView } from './diff-view.ts';
import { viewLine } from './diff-view.ts';
import type { PeopleByUuid } from './people.ts';
import { personOf } from './people.ts';
import { oneLine, viewPerson, viewTime, viewTold } from './views.ts';

/** What a thread is shown with. */
export interface ThreadContext {
  people: PeopleByUuid;
  tasks: Task[];
  render: (text: string) => SafeHtml;
}

/** With or at the line that a thread is about, or somewhere else. */
export interface Place {
  /** That line, with some before it. */
  excerpt?: DiffLine[];
  isAtLine: boolean;
}

export function viewThread({ first, replies, inline }: Thread, context: ThreadContext, place: Place) {
  return {
    place: inline && { path: oneLine(inline.path), words: placeWords(inline, place), isOutdated: inline.outdated },
    excerpt: (place.excerpt ?? []).map((line): LineView => viewLine(line)),
    isResolved: first.resolved === 1,
    resolvedBy: nameOf(first.resolved_by, context),
    comments: [first, ...replies].map((comment) => viewComment(comment, context)),
  };
}

/** Bitbucket does not always say who it was; then nobody is named, not even a former user. */
function nameOf(uuid: string | null, { people }: ThreadContext): string | null {
  return uuid === null ? null : viewPerson(personOf(people, uuid)).name;
}

function placeWords({ from, to, start_from, start_to, outdated }: Inline, { isAtLine }: Place): string {
  const [first, last] = to === null ? [start_from, from] : [start_to, to];
  if (last === null) return 'the whole file';
  const which = to === null ? 'old line' : 'line';
  const words = first === null || first === last ? `${which} ${last}` : `${which}s ${first} to ${last}`;
  return isAtLine || outdated ? words : `${words}, not among the lines shown`;
}

function viewComment(comment: Comment, context: ThreadContext) {
  const { id, author, body, created_at, updated_at, deleted } = comment;
  const isEdited = updated_at !== null && updated_at - created_at > 1000;
  return {
    id,
    author: viewPerson(personOf(context.people, author)),
    created: viewTold(created_at),
    edited: isEdited ? viewTime(updated_at) : null,
    isDeleted: deleted === 1,
    isGone: comment.source_gone_at !== null,
    bodyHtml: deleted === 1 ? null : context.render(body),
    tasks: context.tasks.filter(({ comment_id }) => comment_id === id).map((task) => viewTask(task, context)),
  };
}

export function viewTask(task: Task, context: ThreadContext) {
  const { people, render } = context;
  const isResolved = task.state === 'resolved';
  return {
    bodyHtml: render(task.body),
    author: viewPerson(personOf(people, task.author)).name,
    isResolved,
    resolvedBy: nameOf(task.resolved_by, context),
    isGone: task.source_gone_at !== null,
  };
}
