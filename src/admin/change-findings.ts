// What Bitbucket takes away, in words: for the banner, the set-up page and `gatehouse doctor`.
import type { AnnouncedChange } from '../announced-changes.ts';
import { timeOf } from '../web/time.ts';
import type { Finding } from './findings.ts';

const CHANGELOG = 'https://developer.atlassian.com/cloud/bitbucket/changelog';

const STOPS: Record<AnnouncedChange['endpoint'], string> = {
  authorize: 'signing in with Bitbucket',
  token: 'signing in with Bitbucket, and keeping people’s tokens fresh',
  user: 'signing in with Bitbucket',
  emails: 'learning people’s e-mail addresses',
  workspaces: 'checking allowed_workspaces, at sign-in and afterwards',
  permission: 'learning people’s roles in their workspaces',
  repositories: 'choosing what to import',
  repository: 'importing',
  'pull requests': 'importing pull requests',
  comments: 'importing comments of pull requests',
  tasks: 'importing tasks of pull requests',
  activity: 'importing approvals and changes of pull requests',
  commit: 'finding commits of pull requests whose branch is gone',
  diff: 'keeping what pull requests changed whose commits are gone',
  members: 'knowing who is mentioned in imported texts',
  settings: 'keeping settings of imported repositories',
  image: 'importing images',
};

export interface ChangeWords {
  key: string;
  title: string;
  words: string;
  link: string;
  dismissed: boolean;
}

export function wordsOfChange(change: AnnouncedChange): ChangeWords {
  const { key, endpoint, gone, endsAt, deprecatedAt, dismissed } = change;
  const id = change.change;
  const what = id ?? 'a change without number';
  const title = gone
    ? `Bitbucket has taken something away: ${what}`
    : `Bitbucket is about to take something away: ${what}`;
  const since = deprecatedAt === undefined ? '' : ` It was announced for ${timeOf(deprecatedAt).text}.`;
  const end = endsAt === undefined ? '' : ` on ${timeOf(endsAt).text}`;
  const stops = gone
    ? `What does not work any more: ${STOPS[endpoint]}.`
    : `What stops working${end}: ${STOPS[endpoint]}.`;
  return {
    ...{ key, title, dismissed, words: `${stops}${since} A newer version of Gatehouse may know the new way.` },
    link: id === undefined ? CHANGELOG : `${CHANGELOG}#${id}`,
  };
}

export function findingOfChange(change: AnnouncedChange): Finding {
  const { title, words, link } = wordsOfChange(change);
  const state = change.gone ? 'failed' : 'warning';
  return { state, about: 'changes at Bitbucket', words: `${title}. ${words}`, next: `read ${link}, and upgrade` };
}
