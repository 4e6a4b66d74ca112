// Which addresses in a text are images that somebody uploaded to Bitbucket, and where such a file may be fetched from.

import { isConfidential } from '../bitbucket/endpoints.ts';

/** Both forms that Bitbucket writes: by a short hash, and with an empty workspace and the repository's uuid. */
const IMAGE_PATH = /^\/(?:repo\/[\w-]{1,64}|%7B%7D\/%7B[0-9a-f-]{36}%7D)\/images\/(\d{1,20}-[^/?#]{1,255})$/i;
const URL_IN_TEXT = /https?:\/\/[^\s<>"'()[\]]{1,2000}/g;

/** Where Bitbucket keeps such files. @see https://gitlab.com/gitlab-org/gitlab, Attachment::BITBUCKET_MEDIA_HOSTS */
const STORAGE = ['bytebucket.org', 'bbuseruploads.s3.amazonaws.com', 'api.media.atlassian.com'];

export interface ImageUrl {
  /** Without whatever stands behind the path in the text: a few hundred characters at most, fit for a key. */
  url: string;
  /** The name it was uploaded with, behind its number: text from outside. */
  name: string;
}

/** @param web address of the provider: images of other sites are links, and nobody fetches them */
export function findImages(text: string, web: string): ImageUrl[] {
  const { origin } = new URL(web);
  return (text.match(URL_IN_TEXT) ?? []).flatMap((url) => {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.origin !== origin || parsed.username || parsed.search) return [];
    const name = IMAGE_PATH.exec(parsed.pathname)?.[1];
    return name === undefined ? [] : [{ url: `${origin}${parsed.pathname}`, name: plain(name) }];
  });
}

/** Where a redirect from such an image may lead; a stand-in on this machine has its storage here, too. */
export function mayFetchFrom(url: URL, web: string): boolean {
  const home = new URL(web);
  if (url.origin === home.origin) return true;
  if (home.protocol === 'http:') return url.protocol === 'http:' && isConfidential(url);
  return url.protocol === 'https:' && url.port === '' && STORAGE.includes(url.hostname);
}

function plain(name: string): string {
  try {
    return decodeURIComponent(name).replace(/[\p{Cc}\p{Cf}/\\]/gu, '_');
  } catch {
    return name;
  }
}
