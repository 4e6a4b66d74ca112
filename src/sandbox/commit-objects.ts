// Commits, refs and changed files in the shapes API 2.0 sends them.
import {
  accountObject,
  commitInShort,
  formatTime,
  link,
  renderedObject,
  repositoryInShort,
} from './content-objects.ts';
import type { FileChange, GitCommit, GitRef } from './git-content.ts';
import type { Realm } from './realm.ts';
import type { Json, Status } from './repository-parts.ts';
import { fullNameOf, type Repository } from './repositories.ts';

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/ */
export function commitObject(realm: Realm, repository: Repository, commit: GitCommit): Json {
  const self = `${realm.urls.api}/repositories/${fullNameOf(repository)}`;
  const to = (what: string) => link(`${self}/${what}/${commit.hash}`);
  const below = (what: string) => link(`${self}/commit/${commit.hash}/${what}`);
  return {
    type: 'commit',
    hash: commit.hash,
    date: withoutFraction(commit.date),
    author: authorObject(realm, commit.author, commit.address),
    message: commit.message,
    summary: renderedObject(commit.message, repository),
    links: {
      self: to('commit'),
      html: link(`${realm.urls.web}${fullNameOf(repository)}/commits/${commit.hash}`),
      diff: to('diff'),
      approve: below('approve'),
      comments: below('comments'),
      statuses: below('statuses'),
      patch: to('patch'),
    },
    parents: commit.parents.map((hash) => commitInShort(repository, hash, realm.urls, 40)),
    repository: repositoryInShort(realm, fullNameOf(repository)),
  };
}

interface RefTelling {
  /** The object of the commit. */
  target: Json;
  type: 'branch' | 'tag';
}

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-refs/ */
export function refObject(realm: Realm, repository: Repository, ref: GitRef, { target, type }: RefTelling): Json {
  const name = fullNameOf(repository);
  const plural = type === 'branch' ? 'branches' : 'tags';
  const encoded = encodeURIComponent(ref.name);
  const shared = {
    name: ref.name,
    type,
    target,
    links: {
      self: link(`${realm.urls.api}/repositories/${name}/refs/${plural}/${encoded}`),
      commits: link(`${realm.urls.api}/repositories/${name}/commits/${encoded}`),
      html: link(`${realm.urls.web}${name}/${type === 'branch' ? 'branch' : 'commits/tag'}/${encoded}`),
    },
  };
  if (type === 'branch') {
    const strategies = ['merge_commit', 'squash', 'fast_forward'];
    return { ...shared, merge_strategies: strategies, default_merge_strategy: 'merge_commit' };
  }
  const { annotation } = ref;
  return {
    ...shared,
    message: annotation?.message ?? null,
    date: annotation ? withoutFraction(annotation.date) : null,
    tagger: annotation ? { type: 'author', raw: annotation.tagger } : null,
  };
}

export function changeObject(realm: Realm, repository: Repository, change: FileChange, to: string): Json {
  const file = (path: string | null): Json | null => {
    if (path === null) return null;
    const escaped = path.split('/').map(encodeURIComponent).join('/');
    const self = `${realm.urls.api}/repositories/${fullNameOf(repository)}/src/${to}/${escaped}`;
    return { path, type: 'commit_file', escaped_path: escaped, links: { self: link(self) } };
  };
  return {
    type: 'diffstat',
    lines_added: change.linesAdded,
    lines_removed: change.linesRemoved,
    status: change.status,
    old: file(change.old),
    new: file(change.new),
  };
}

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/ */
export function statusObject(realm: Realm, repository: Repository, status: Status): Json {
  const name = fullNameOf(repository);
  const self = `${realm.urls.api}/repositories/${name}/commit/${status.commit}`;
  return {
    key: status.key,
    type: 'build',
    state: status.state,
    name: status.name,
    refname: null,
    commit: commitInShort(repository, status.commit, realm.urls, 40),
    url: status.url,
    repository: repositoryInShort(realm, name),
    description: '',
    created_on: formatTime(status.createdOn),
    updated_on: formatTime(status.createdOn),
    links: { self: link(`${self}/statuses/build/${status.key}`), commit: link(self) },
  };
}

/** With the account whose address it is; without `user` when nobody has it. */
function authorObject(realm: Realm, raw: string, address: string): Json {
  const person = realm.people.find(({ emails }) => emails.some((email) => email.address === address));
  return { type: 'author', raw, ...(person ? { user: accountObject(realm, person.key) } : {}) };
}

/** Git knows seconds only. */
function withoutFraction(date: string): string {
  return formatTime(date).replace(/\.\d+/, '');
}
