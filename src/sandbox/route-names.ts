// Short names of the routes a test counts requests on or sets a fault for.

export type RouteName =
  'authorize' | 'token' | 'sign-in' | 'user' | 'emails' | 'workspaces' | 'permission' | 'workspace' | 'other';

const PATTERNS: readonly [RouteName, RegExp][] = [
  ['authorize', /^\/site\/oauth2\/authorize$/],
  ['token', /^\/site\/oauth2\/access_token$/],
  ['sign-in', /^\/login$/],
  ['user', /^(\/api)?\/2\.0\/user$/],
  ['emails', /^(\/api)?\/2\.0\/user\/emails$/],
  ['workspaces', /^(\/api)?\/2\.0\/user\/workspaces$/],
  ['permission', /^(\/api)?\/2\.0\/user\/workspaces\/[^/]+\/permission$/],
  ['workspace', /^(\/api)?\/2\.0\/workspaces\/[^/]+$/],
];

/** The name of the route a path (without query) belongs to. */
export function routeOf(path: string): RouteName {
  const bare = path.replace(/(?<=.)\/$/, '');
  return PATTERNS.find(([, pattern]) => pattern.test(bare))?.[0] ?? 'other';
}
