// What a granted scope gives besides its own name: Bitbucket lists the highest level only.

/** @see https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication */
const IMPLIED: Readonly<Record<string, readonly string[]>> = {
  'account:write': ['account'],
  'repository:write': ['repository'],
  project: ['repository'],
  pullrequest: ['repository'],
  'pullrequest:write': ['pullrequest', 'repository:write', 'repository'],
  'issue:write': ['issue'],
  'snippet:write': ['snippet'],
};

/** @returns those of the wanted scopes that the granted ones do not give */
export function missingScopes(wanted: readonly string[], granted: readonly string[]): string[] {
  const held = new Set(granted.flatMap((scope) => [scope, ...(IMPLIED[scope] ?? [])]));
  return wanted.filter((scope) => !held.has(scope));
}
