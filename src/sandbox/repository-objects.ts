// Repositories and projects in the shapes API 2.0 sends them since issues and wikis are gone.
import { workspaceObject } from './api-objects.ts';
import { formatTime, link, repositoryInShort } from './content-objects.ts';
import type { Workspace } from './options.ts';
import type { Realm } from './realm.ts';
import type { Json } from './repository-parts.ts';
import { fullNameOf, type Project, type Repository } from './repositories.ts';

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/ */
export function repositoryObject(
  realm: Realm,
  repository: Repository,
  caller: { username?: string } | undefined,
): Json {
  const short = repositoryInShort(realm, fullNameOf(repository));
  return {
    ...short,
    links: { ...(short['links'] as Json), ...repositoryLinks(realm, repository, caller?.username) },
    slug: repository.slug,
    description: repository.description,
    scm: 'git',
    website: null,
    ...placeObjects(realm, repository),
    is_private: repository.isPrivate,
    fork_policy: repository.isPrivate ? 'no_public_forks' : 'allow_forks',
    created_on: formatTime(repository.createdOn),
    updated_on: formatTime(repository.updatedOn),
    size: repository.size,
    language: repository.language,
    mainbranch: repository.mainBranch === null ? null : { name: repository.mainBranch, type: 'branch' },
    override_settings: { default_merge_strategy: true, branching_model: true },
    parent: repository.parent === null ? null : repositoryInShort(realm, repository.parent),
    enforced_signed_commits: null,
  };
}

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-projects/ */
export function projectObject(realm: Realm, project: Project): Json {
  const workspace = realm.workspaces.find(({ slug }) => slug === project.workspace);
  const createdOn = formatTime(workspace?.createdOn ?? '2020-01-01');
  return {
    ...projectInShort(realm, project),
    description: project.description,
    is_private: project.isPrivate,
    has_publicly_visible_repos: realm.repositories.some((each) => each.project === project.key && !each.isPrivate),
    created_on: createdOn,
    updated_on: createdOn,
    ...(workspace ? { owner: ownerObject(realm, workspace), workspace: workspaceInShort(realm, workspace) } : {}),
  };
}

function repositoryLinks(realm: Realm, repository: Repository, username: string | undefined): Json {
  const name = fullNameOf(repository);
  const self = `${realm.urls.api}/repositories/${name}`;
  const web = new URL(`${name}.git`, realm.urls.web);
  const ssh = `git@${web.hostname}:${name}.git`;
  // A signed-in caller is told an address with the own name in it.
  if (username !== undefined) web.username = username;
  return {
    pullrequests: link(`${self}/pullrequests`),
    commits: link(`${self}/commits`),
    forks: link(`${self}/forks`),
    watchers: link(`${self}/watchers`),
    branches: link(`${self}/refs/branches`),
    tags: link(`${self}/refs/tags`),
    downloads: link(`${self}/downloads`),
    source: link(`${self}/src`),
    clone: [
      { name: 'https', href: web.href },
      { name: 'ssh', href: ssh },
    ],
    hooks: link(`${self}/hooks`),
  };
}

function placeObjects(realm: Realm, repository: Repository): Json {
  const workspace = realm.workspaces.find(({ slug }) => slug === repository.workspace);
  const project = realm.projects.find(
    ({ workspace, key }) => workspace === repository.workspace && key === repository.project,
  );
  return {
    owner: workspace ? ownerObject(realm, workspace) : null,
    workspace: workspace ? workspaceInShort(realm, workspace) : null,
    project: project ? projectInShort(realm, project) : null,
  };
}

/** The workspace as an owner, under a name that need not be its slug. */
function ownerObject(realm: Realm, workspace: Workspace): Json {
  const id = encodeURIComponent(workspace.uuid);
  return {
    display_name: workspace.name,
    links: {
      self: link(`${realm.urls.api}/workspaces/${id}`),
      avatar: link(`${realm.urls.web}account/${workspace.slug}/avatar/`),
      html: link(`${realm.urls.web}${id}/`),
    },
    type: 'team',
    uuid: workspace.uuid,
    username: `${workspace.slug}-team`,
  };
}

function workspaceInShort(realm: Realm, workspace: Workspace): Json {
  const { links, ...whole } = workspaceObject(workspace, realm.urls) as { links: Json } & Json;
  const { avatar, html, self } = links;
  return {
    type: whole['type'],
    uuid: whole['uuid'],
    name: whole['name'],
    slug: whole['slug'],
    links: { avatar, html, self },
  };
}

function projectInShort(realm: Realm, project: Project): Json {
  const web = `${realm.urls.web}${project.workspace}/workspace/projects/${project.key}`;
  return {
    type: 'project',
    key: project.key,
    uuid: project.uuid,
    name: project.name,
    links: {
      self: link(`${realm.urls.api}/workspaces/${project.workspace}/projects/${project.key}`),
      html: link(web),
      avatar: link(`${web}/avatar/32?ts=1791398116`),
    },
  };
}
