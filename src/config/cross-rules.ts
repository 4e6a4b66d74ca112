// Rules that concern several settings at once. They look at the values as written, so that they can complain together with
// the schema; whatever has the wrong type is left to the schema.
import type { Finding, Path } from './problems.ts';
import { nearest } from './suggest.ts';

/** All violations of the rules between settings. */
export function crossFindings(written: Record<string, unknown>): Finding[] {
  const omniauth = mapping(written['omniauth']);
  const providers = list(omniauth['providers']).map(mapping);
  const names = providers.map((provider) => provider['name']).filter((name) => typeof name === 'string');
  return [
    ...providerFindings(providers),
    ...redirectFindings(providers, callbackOf(written)),
    ...nameFindings(omniauth, names),
    ...secretKeyFindings(written),
  ];
}

function providerFindings(providers: Record<string, unknown>[]): Finding[] {
  return providers.flatMap(({ name, args }, at): Finding[] => {
    if (typeof name !== 'string') return [];
    const path = ['omniauth', 'providers', at, 'name'];
    if (providers.findIndex((other) => other['name'] === name) !== at) {
      return [{ path, expected: 'a name that no other provider has', got: `the second ${JSON.stringify(name)}` }];
    }
    if (name === 'bitbucket' || mapping(args)['strategy'] !== undefined) return [];
    const meant = nearest(name, ['bitbucket']);
    const expected =
      'bitbucket, or another name with args: { strategy: bitbucket } (only Bitbucket Cloud is supported)';
    return [{ path, expected, got: JSON.stringify(name), ...(meant && { meant }) }];
  });
}

/** GitLab's page gives the callback with a slash at the end; both forms mean the one callback there is. */
function redirectFindings(providers: Record<string, unknown>[], callback: string | undefined): Finding[] {
  return providers.flatMap(({ args }, at): Finding[] => {
    const given = mapping(args)['redirect_uri'];
    if (typeof given !== 'string' || callback === undefined || given.replace(/\/$/, '') === callback) return [];
    const path = ['omniauth', 'providers', at, 'args', 'redirect_uri'];
    return [{ path, expected: `${callback} (external_url and /users/auth), or no such key` }];
  });
}

function callbackOf({ external_url: url, listen }: Record<string, unknown>): string | undefined {
  const { port = 3000 } = mapping(listen);
  const base = url ?? `http://localhost:${String(port)}`;
  return typeof base === 'string' ? `${base.replace(/\/+$/, '')}/users/auth` : undefined;
}

const NAME_LISTS = ['allow_single_sign_on', 'auto_link_user', 'external_providers', 'sync_profile_from_provider'];

function nameFindings(omniauth: Record<string, unknown>, names: string[]): Finding[] {
  const inLists = NAME_LISTS.flatMap((key) =>
    list(omniauth[key]).map((name, at): [Path, unknown] => [['omniauth', key, at], name]),
  );
  const auto: [Path, unknown] = [['omniauth', 'auto_sign_in_with_provider'], omniauth['auto_sign_in_with_provider']];
  return [...inLists, auto].flatMap(([path, name]) => {
    if (typeof name !== 'string' || names.includes(name)) return [];
    const meant = nearest(name, names);
    return [{ path, expected: 'the name of a configured provider', ...(meant && { meant }) }];
  });
}

function secretKeyFindings({ database_url: url, secret_key: key }: Record<string, unknown>): Finding[] {
  if (typeof url !== 'string' || !url.startsWith('postgres') || key !== undefined) return [];
  return [
    {
      path: ['secret_key'],
      cause: ['database_url'],
      expected: 'a key, because PostgreSQL is used (make one with: openssl rand -hex 32)',
    },
  ];
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
