// Diffs, patches and lists of changed files: between two commits, of one, and of pull requests, which lead there.
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { sendCollection } from './collections.ts';
import { changeObject } from './commit-objects.ts';
import { gitSourceOf, sendNoCommit } from './commit-routes.ts';
import {
  EMPTY_TREE,
  findCommitHash,
  findMergeBase,
  listChanges,
  listCommits,
  readDiff,
  readPatch,
  type GitSource,
} from './git-content.ts';
import { findPullRequest } from './pull-request-routes.ts';
import { diffSpecOf } from './pull-request-objects.ts';
import type { Realm } from './realm.ts';
import { queryOf } from './requests.ts';
import { getRepository, requireRepository, urlOf, uuidUrlOf } from './repository-access.ts';

const HERE = '/repositories/:workspace/:repository';
const MAX_CHANGES = 500;

interface Range {
  git: GitSource;
  from: string;
  to: string;
}

export function diffRoutes(realm: Realm): Router {
  const router = Router();
  const access = requireRepository(realm, 'repository');
  for (const kind of ['diff', 'patch', 'diffstat'] as const) {
    router.get(`${HERE}/pullrequests/:id/${kind}`, requireRepository(realm, 'pullrequest'), redirectTo(realm, kind));
  }
  router.get(`${HERE}/diff/*spec`, access, async (request, response) => {
    const range = await findRange(realm, request, response);
    if (!range) return;
    const paths = queryOf(request).getAll('path');
    sendText(response, await readDiff(range.git, range.from, range.to, paths));
  });
  router.get(`${HERE}/patch/*spec`, access, async (request, response) => {
    const range = await findRange(realm, request, response);
    if (range) sendText(response, await readPatch(range.git, range.from, range.to));
  });
  router.get(`${HERE}/diffstat/*spec`, access, async (request, response) => {
    const repository = getRepository(request);
    const range = await findRange(realm, request, response);
    if (!range) return;
    sendCollection(request, response, {
      url: `${uuidUrlOf(realm, repository)}/diffstat/${range.to}..${range.from}`,
      maxPagelen: MAX_CHANGES,
      items: await listChanges(range.git, range.from, range.to),
      toObject: (change) => changeObject(realm, repository, change, range.to),
    });
  });
  return router;
}

function redirectTo(realm: Realm, kind: string): RequestHandler {
  return (request, response) => {
    const pullRequest = findPullRequest(request, response);
    if (!pullRequest) return;
    const repository = getRepository(request);
    const spec = diffSpecOf(repository, pullRequest);
    response.redirect(
      302,
      `${urlOf(realm, repository)}/${kind}/${spec}?from_pullrequest_id=${pullRequest.id}&topic=true`,
    );
  };
}

/** Both ends as commits that git has here; undefined when one is missing, which is answered. */
async function findRange(realm: Realm, request: Request, response: Response): Promise<Range | undefined> {
  const git = gitSourceOf(realm, getRepository(request));
  const [source = '', destination] = readSpec(request.params['spec']);
  const to = await findCommitHash(git, source);
  if (to === undefined) return void sendNoCommit(response, source);
  if (destination === undefined) {
    const [commit] = await listCommits(git, '--max-count=1', to);
    return { git, to, from: commit?.parents[0] ?? EMPTY_TREE };
  }
  const base = await findCommitHash(git, destination);
  if (base === undefined) return void sendNoCommit(response, destination);
  if (queryOf(request).get('topic') !== 'true') return { git, from: base, to };
  return { git, from: (await findMergeBase(git, base, to)) ?? base, to };
}

/** `source`, `source..destination`, `workspace/repository:source\rdestination`: the newer one comes first. */
function readSpec(spec: unknown): string[] {
  const text = Array.isArray(spec) ? spec.join('/') : String(spec);
  return text.replace(/^.*:/s, '').split(/\r|\.\./);
}

function sendText(response: Response, text: Buffer): void {
  response.status(200).type('text/plain').send(text);
}
