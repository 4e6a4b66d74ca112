// Pictures of the repository itself, for its README: from the default branch, and nothing but pictures.
import type { Request, Response } from 'express';
import { AppError } from '../errors.ts';
import { readBlob } from '../git/repository.ts';
import type { Web } from '../web/web.ts';
import { imageTypeOf } from './image-type.ts';
import type { ImportedFile } from './markdown.ts';
import { pageProject } from './page-project.ts';
import { repositoryDir } from './places.ts';

const MAX_BYTES = 8 * 1024 * 1024;
const PICTURE = /\.(png|jpe?g|gif|webp|bmp|avif)$/i;

/** @param source where the default branch lies at Bitbucket @returns our address of a picture below it */
export function pictureAt(link: string, source: string, project: string): ImportedFile | undefined {
  const [path = ''] = link.split(/[?#]/);
  if (!path.startsWith(source) || !PICTURE.test(path)) return undefined;
  return { href: `${project}/pictures/${path.slice(source.length)}`, isImage: true };
}

/** A symbolic link is the text of its target, as in git, and so it is no picture: nothing is read beside the repository (IM-014). */
export function sendPicture(web: Web) {
  return async (req: Request, res: Response): Promise<void> => {
    const project = await pageProject(web, req);
    const { path } = req.params as unknown as { path: string[] };
    if (project.default_branch === null) throw new AppError('not_found');
    const dir = repositoryDir(web.services.config(), project.id);
    const file = await readBlob(dir, `refs/heads/${project.default_branch}`, path.join('/'), MAX_BYTES);
    const type = file?.content && imageTypeOf(file.content);
    if (!type) throw new AppError('not_found');
    res.set({ 'Content-Security-Policy': "default-src 'none'; sandbox", 'Cache-Control': 'private, no-cache' });
    res.type(type).send(file?.content);
  };
}
