// Images that people put into descriptions and comments. They are fetched without any authorization: tokens are for the
// API, and an address in a text is whatever its author wanted it to be.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BitbucketFailure } from '../../bitbucket/failure.ts';
import { headerOf } from '../../bitbucket/http-body.ts';
import { imageTypeOf } from '../../projects/image-type.ts';
import { attachmentsDir } from '../../projects/places.ts';
import { saveAttachments } from '../../projects/records.ts';
import type { ImageUrl } from '../image-urls.ts';
import { findImages, mayFetchFrom } from '../image-urls.ts';
import type { Job } from '../job.ts';
import { keepFile } from '../keep-file.ts';
import type { Progress, Stage } from '../stage.ts';
import { saveCounted } from '../stage.ts';
import { pagesOfTexts } from '../texts.ts';

const MOST_REDIRECTS = 3;

/** It needs no cursor: a file that is here is not fetched again. */
export const attachments: Stage = {
  name: 'attachments',
  failure: 'attachment',
  async run(job, progress) {
    const images = await findNew(job);
    await progress.save({ total: progress.done + images.length, skipped: 0 });
    for (const image of images) await bring(job, image, progress);
  },
  async bringOne(job, key) {
    const [image] = findImages(key, job.access.provider.url);
    if (image) await bring(job, image);
  },
};

async function findNew(job: Job): Promise<ImageUrl[]> {
  const found = new Map<string, ImageUrl>();
  for await (const texts of pagesOfTexts(job.db, job.project.id)) {
    for (const { text } of texts)
      for (const image of findImages(text, job.access.provider.url)) found.set(image.url, image);
  }
  const here = await job.db
    .selectFrom('attachments')
    .select('source_url')
    .where('project_id', '=', job.project.id)
    .where('file', 'is not', null)
    .execute();
  for (const { source_url: url } of here) found.delete(url);
  return [...found.values()];
}

async function bring(job: Job, image: ImageUrl, progress?: Progress): Promise<void> {
  const item = { stage: 'attachments', kind: 'attachment', key: image.url, sourceUrl: image.url } as const;
  const row = { source_url: image.url, name: image.name };
  const here = await job.attempt(item, async () => {
    const bytes = await fetchImage(job, image.url).catch(hidden(job));
    const file = createHash('sha256').update(image.url).digest('hex');
    await keepFile(join(attachmentsDir(job.services.config(), job.project.id), file), bytes);
    const described = { ...row, file, content_type: imageTypeOf(bytes) ?? null, size: bytes.length };
    await saveCounted(job, progress, { done: 1 }, async (trx) => {
      await saveAttachments(trx, job.project.id, [described]);
      await job.forgetIn(trx, item);
    });
  });
  if (!here) await saveCounted(job, progress, { skipped: 1 }, (trx) => saveAttachments(trx, job.project.id, [row]));
}

async function fetchImage(job: Job, from: string): Promise<Buffer> {
  const web = job.access.provider.url;
  let url = new URL(from);
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    if (!mayFetchFrom(url, web)) throw refused('it leads to a place where Bitbucket keeps no files');
    const headers = { accept: 'image/*' };
    const request = { endpoint: 'image', url: url.href, headers, asBytes: true, signal: job.signal } as const;
    const reply = await job.http.send(request);
    if (reply.status === 200) return imageOf(reply.bytes, headerOf(reply, 'content-type'));
    if (reply.status < 300 || reply.status > 399) {
      throw new BitbucketFailure('failed', 'image', 'it was not given', { remoteStatus: reply.status });
    }
    const location = headerOf(reply, 'location') ?? '';
    if (!URL.canParse(location, url.href)) throw refused('its redirect leads nowhere');
    url = new URL(location, url);
  }
  throw refused('its redirects have no end');
}

/** Images are no part of the API: whatever Bitbucket says instead of one of a private repository, no token changes it. */
function hidden({ project }: Job): (error: unknown) => never {
  return (error) => {
    const isRefusal =
      error instanceof BitbucketFailure && (error.permanent || [401, 403, 404].includes(error.remoteStatus ?? 0));
    if (project.private === 0 || !isRefusal) throw error;
    throw refused(
      'Bitbucket shows images of private repositories to signed-in browsers only, and no token opens them; open its address there and save it if you need it',
    );
  };
}

function imageOf(bytes: Buffer | undefined, contentType: string | undefined): Buffer {
  if (bytes === undefined || contentType?.startsWith('text/html'))
    throw refused('Bitbucket shows a page instead of it');
  return bytes;
}

function refused(detail: string): BitbucketFailure {
  return new BitbucketFailure('failed', 'image', detail, { permanent: true });
}
