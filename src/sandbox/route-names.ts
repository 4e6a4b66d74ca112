// Short names of the routes a test counts requests on or sets a fault for.

/** Routes that an import calls, besides git: where random faults strike. */
export const IMPORT_ROUTES = [
  'repositories',
  'repository',
  'pullrequests',
  'pullrequest',
  'comments',
  'activity',
  'tasks',
  'commits',
  'diff',
  'refs',
  'settings',
  'downloads',
  'projects',
] as const;

export type RouteName =
  | 'authorize'
  | 'token'
  | 'sign-in'
  | 'user'
  | 'emails'
  | 'workspaces'
  | 'permission'
  | 'workspace'
  | (typeof IMPORT_ROUTES)[number]
  | 'git'
  | 'lfs'
  | 'storage'
  | 'image'
  | 'other';

const API = '^(?:/api)?/2\\.0';
const HERE = `${API}/repositories/[^/]+/[^/]+`;
const SETTINGS = 'branch-restrictions|deploy-keys|hooks|default-reviewers|effective-default-reviewers';

const PATTERNS: readonly [RouteName, RegExp][] = [
  ['authorize', /^\/site\/oauth2\/authorize$/],
  ['token', /^\/site\/oauth2\/access_token$/],
  ['sign-in', /^\/login$/],
  ['user', new RegExp(`${API}/user$`)],
  ['emails', new RegExp(`${API}/user/emails$`)],
  ['workspaces', new RegExp(`${API}/user/workspaces$`)],
  ['permission', new RegExp(`${API}/user/workspaces/[^/]+/permission$`)],
  ['workspace', new RegExp(`${API}/workspaces/[^/]+$`)],
  ['projects', new RegExp(`${API}/workspaces/[^/]+/projects$`)],
  ['repositories', new RegExp(`${API}/repositories/[^/]+$`)],
  ['repository', new RegExp(`${HERE}$`)],
  ['pullrequests', new RegExp(`${HERE}/pullrequests$`)],
  ['activity', new RegExp(`${HERE}/pullrequests(?:/[^/]+)?/activity$`)],
  ['pullrequest', new RegExp(`${HERE}/pullrequests/[^/]+$`)],
  ['comments', new RegExp(`${HERE}/(?:pullrequests|commit)/[^/]+/comments`)],
  ['tasks', new RegExp(`${HERE}/pullrequests/[^/]+/tasks$`)],
  ['diff', new RegExp(`${HERE}/(?:pullrequests/[^/]+/)?(?:diff|patch|diffstat)(?:/|$)`)],
  ['commits', new RegExp(`${HERE}/(?:pullrequests/[^/]+/commits$|commits?(?:/|$))`)],
  ['refs', new RegExp(`${HERE}/refs/`)],
  ['settings', new RegExp(`${HERE}/(?:${SETTINGS})$`)],
  ['downloads', new RegExp(`${HERE}/downloads`)],
  ['git', /\.git\/(?:info\/refs|git-upload-pack)$/],
  ['lfs', /\.git\/info\/lfs\//],
  ['storage', /^\/(?:lfs-)?storage\//],
  ['image', /\/images\/[^/]+$/],
];

/** The name of the route a path (without query) belongs to. */
export function routeOf(path: string): RouteName {
  const bare = path.replace(/(?<=.)\/$/, '');
  return PATTERNS.find(([, pattern]) => pattern.test(bare))?.[0] ?? 'other';
}
