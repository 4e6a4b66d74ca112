// A repository of Bitbucket, as far as choosing and importing need it.
import { z } from 'zod';
import { cleanName, cleanUrl } from './clean.ts';
import { textReply, timeReply } from './remote-person.ts';
import { uuid } from './replies.ts';

/** A repository as API 2.0 describes it. */
export interface RemoteRepository {
  uuid: string;
  /** `workspace/slug`, each part fit for a path. */
  fullName: string;
  workspace: string;
  slug: string;
  /** In words, cleaned. */
  name: string;
  description: string;
  isPrivate: boolean;
  /** The branch that is looked at first; null for an empty repository. */
  mainBranch: string | null;
  /** `workspace/slug` of what it was forked from; null also where that cannot be seen. */
  parent: string | null;
  /** The project of the workspace that it is in. */
  project: { key: string; name: string } | null;
  /** Bytes, as Bitbucket counts them; null = it does not tell. */
  size: number | null;
  /** The page of it. */
  url: string | null;
  /** Where git finds it over https, as the API says: text from outside, to be compared before any credential goes there. */
  cloneUrl: string | null;
  createdAt: number | null;
  updatedAt: number | null;
}

/**
 * A part of a path: what Bitbucket gives out as slug of a workspace or repository. Anything else is no name of a
 * repository but an attempt at something: dots only, a leading dash or dot, slashes, spaces.
 */
export const slugPattern = /^(?![-.])(?!.*\.git$)[A-Za-z0-9_.-]{1,100}$/;

const fullName = z
  .string()
  .max(255)
  .transform((value) => value.split('/'))
  .pipe(z.tuple([z.string().regex(slugPattern), z.string().regex(slugPattern)]));

const anything = z.unknown().optional();

const cloneEntry = z.object({ name: z.enum(['https', 'http']), href: z.string() });

/** One address of several, by protocol. Whoever asks finds the own name in it (`https://ada@…`): that is left out. */
const cloneUrlReply = z
  .array(z.unknown())
  .catch([])
  .transform((entries): string | null => {
    const href = entries.map((entry) => cloneEntry.safeParse(entry).data?.href).find((one) => one !== undefined);
    if (href === undefined || !URL.canParse(href)) return null;
    const url = new URL(href);
    url.username = '';
    url.password = '';
    return url.search || url.hash ? null : (cleanUrl(url.href) ?? null);
  });

const linksReply = z
  .object({ html: z.object({ href: anything }).optional().catch(undefined), clone: cloneUrlReply })
  .transform(({ html, clone }) => ({ url: cleanUrl(html?.href) ?? null, cloneUrl: clone }))
  .catch({ url: null, cloneUrl: null });

/**
 * `GET /repositories/{workspace}/{slug}`, and an entry of lists of them. Everything but the names may be missing.
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/
 */
export const repositoryReply = z
  .object({
    uuid,
    full_name: fullName,
    name: anything,
    description: textReply,
    // Private unless it says otherwise: what is not known to be public is not shown.
    is_private: anything.transform((value) => value !== false),
    mainbranch: z
      .object({ name: z.string().min(1).max(1000) })
      .nullish()
      .catch(null),
    parent: z.object({ full_name: fullName }).nullish().catch(null),
    project: z.object({ key: z.string(), name: anything }).nullish().catch(null),
    size: z.number().nonnegative().nullable().catch(null),
    links: linksReply,
    created_on: timeReply,
    updated_on: timeReply,
  })
  .transform((reply): RemoteRepository => {
    const [workspace, slug] = reply.full_name;
    const { project } = reply;
    return {
      uuid: reply.uuid,
      fullName: `${workspace}/${slug}`,
      workspace,
      slug,
      name: cleanName(reply.name) ?? slug,
      description: reply.description,
      isPrivate: reply.is_private,
      mainBranch: reply.mainbranch?.name ?? null,
      parent: reply.parent?.full_name.join('/') ?? null,
      project: project ? { key: project.key, name: cleanName(project.name) ?? project.key } : null,
      size: reply.size,
      ...reply.links,
      createdAt: reply.created_on,
      updatedAt: reply.updated_on,
    };
  });

const uuidPattern = /^\{[0-9a-f-]{36}\}$/i;

/** Path of a repository in the API, by `workspace/slug` or by its uuid alone. @returns undefined for anything else */
export function repositoryPath(name: string): string | undefined {
  if (uuidPattern.test(name)) return `/repositories/%7B%7D/${encodeURIComponent(name)}`;
  const parts = name.split('/');
  const fits =
    parts.length === 2 && parts.every((part, n) => slugPattern.test(part) || (n === 0 && uuidPattern.test(part)));
  return fits ? `/repositories/${parts.map(encodeURIComponent).join('/')}` : undefined;
}
