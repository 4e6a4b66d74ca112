// Groups of an identity: the workspaces of the person, and what they are in those that admit people here.
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { BitbucketClient } from '../bitbucket/client.ts';
import type { Workspace } from '../bitbucket/workspaces.ts';
import type { ProviderConfig } from '../config/schema.ts';
import { admitting } from './providers.ts';

/** No colon: a workspace cannot be called like a role in another one. */
const SLUG = /^[a-z0-9_][a-z0-9_.-]{0,254}$/;
/** More than anybody has, and few enough for a page. */
const MAX_GROUPS = 200;

export interface GroupsOf {
  provider: ProviderConfig;
  client: BitbucketClient;
  accessToken: string;
  workspaces: readonly Workspace[];
  /** What was known before: stands in where Bitbucket does not tell a role this time. */
  known: readonly string[];
  deadline: number | undefined;
}

/**
 * `ws` for each workspace, and `ws:owner`, `ws:create-project`, `ws:collaborator` or `ws:member` for those of
 * `allowed_workspaces`. One request for each of these, but none where the list itself says "administrator".
 */
export async function readGroups(asked: GroupsOf): Promise<string[]> {
  const { provider, workspaces } = asked;
  const named = workspaces.map((workspace) => ({ ...workspace, slug: workspace.slug.toLowerCase() }));
  const withSlug = named.filter(({ slug }) => SLUG.test(slug));
  const roles = await Promise.all(
    admitting(provider.allowed_workspaces ?? [], withSlug).map((workspace) => roleIn(workspace, asked)),
  );
  const groups = [...withSlug.map(({ slug }) => slug), ...roles.flatMap((role) => role ?? [])];
  // Roles first when there are too many: access may hang on them.
  return groups
    .sort((a, b) => Number(b.includes(':')) - Number(a.includes(':')))
    .slice(0, MAX_GROUPS)
    .sort();
}

async function roleIn({ slug, uuid, administrator }: Workspace, asked: GroupsOf): Promise<string | undefined> {
  if (administrator) return `${slug}:owner`;
  try {
    const role = await asked.client.getRole(asked.accessToken, uuid, asked.deadline);
    return role && `${slug}:${role}`;
  } catch (error) {
    if (!(error instanceof BitbucketFailure)) throw error;
    if (error.remoteStatus === 401 || error.remoteStatus === 403 || error.remoteStatus === 404) return undefined;
    // Trouble at Bitbucket changes nothing. The list has just said that they are no administrator, so that is over.
    return asked.known.find((group) => group.startsWith(`${slug}:`) && group !== `${slug}:owner`);
  }
}

/** As they are kept. */
export function parseGroups(groups: string): string[] {
  const list: unknown = JSON.parse(groups);
  return Array.isArray(list) ? list.filter((group) => typeof group === 'string') : [];
}
