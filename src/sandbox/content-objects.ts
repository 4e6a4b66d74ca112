// Pieces that many objects of API 2.0 share: links, times, rendered text, people, and repositories in short.
import type { Realm, Urls } from './realm.ts';
import type { Json } from './repository-parts.ts';
import { fullNameOf, uuidFor, type Contributor, type Repository, type Who } from './repositories.ts';

export function link(href: string): { href: string } {
  return { href };
}

/** With microseconds and `+00:00`, as Bitbucket writes times. */
export function formatTime(time: string): string {
  if (/\.\d{6}\+00:00$/.test(time)) return time;
  return new Date(time).toISOString().replace('Z', '000+00:00');
}

/** Text with its HTML. The HTML is only good enough to be there: clients render the raw text themselves. */
export function renderedObject(raw: string, repository: Repository): Json {
  const escaped = raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const named = `/%7B%7D/${encodeURIComponent(repository.uuid)}/images/`;
  const html = escaped.replaceAll(`/repo/${repository.imageKey}/images/`, named).replaceAll('\n', '<br>\n');
  return { type: 'rendered', raw, markup: 'markdown', html: raw === '' ? '' : `<p>${html}</p>` };
}

/** One of the people or contributors as others see them; null for a deleted account. */
export function accountObject(realm: Realm, who: Who): Json | null {
  const found = findAccount(realm, who);
  if (!found) return null;
  const id = encodeURIComponent(found.uuid);
  const avatar = link(`${realm.urls.web}account/${id}/avatar/`);
  const named = { display_name: found.displayName, uuid: found.uuid, account_id: found.accountId };
  if (found.kind !== undefined) {
    return {
      type: 'app_user',
      links: { avatar },
      created_on: '2025-03-05T04:56:12.185999+00:00',
      ...named,
      account_status: 'active',
      kind: found.kind,
      ai_agent: found.aiAgent ?? false,
    };
  }
  const links = { self: link(`${realm.urls.api}/users/${id}`), avatar, html: link(`${realm.urls.web}${id}/`) };
  return { type: 'user', ...named, nickname: found.nickname, links };
}

/** The account that a key names. */
export function findAccount(realm: Realm, who: Who | undefined): Contributor | undefined {
  if (who === null || who === undefined) return undefined;
  return realm.people.find(({ key }) => key === who) ?? realm.contributors.find(({ key }) => key === who);
}

/** A repository in short. One that is not here (any more, or for this caller) is told all the same by its name. */
export function repositoryInShort(realm: Realm, fullName: string): Json {
  const found = realm.repositories.find((repository) => fullNameOf(repository) === fullName);
  const uuid = found?.uuid ?? uuidFor(`repository ${fullName}`);
  return {
    type: 'repository',
    full_name: fullName,
    links: {
      self: link(`${realm.urls.api}/repositories/${fullName}`),
      html: link(`${realm.urls.web}${fullName}`),
      avatar: link(`${realm.urls.web}ravatar/${encodeURIComponent(uuid)}?ts=default`),
    },
    name: found?.name ?? fullName.replace(/^.*\//, ''),
    uuid,
  };
}

/** A commit in short, with as much of its hash as `length` says. */
export function commitInShort(repository: Repository, hash: string, urls: Urls, length = 12): Json {
  const name = fullNameOf(repository);
  const short = hash.slice(0, length);
  return {
    hash: short,
    links: {
      self: link(`${urls.api}/repositories/${name}/commit/${short}`),
      html: link(`${urls.web}${name}/commits/${short}`),
    },
    type: 'commit',
  };
}
