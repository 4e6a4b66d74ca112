// Git LFS: the batch call beside a repository, and the storage elsewhere that takes only the headers the batch call gave.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Router, type Request, type RequestHandler } from 'express';
import { repositoryOf, type GitRouteOptions } from './git-access.ts';

const LFS_JSON = 'application/vnd.git-lfs+json';
const MAX_BODY_BYTES = 1024 * 1024;

interface AskedObject {
  oid?: unknown;
  size?: unknown;
}

/**
 * The batch call answers as Bitbucket's does: an address at the storage with a header to send, or an error per object.
 * @see https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
 */
export function lfsRoutes(options: GitRouteOptions, requireReader: RequestHandler): Router {
  const router = Router();
  const ticket = randomBytes(16).toString('hex');
  router.post('/:workspace/:slug.git/info/lfs/objects/batch', requireReader, async (request, response) => {
    const { workspace, slug, lfs } = repositoryOf(request);
    const base = options.storageUrl?.() ?? `${request.protocol}://${request.get('host')}/`;
    const objects = (await readObjects(request)).map(({ oid, size }) => {
      if (!lfs.has(String(oid))) return { oid, size, error: { code: 404, message: 'Object does not exist' } };
      const href = `${base}lfs-storage/${workspace}/${slug}/${String(oid)}`;
      const header = { 'X-Storage-Ticket': ticket };
      return { oid, size, authenticated: true, actions: { download: { href, header, expires_in: 3600 } } };
    });
    response
      .status(200)
      .set('Content-Type', LFS_JSON)
      .send(JSON.stringify({ transfer: 'basic', objects }));
  });
  router.get('/lfs-storage/:workspace/:slug/:oid', (request, response) => {
    // Storage with signed requests refuses a second way to authenticate; so does this one, and a leaked token is seen.
    if (request.headers.authorization !== undefined) {
      response.status(400).type('text').send('Only one auth mechanism allowed\n');
      return;
    }
    const content = findObject(options, request);
    if (!content) return void response.status(404).end();
    if (request.get('x-storage-ticket') !== ticket) return void response.status(403).end();
    response.status(200).set('Content-Type', 'application/octet-stream').send(content);
  });
  return router;
}

function findObject({ find }: GitRouteOptions, { params }: Request): Buffer | undefined {
  return find(String(params['workspace']), String(params['slug']))?.lfs.get(String(params['oid']));
}

async function readObjects(request: IncomingMessage): Promise<AskedObject[]> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return [];
    chunks.push(chunk);
  }
  const asked = JSON.parse(Buffer.concat(chunks).toString()) as { objects?: AskedObject[] };
  return asked.objects ?? [];
}
