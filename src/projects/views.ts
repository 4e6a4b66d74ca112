// What pages show of people, times and numbers, and what all pages of a project have in common.
import type { Project, PullRequest } from '../db/project-tables.ts';
import { UNTOLD_TIME } from '../db/project-tables.ts';
import { initials } from '../web/page.ts';
import { timeOf } from '../web/time.ts';
import type { Site } from '../web/site.ts';
import { pathOfProject } from './describe.ts';
import type { KnownPerson } from './people.ts';

export interface PersonView {
  name: string;
  initials: string;
  /** Bitbucket does not say any more who it was. */
  isFormer: boolean;
  /** Of their account here. */
  username: string | null;
}

/** Characters that change the direction of the text around them, or show nothing: no name needs them in a line of ours. */
const DISTURBING = /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** A foreign name, branch or path for one line of a page. */
export function oneLine(text: string): string {
  return text.replace(/[\t\n\r]+/g, ' ').replace(DISTURBING, '\uFFFD');
}

/** null = Bitbucket does not say any more which one it was. */
export function viewBranch(name: string | null): string {
  return name === null ? '(unknown)' : oneLine(name);
}

/** A foreign text of several lines that is shown as it is. */
export function manyLines(text: string): string {
  return text.split(/\r?\n/).map(oneLine).join('\n').trim();
}

export function viewPerson(person: KnownPerson | null): PersonView {
  if (person === null) return { name: 'Former user', initials: '–', isFormer: true, username: null };
  const name = oneLine(person.display_name) || person.uuid;
  return { name, initials: initials(name), isFormer: false, username: person.username };
}

/** Earliest and latest time that is shown: an author's clock may say anything. */
const FIRST = Date.UTC(1970, 0, 1);
const LAST = Date.UTC(9999, 11, 31);

export function viewTime(ms: number) {
  return timeOf(Math.min(Math.max(ms, FIRST), LAST));
}

/** Of a row that came from Bitbucket; null = it did not tell. */
export function viewTold(ms: number) {
  return ms === UNTOLD_TIME ? null : viewTime(ms);
}

export function viewNumber(value: number): string {
  return value.toLocaleString('en-GB');
}

/** The head of every page of a project. */
export function viewProject(project: Project, { base }: Site) {
  return {
    title: oneLine(project.title),
    fullPath: `${project.namespace}/${project.name}`,
    /** Below the server's own address, as tabs take it. */
    path: pathOfProject(project),
    href: `${base}${pathOfProject(project)}`,
    isPrivate: project.private === 1,
    isPublished: project.published_at !== null,
    isGone: project.source_gone_at !== null,
    source: { name: oneLine(project.source_full_name), url: project.source_url },
  };
}

export type ProjectView = ReturnType<typeof viewProject>;

export const STATE_WORDS = { open: 'Open', merged: 'Merged', declined: 'Declined', superseded: 'Superseded' } as const;

export function viewState({ state, draft }: Pick<PullRequest, 'state' | 'draft'>) {
  return { name: state, words: STATE_WORDS[state], isDraft: draft === 1 };
}
