// Git over smart HTTP as Bitbucket serves it, read only: the advertisement of refs and `git-upload-pack`; and beside it
// the LFS batch call and the storage that it points to.
import { createGunzip } from 'node:zlib';
import { Router, type Request, type Response } from 'express';
import { repositoryOf, requireReader, type GitRouteOptions } from './git-access.ts';
import { startGit } from './git-process.ts';
import { lfsRoutes } from './lfs-routes.ts';
import { queryOf } from './requests.ts';

/** One router for all of it. It has to stand before anything that reads bodies, because those of git are binary and long. */
export function gitRoutes(options: GitRouteOptions): Router {
  const router = Router();
  router.get('/:workspace/:slug.git/info/refs', requireReader(options), (request, response) => {
    if (queryOf(request).get('service') !== 'git-upload-pack') {
      response.status(403).type('text').send('This stand-in speaks smart HTTP only, and for reading only.\n');
      return;
    }
    advertise(request, response);
  });
  router.post('/:workspace/:slug.git/git-upload-pack', requireReader(options), uploadPack);
  router.use(lfsRoutes(options, requireReader(options)));
  return router;
}

function advertise(request: Request, response: Response): void {
  const { protocol, flags } = speak(request);
  const git = startGit(
    [...flags, 'upload-pack', '--stateless-rpc', '--http-backend-info-refs', repositoryOf(request).dir],
    {
      GIT_PROTOCOL: protocol,
    },
  );
  response.status(200).set('Content-Type', 'application/x-git-upload-pack-advertisement');
  response.set('Cache-Control', 'no-cache');
  // Protocol 2 opens with its own line (gitprotocol-http); the older ones name the service first.
  if (!protocol.includes('version=2')) response.write('001e# service=git-upload-pack\n0000');
  git.stdin.end();
  git.stderr.resume();
  git.stdout.pipe(response);
  response.on('close', () => git.kill());
}

function uploadPack(request: Request, response: Response): void {
  const { protocol, flags } = speak(request);
  const git = startGit([...flags, 'upload-pack', '--stateless-rpc', repositoryOf(request).dir], {
    GIT_PROTOCOL: protocol,
  });
  response.status(200).set('Content-Type', 'application/x-git-upload-pack-result').set('Cache-Control', 'no-cache');
  const isPacked = /^(x-)?gzip$/i.test(request.headers['content-encoding'] ?? '');
  const body = isPacked ? request.pipe(createGunzip()) : request;
  body.on('error', () => git.kill());
  git.stdin.on('error', () => undefined);
  body.pipe(git.stdin);
  git.stderr.resume();
  git.stdout.pipe(response);
  response.on('close', () => git.kill());
}

/** Protocol 2 gives any object that is asked for by its hash, so a server that refuses some must not speak it. */
function speak(request: Request): { protocol: string; flags: string[] } {
  const { fetchBySha = 'any' } = repositoryOf(request);
  const flags = ['-c', `uploadpack.allowReachableSHA1InWant=${fetchBySha === 'reachable'}`];
  return { protocol: fetchBySha === 'any' ? (request.get('git-protocol') ?? '') : '', flags };
}
