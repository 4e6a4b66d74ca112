// Commits of a repository and of its pull requests, with what was said and built of them; branches and tags.
import { Router, type Request, type Response } from 'express';
import { sendApiError } from './api-errors.ts';
import { sendCollection, sendObject } from './collections.ts';
import { commitObject, refObject, statusObject } from './commit-objects.ts';
import { commitCommentObject } from './conversation-objects.ts';
import { findCommitHash, listCommits, listRefs, type GitCommit, type GitSource } from './git-content.ts';
import { findPullRequest } from './pull-request-routes.ts';
import type { PullRequest } from './pull-requests.ts';
import type { Realm } from './realm.ts';
import { fullNameOf, type Repository } from './repositories.ts';
import { getRepository, requireRepository, uuidUrlOf } from './repository-access.ts';
import { queryOf } from './requests.ts';

const HERE = '/repositories/:workspace/:repository';

export function commitRoutes(realm: Realm): Router {
  const router = Router();
  const access = requireRepository(realm, 'repository');
  const readPullRequest = requireRepository(realm, 'pullrequest');
  router.get(`${HERE}/commits`, access, async (request, response) => {
    const chosen = await chooseCommits(realm, request, response);
    if (chosen) sendCommits(realm, request, response, chosen);
  });
  router.get(`${HERE}/commit/:hash`, access, (request, response) => sendCommit(realm, request, response));
  router.get(`${HERE}/commit/:hash/:what`, access, (request, response) => sendOfCommit(realm, request, response));
  router.get(`${HERE}/refs/:plural`, access, (request, response, next) => {
    const { plural } = request.params;
    if (plural !== 'branches' && plural !== 'tags') return next();
    return sendRefs(realm, request, response, plural);
  });
  router.get(`${HERE}/pullrequests/:id/commits`, readPullRequest, (request, response) =>
    sendPullRequestCommits(realm, request, response),
  );
  router.get(`${HERE}/pullrequests/:id/statuses`, readPullRequest, (request, response) => {
    const found = findPullRequest(request, response);
    if (found) sendStatuses(realm, request, response, found.source.commit ?? '');
  });
  return router;
}

/**
 * What leads to commits or branches (`include`) and not to others (`exclude`); everything without. Of an unknown one
 * nothing is told but that. @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/
 */
async function chooseCommits(realm: Realm, request: Request, response: Response): Promise<GitCommit[] | undefined> {
  const source = gitSourceOf(realm, getRepository(request));
  const branches = new Map((await listRefs(source, 'refs/heads')).map(({ name, commit }) => [name, commit]));
  const query = queryOf(request);
  const hashes: Record<string, string[]> = { include: [], exclude: [] };
  for (const side of ['include', 'exclude'])
    for (const name of query.getAll(side)) {
      const hash = branches.get(name) ?? (await findCommitHash(source, name));
      if (hash === undefined) return void sendNoCommit(response, name);
      hashes[side]!.push(hash);
    }
  const [include = [], exclude = []] = [hashes['include'], hashes['exclude']];
  return listCommits(source, ...(include.length > 0 ? include : ['--all']), ...exclude.map((hash) => `^${hash}`));
}

/** The repository with the objects of its forks. */
export function gitSourceOf(realm: Realm, repository: Repository): GitSource {
  const forks = realm.repositories.filter(({ parent }) => parent === fullNameOf(repository)).map(({ dir }) => dir);
  return { dir: repository.dir, forks };
}

/** Bitbucket's own words for a commit that it does not know. */
export function sendNoCommit(response: Response, hash: string): void {
  response.status(404).json({ type: 'error', error: { message: 'Commit not found', data: { shas: [hash] } } });
}

async function sendCommit(realm: Realm, request: Request, response: Response): Promise<void> {
  const repository = getRepository(request);
  const hash = await findCommit(realm, request, response);
  if (hash === undefined) return;
  const [commit] = await listCommits(gitSourceOf(realm, repository), '--max-count=1', hash);
  sendObject(request, response, commitObject(realm, repository, commit!));
}

