// How long a page may be: at most 100, but less for some lists, and for which Bitbucket's documents do not always say.
import { BitbucketFailure } from './failure.ts';

/**
 * Asks for a page of a list, and where Bitbucket refuses that (400) once more for one of the length it likes.
 * @returns the answer, and the path that it answers
 */
export async function askForPage<T>(
  path: string,
  ask: (path: string) => Promise<T>,
): Promise<{ answer: T; path: string }> {
  try {
    return { answer: await ask(path), path };
  } catch (error) {
    const plain = withoutPagelen(path);
    if (plain === path || !(error instanceof BitbucketFailure) || error.remoteStatus !== 400) throw error;
    return { answer: await ask(plain), path: plain };
  }
}

function withoutPagelen(path: string): string {
  const [way = '', query = ''] = path.split('?');
  const rest = query.split('&').filter((part) => !part.startsWith('pagelen='));
  return rest.join('&') === '' ? way : `${way}?${rest.join('&')}`;
}
