// Serves a repository to git clients over smart HTTP, for reading only. What `git http-backend` does beside that (files by
// the dumb protocol, pushing) is left out by running `git upload-pack` itself: nothing here opens a file by its name.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { GitFailure } from './failure.ts';
import { startGit, type GitProcess } from './run.ts';

export interface UploadPackRequest {
  /** A bare repository; who may read it has been decided. */
  dir: string;
  req: IncomingMessage;
  res: ServerResponse;
  /** What follows `….git` in the path, with its slash: `/info/refs` or `/git-upload-pack`. */
  path: string;
  query: URLSearchParams;
}

/** What a client asks for, unpacked: some 50 bytes for each commit it wants or has. */
const MAX_REQUEST_BYTES = 32 * 1024 * 1024;
const TIMEOUT_MS = 60 * 60_000;
/** gitprotocol-v2: `version=2`, and room for what may come; nothing else reaches the environment. */
const PROTOCOL = /^version=[0-9](:[a-z0-9=.-]{1,50}){0,3}$/;

/**
 * Answers one request of a git client and resolves when it is over. What is none of the two requests that reading needs
 * gets 404, pushing 403.
 * @throws GitFailure when git failed; the answer has been broken off then, or is still to be given (`headersSent`)
 * @see https://git-scm.com/docs/gitprotocol-http
 */
export async function serveUploadPack({ dir, req, res, path, query }: UploadPackRequest): Promise<void> {
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  const service = query.get('service');
  if (path === '/git-receive-pack' || service === 'git-receive-pack')
    return refuse(res, 403, 'This repository is read only.');
  if (path === '/info/refs' && req.method === 'GET' && service === 'git-upload-pack') return advertise(dir, req, res);
  if (path === '/git-upload-pack' && req.method === 'POST') return uploadPack(dir, req, res);
  refuse(res, 404, 'Not found.');
}

async function advertise(dir: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { git, protocol } = start(req, res, ['--http-backend-info-refs', dir]);
  res.setHeader('Content-Type', 'application/x-git-upload-pack-advertisement');
  git.stdin.end();
  // The newer protocol opens by itself; the older ones name the service first.
  const opening = protocol.startsWith('version=2') ? '' : '001e# service=git-upload-pack\n0000';
  await answer(git, res, opening);
}

async function uploadPack(dir: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.headers['content-type'] !== 'application/x-git-upload-pack-request') {
    return refuse(res, 415, 'Only git speaks here.');
  }
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (!/^(identity|(x-)?gzip)$/i.test(encoding)) return refuse(res, 415, 'The request is encoded in an unknown way.');
  const { git } = start(req, res, [dir]);
  res.setHeader('Content-Type', 'application/x-git-upload-pack-result');
  const body = /gzip$/i.test(encoding) ? req.pipe(createGunzip()) : req;
  // A request that breaks off or is too long ends git, and by that the answer.
  pipeline(body, limited, git.stdin).catch(() => git.stop(new GitFailure('failed', 'a bad request')));
  await answer(git, res, '');
}

async function* limited(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > MAX_REQUEST_BYTES) throw new GitFailure('too_large');
    yield chunk;
  }
}

function start(req: IncomingMessage, res: ServerResponse, args: string[]): { git: GitProcess; protocol: string } {
  const asked = req.headers['git-protocol'];
  const protocol = typeof asked === 'string' && PROTOCOL.test(asked) ? asked : '';
  // The owner of the folder may differ, where a volume is mounted; it is one of ours all the same.
  const settings = ['-c', 'safe.directory=*', '-c', 'uploadpack.allowFilter=true'];
  const git = startGit([...settings, 'upload-pack', '--strict', '--stateless-rpc', ...args], {
    timeoutMs: TIMEOUT_MS,
    env: { GIT_PROTOCOL: protocol },
  });
  res.on('close', () => git.stop(new GitFailure('cancelled')));
  return { git, protocol };
}

/** Sends what git writes, behind the opening. A git that fails later than that can be told of only by breaking off. */
async function answer(git: GitProcess, res: ServerResponse, opening: string): Promise<void> {
  const behindOpening = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer | string> {
    let before = opening;
    for await (const chunk of source) {
      if (before) yield before;
      before = '';
      yield chunk;
    }
  };
  try {
    await pipeline(git.stdout, behindOpening, res, { end: false });
    await git.done;
    res.end();
  } catch (error) {
    const hasGone = res.destroyed;
    if (res.headersSent) res.destroy();
    // A client that went away is no failure.
    if (!hasGone) throw error instanceof GitFailure ? error : await git.done.catch((failure: unknown) => failure);
  }
}

function refuse(res: ServerResponse, status: number, sentence: string): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.end(`${sentence}\n`);
}
