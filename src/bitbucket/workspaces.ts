// The workspaces of whoever a token is of: asked for when only members may come in, and when somebody chooses what to import.
import type { Resource } from './api.ts';
import { workspaceReply } from './replies.ts';

/** A workspace that somebody is a member of. */
export interface Workspace {
  /** With braces, lower case; the slug may pass to another workspace, the uuid may not. */
  uuid: string;
  slug: string;
  administrator: boolean;
}

const WORKSPACES: Resource = { endpoint: 'workspaces', path: '/user/workspaces?pagelen=100', scope: 'account' };

/**
 * An entry of another shape is no proof of membership, so it is left out.
 * @param list reads all pages of a list, with the patience and the token of whoever asks
 */
export async function listWorkspaces(list: (what: Resource) => Promise<unknown[]>): Promise<Workspace[]> {
  return (await list(WORKSPACES))
    .flatMap((value) => workspaceReply.safeParse(value).data ?? [])
    .map(({ administrator, workspace }) => ({ ...workspace, administrator }));
}
