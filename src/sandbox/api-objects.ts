// The objects of API 2.0 in the shapes Bitbucket sends them.
import { link } from './content-objects.ts';
import type { Consumer, Email, Membership, Person, Workspace } from './options.ts';
import type { Urls } from './realm.ts';
import type { Json } from './repository-parts.ts';

const DEFAULT_CREATED_ON = '2020-01-01T00:00:00.000000+00:00';

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get */
export function userObject(person: Person, urls: Urls): Json {
  const id = encodeURIComponent(person.uuid);
  return {
    ...(person.username === undefined ? {} : { username: person.username }),
    has_2fa_enabled: null,
    display_name: person.displayName,
    account_id: person.accountId,
    links: {
      hooks: link(`${urls.api}/users/${id}/hooks`),
      self: link(`${urls.api}/users/${id}`),
      repositories: link(`${urls.api}/repositories/${id}`),
      html: link(`${urls.web}${id}/`),
      avatar: link(`${urls.web}account/${id}/avatar/`),
      snippets: link(`${urls.api}/snippets/${id}`),
    },
    nickname: person.nickname,
    created_on: person.createdOn ?? DEFAULT_CREATED_ON,
    is_staff: false,
    location: null,
    account_status: 'active',
    type: 'user',
    uuid: person.uuid,
  };
}

/** Who a client_credentials token is since CHANGE-3052. */
export function appUserObject(consumer: Consumer, urls: Urls): Json {
  return {
    display_name: consumer.name ?? consumer.key,
    account_id: '712020:00000000-0000-4000-8000-000000000001',
    links: { avatar: link(`${urls.web}account/app/avatar/`) },
    created_on: DEFAULT_CREATED_ON,
    account_status: 'active',
    kind: 'atlassian_app',
    ai_agent: false,
    type: 'app_user',
    uuid: '{00000000-0000-4000-8000-000000000001}',
  };
}

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-emails-get */
export function emailObject(email: Email, urls: Urls): Json {
  return {
    type: 'email',
    email: email.address,
    is_primary: email.isPrimary,
    is_confirmed: email.isConfirmed,
    links: { self: link(`${urls.api}/user/emails/${email.address}`) },
  };
}

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-user-workspaces-get */
export function workspaceAccessObject(workspace: Workspace, membership: Membership, urls: Urls): Json {
  return {
    type: 'workspace_access',
    administrator: membership.permission === 'owner',
    workspace: {
      type: 'workspace_base',
      uuid: workspace.uuid,
      slug: workspace.slug,
      links: {
        avatar: link(`${urls.web}workspaces/${workspace.slug}/avatar/`),
        self: link(`${urls.api}/workspaces/${workspace.slug}`),
      },
    },
  };
}

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-workspaces-workspace-get */
export function workspaceObject(workspace: Workspace, urls: Urls): Json {
  const { slug } = workspace;
  const self = `${urls.api}/workspaces/${slug}`;
  return {
    type: 'workspace',
    uuid: workspace.uuid,
    name: workspace.name,
    slug,
    is_private: workspace.isPrivate ?? true,
    is_privacy_enforced: false,
    forking_mode: 'allow_forks',
    created_on: workspace.createdOn ?? DEFAULT_CREATED_ON,
    links: {
      avatar: link(`${urls.web}workspaces/${slug}/avatar/?ts=1543733398`),
      hooks: link(`${self}/hooks`),
      html: link(`${urls.web}${slug}/`),
      html_overview: link(`${urls.web}${slug}/workspace/overview/`),
      members: link(`${self}/members`),
      owners: link(`${self}/members?q=permission%3D%22owner%22`),
      projects: link(`${self}/projects`),
      repositories: link(`${urls.api}/repositories/${slug}`),
      snippets: link(`${urls.api}/snippets/${slug}`),
      self: link(self),
    },
  };
}

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-user-workspaces-workspace-permission-get */
export function membershipObject(person: Person, workspace: Workspace, membership: Membership, urls: Urls): Json {
  return {
    type: 'workspace_membership',
    permission: membership.permission,
    user: {
      type: 'user',
      uuid: person.uuid,
      account_id: person.accountId,
      nickname: person.nickname,
      display_name: person.displayName,
    },
    workspace: { type: 'workspace', uuid: workspace.uuid, slug: workspace.slug, name: workspace.name },
    links: { self: link(`${urls.api}/workspaces/${workspace.slug}/members/${encodeURIComponent(person.uuid)}`) },
  };
}
