// Files that texts point to and that were imported: found by their address, and given out so that a browser makes
// nothing of them but pictures.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestHandler } from 'express';
import type { Project } from '../db/project-tables.ts';
import type { Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Web } from '../web/web.ts';
import { pathOfProject } from './describe.ts';
import type { ImportedFile } from './markdown.ts';
import { imageTypeOf } from './image-type.ts';
import { attachmentsDir } from './places.ts';
import { pageProject } from './page-project.ts';

/** More than any project has; what is beyond stays a link to Bitbucket. */
const MAX_KNOWN = 20_000;

/** `https://bitbucket.org/repo/{hash}/images/{digits}-{name}`, and the form of the same in HTML: `/{}/{uuid}/images/…`. */
const IMAGE_PATH = /^\/(?:repo\/[^/]+|%7B%7D\/%7B[0-9a-f-]{36}%7D|\{\}\/\{[0-9a-f-]{36}\})\/images\/(\d+-[^/]+)$/i;

/** @returns a function that finds the imported file behind an address in a text of the project */
export async function findAttachments(
  db: Database,
  project: Project,
  base: string,
): Promise<(address: string) => ImportedFile | undefined> {
  const rows = await db
    .selectFrom('attachments')
    .select(['source_url', 'file', 'content_type'])
    .where('project_id', '=', project.id)
    .where('file', 'is not', null)
    .limit(MAX_KNOWN)
    .execute();
  const files = new Map<string, ImportedFile>();
  for (const { source_url, file, content_type } of rows) {
    const found = {
      href: `${base}${pathOfProject(project)}/attachments/${encodeURIComponent(file!)}`,
      isImage: content_type?.startsWith('image/') === true,
    };
    files.set(keyOf(source_url), found);
  }
  return (address) => files.get(keyOf(address));
}

/** Both forms of an image's address end in the same name, which Bitbucket gives to one image only. */
function keyOf(address: string): string {
  if (!URL.canParse(address)) return address;
  const { host, pathname, href } = new URL(address);
  const image = IMAGE_PATH.exec(pathname)?.[1];
  return image === undefined ? href : `${host}/images/${image}`;
}

/**
 * Pictures are shown, everything else is for downloading: with no type that a browser would open, and where it opens it
 * all the same, in a place that is nobody's (`sandbox`) and may load and run nothing.
 */
export function sendAttachment(web: Web): RequestHandler {
  const { db, config } = web.services;
  return async (req, res, next) => {
    const project = await pageProject(web, req);
    const { file } = req.params as { file: string };
    const attachments = db.selectFrom('attachments').select(['file', 'name']).where('project_id', '=', project.id);
    // What the address says finds a row; the path is made of the row.
    const row = /^[\w.-]{1,200}$/.test(file) && (await attachments.where('file', '=', file).executeTakeFirst());
    if (!row || row.file === null) throw new AppError('not_found');
    const root = attachmentsDir(config(), project.id);
    const picture = imageTypeOf(await firstBytes(join(root, row.file)));
    if (picture === undefined) res.attachment(row.name);
    res.set({
      'Content-Type': picture ?? 'application/octet-stream',
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'Cache-Control': 'private, no-cache',
    });
    res.sendFile(row.file, { root, cacheControl: false, dotfiles: 'allow' }, (error?: Error) => {
      if (error) next(res.headersSent ? error : new AppError('not_found', { cause: error }));
    });
  };
}

/** @throws AppError 404 for a file that is not there any more */
async function firstBytes(path: string): Promise<Buffer> {
  try {
    const handle = await open(path, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0).finally(() => handle.close());
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw new AppError('not_found', { cause: error });
  }
}
