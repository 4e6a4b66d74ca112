// Git LFS for clones: which objects are here, and the objects; downloads only.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import express from 'express';
import { z } from 'zod';
import type { Project } from '../db/project-tables.ts';
import type { Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { lfsPath } from '../git/lfs-files.ts';
import { parseInput } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import { cloneAddress } from './describe.ts';
import { pageProject } from './page-project.ts';
import { lfsDir } from './places.ts';

const LFS_TYPE = 'application/vnd.git-lfs+json';
const OID = /^[0-9a-f]{64}$/;
/** git-lfs asks for 100 at a time. */
const MAX_OBJECTS = 1000;

export const readLfsBody = express.json({ type: [LFS_TYPE, 'application/json'], limit: '256kb' });

const batch = z.object({
  operation: z.string(),
  objects: z.array(z.object({ oid: z.string(), size: z.number().int().min(0) })).max(MAX_OBJECTS),
});

/** @see https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md */
export function listLfsDownloads(web: Web) {
  return async (req: Request, res: Response): Promise<void> => {
    const project = await pageProject(web, req);
    const { operation, objects } = parseInput(batch, req.body);
    if (operation !== 'download') {
      return sendLfs(res.status(403), { message: 'This repository is read only.' });
    }
    const sizes = await findSizes(
      web.services.db,
      project,
      objects.map(({ oid }) => oid),
    );
    const start = `${cloneAddress(web.site, project)}/info/lfs/objects/`;
    sendLfs(res, {
      transfer: 'basic',
      objects: objects.map(({ oid, size }) => {
        const known = sizes.get(oid);
        // Without a header of ours in the answer the client asks with what it has for this address already.
        if (known !== undefined) return { oid, size: known, actions: { download: { href: start + oid } } };
        return {
          oid,
          size,
          error: { code: 404, message: 'This object was not to be had when the project was imported.' },
        };
      }),
    });
  };
}

/** Those that were downloaded and are what their name says, and of this project: an oid alone opens nothing (IM-025). */
async function findSizes(db: Database, project: Project, oids: string[]): Promise<Map<string, number>> {
  const asked = oids.filter((oid) => OID.test(oid));
  if (asked.length === 0) return new Map();
  const rows = await db
    .selectFrom('lfs_objects')
    .select(['oid', 'size'])
    .where('project_id', '=', project.id)
    .where('oid', 'in', asked)
    .where('present', '=', 1)
    .execute();
  return new Map(rows.map(({ oid, size }) => [oid, size]));
}

function sendLfs(res: Response, body: object): void {
  res.type(LFS_TYPE).send(JSON.stringify(body));
}

export function sendLfsObject(web: Web) {
  return async (req: Request, res: Response): Promise<void> => {
    const project = await pageProject(web, req);
    const { oid } = req.params as { oid: string };
    if (!(await findSizes(web.services.db, project, [oid])).has(oid)) throw new AppError('not_found');
    const path = lfsPath(lfsDir(web.services.config(), project.id), oid);
    const file = await stat(path).catch((error: unknown) => {
      throw new AppError('not_found', { cause: error });
    });
    res.set({
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(file.size),
      'Content-Disposition': 'attachment',
      'Cache-Control': 'no-store',
    });
    // A client that goes away is no failure of ours.
    await pipeline(createReadStream(path), res).catch(() => res.destroy());
  };
}
