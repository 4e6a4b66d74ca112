// Bitbucket's scopes: which implies which, what they are called on the consent page, how they are listed.
// https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication

const IMPLIES: Readonly<Record<string, readonly string[]>> = {
  'account:write': ['account'],
  project: ['repository'],
  'repository:write': ['repository'],
  pullrequest: ['repository'],
  'pullrequest:write': ['pullrequest', 'repository:write'],
  'issue:write': ['issue'],
  'snippet:write': ['snippet'],
  'pipeline:write': ['pipeline'],
  'pipeline:variable': ['pipeline:write'],
  'runner:write': ['runner'],
  'test:write': ['test'],
};

const IN_WORDS: Readonly<Record<string, string>> = {
  account: 'Read your account and the workspaces you are in',
  'account:write': 'Read and change your account',
  email: 'Read your e-mail addresses',
  repository: 'Read your repositories',
  'repository:write': 'Read and change your repositories',
  'repository:admin': 'Administer your repositories',
  'repository:delete': 'Delete your repositories',
  project: 'Read the projects of your workspaces',
  'project:admin': 'Administer the projects of your workspaces',
  pullrequest: 'Read your repositories and their pull requests',
  'pullrequest:write': 'Read and change your repositories and their pull requests',
  webhook: 'Read and change the webhooks of your repositories',
};

/** The given scopes and all they imply. */
export function expandScopes(scopes: readonly string[]): Set<string> {
  const all = new Set<string>();
  const add = (scope: string): void => {
    if (all.has(scope)) return;
    all.add(scope);
    IMPLIES[scope]?.forEach(add);
  };
  scopes.forEach(add);
  return all;
}

/** Only the highest level of each, as Bitbucket lists them: `pullrequest:write`, not what it implies. */
export function reduceScopes(scopes: readonly string[]): string[] {
  const distinct = [...new Set(scopes)];
  return distinct.filter((scope) => !distinct.some((other) => other !== scope && expandScopes([other]).has(scope)));
}

export function describeScope(scope: string): string {
  return IN_WORDS[scope] ?? `Permission “${scope}”`;
}