async function sendOfCommit(realm: Realm, request: Request, response: Response): Promise<void> {
  const repository = getRepository(request);
  const hash = await findCommit(realm, request, response);
  if (hash === undefined) return;
  const { what } = request.params;
  if (what === 'statuses') return sendStatuses(realm, request, response, hash);
  if (what !== 'comments') return sendApiError(response, 404, { message: 'Resource not found' });
  sendCollection(request, response, {
    url: `${uuidUrlOf(realm, repository)}/commit/${hash}/comments`,
    items: repository.commitComments.filter(({ commit }) => commit === hash),
    toObject: (comment) => commitCommentObject(realm, repository, comment),
  });
}

function sendStatuses(realm: Realm, request: Request, response: Response, hash: string): void {
  const repository = getRepository(request);
  sendCollection(request, response, {
    url: `${uuidUrlOf(realm, repository)}/commit/${hash}/statuses`,
    items: repository.statuses.filter(({ commit }) => commit === hash),
    toObject: (status) => statusObject(realm, repository, status),
  });
}

async function sendRefs(
  realm: Realm,
  request: Request,
  response: Response,
  plural: 'branches' | 'tags',
): Promise<void> {
  const repository = getRepository(request);
  const refs = await listRefs(repository, plural === 'branches' ? 'refs/heads' : 'refs/tags');
  const hashes = [...new Set(refs.map(({ commit }) => commit))];
  const commits = hashes.length === 0 ? [] : await listCommits(repository, '--no-walk', ...hashes);
  const targets = new Map(commits.map((commit) => [commit.hash, commitObject(realm, repository, commit)]));
  sendCollection(request, response, {
    url: `${uuidUrlOf(realm, repository)}/refs/${plural}`,
    items: refs,
    toObject: (ref) => {
      const target = targets.get(ref.commit) ?? {};
      return refObject(realm, repository, ref, { target, type: plural === 'branches' ? 'branch' : 'tag' });
    },
    quick: { name: ({ name }) => name },
  });
}

/** Newest first. Empty when the branch is gone, 404 when the fork is. */
async function sendPullRequestCommits(realm: Realm, request: Request, response: Response): Promise<void> {
  const repository = getRepository(request);
  const pullRequest = findPullRequest(request, response);
  if (!pullRequest) return;
  if (pullRequest.source.repository === null) return sendNoCommit(response, pullRequest.source.commit ?? '');
  const commits = await listPullRequestCommits(realm, repository, pullRequest);
  sendCommits(realm, request, response, commits);
}

async function listPullRequestCommits(
  realm: Realm,
  repository: Repository,
  { source, destination }: PullRequest,
): Promise<GitCommit[]> {
  const fork = realm.repositories.find(({ workspace, slug }) => `${workspace}/${slug}` === source.repository);
  const branches = fork ? await listRefs(fork, 'refs/heads') : [];
  if (source.commit === null || !branches.some(({ name }) => name === source.branch)) return [];
  const git = gitSourceOf(realm, repository);
  const isHere = (await findCommitHash(git, source.commit)) !== undefined;
  const knowsBoth = isHere && destination.commit !== null;
  return knowsBoth ? listCommits(git, source.commit, `^${destination.commit}`) : [];
}

function sendCommits(realm: Realm, request: Request, response: Response, commits: GitCommit[]): void {
  const repository = getRepository(request);
  const { id } = request.params;
  const list = id === undefined ? 'commits' : `pullrequests/${String(id)}/commits`;
  sendCollection(request, response, {
    url: `${uuidUrlOf(realm, repository)}/${list}`,
    isIterated: true,
    items: commits,
    toObject: (commit) => commitObject(realm, repository, commit),
  });
}

async function findCommit(realm: Realm, request: Request, response: Response): Promise<string | undefined> {
  const asked = String(request.params['hash']);
  const hash = await findCommitHash(gitSourceOf(realm, getRepository(request)), asked.toLowerCase());
  if (hash === undefined) sendNoCommit(response, asked);
  return hash;
}
