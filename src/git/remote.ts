// The far end that git reads from, and how git is told of it without a credential showing in argv, URL, config or log.
import { allowedAddresses, hostOf, isLoopback, type Lookup } from './addresses.ts';
import { GitFailure } from './failure.ts';
import { git, type GitRun } from './run.ts';

export interface Remote {
  /** https, or http on loopback; without user, query and fragment. */
  url: string;
  credential?: { username: string; password: string } | undefined;
  lookup?: Lookup | undefined;
  /** Called with every word of git, its counting included: as long as it says something, it moves. */
  onLife?: (() => void) | undefined;
}

export interface Ref {
  /** In full, `refs/heads/main`. */
  name: string;
  /** What it names: a commit, or the tag object of an annotated tag. */
  sha: string;
}

export interface RemoteRefs {
  /** Full name of the branch that HEAD names; undefined where there is none, or where HEAD names a commit. */
  head: string | undefined;
  refs: Ref[];
}

/**
 * Runs a command of git that talks to the remote; the URL comes from `args(url)`.
 * @throws GitFailure
 */
export async function gitWith(remote: Remote, args: (url: string) => string[], options: GitRun) {
  const url = checkedUrl(remote.url);
  const addresses = await allowedAddresses(url, remote.lookup);
  const scheme = url.protocol.slice(0, -1);
  const settings = [`protocol.${scheme}.allow=always`, ...pinned(url, addresses)];
  const { env, secrets } = authorization(url, remote.credential);
  const onStderr = (text: string) => {
    remote.onLife?.();
    options.onStderr?.(text);
  };
  const words = [...settings.flatMap((setting) => ['-c', setting]), ...args(url.href)];
  return git(words, { ...options, env, secrets, onStderr });
}

/** What the remote has, as `git ls-remote` tells it. @throws GitFailure `too_many_refs`, and the rest */
export async function lsRemote(
  remote: Remote,
  limits: { maxRefs?: number; timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<RemoteRefs> {
  const { maxRefs = 1_000_000, timeoutMs, signal } = limits;
  const { stdout } = await gitWith(remote, (url) => ['ls-remote', '--symref', '--quiet', '--', url], {
    timeoutMs,
    signal,
    maxOutputBytes: 1000 + 2 * 300 * maxRefs,
  });
  const found = parseRefs(stdout.toString());
  if (found.refs.length > maxRefs) throw new GitFailure('too_many_refs', `${found.refs.length} refs`);
  return found;
}

function parseRefs(listing: string): RemoteRefs {
  const found: RemoteRefs = { head: undefined, refs: [] };
  for (const line of listing.split('\n')) {
    const [value = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && value.startsWith('ref: ')) found.head = value.slice('ref: '.length);
    // Peeled tags are no refs of their own.
    if (name.startsWith('refs/') && !name.endsWith('^{}')) found.refs.push({ name, sha: value });
  }
  return found;
}

/** The addresses that were checked are the ones to connect to: a second look-up could say something else. */
function pinned(url: URL, addresses: string[]): string[] {
  if (addresses.includes(hostOf(url))) return [];
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const list = addresses.map((address) => (address.includes(':') ? `[${address}]` : address));
  return [`http.curloptResolve=${url.hostname}:${port}:${list.join(',')}`];
}

function checkedUrl(text: string): URL {
  // URL drops line breaks and trims; what holds any was not meant for us.
  const url = !/[\s\p{Cc}]/u.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url && isSafe(url) && !url.username && !url.password && !url.search && !url.hash) return url;
  throw new GitFailure('failed', 'the address must be https, or http on loopback, without user, query and fragment');
}

function isSafe(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

/**
 * The header goes by environment, which only this user can read, and only to this origin. It is sent at once, so that
 * reading a public repository counts as ours, too, instead of as an anonymous caller's.
 */
function authorization(url: URL, credential: Remote['credential']): { env: Record<string, string>; secrets: string[] } {
  if (!credential) return { env: {}, secrets: [] };
  const basic = Buffer.from(`${credential.username}:${credential.password}`).toString('base64');
  return {
    env: {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `http.${url.origin}/.extraHeader`,
      GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
    },
    secrets: [credential.password, basic],
  };
}
