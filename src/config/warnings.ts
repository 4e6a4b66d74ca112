// What is allowed but worth a word: open doors, proxies that believe everybody, keys that look made up.
import type { Config, ProviderConfig } from './schema.ts';

/** One line each, beginning with the key. */
export function configWarnings(config: Config): string[] {
  return [
    ...openDoorWarnings(config),
    ...closedDoorWarnings(config),
    ...proxyWarnings(config),
    ...keyWarnings(config),
    ...config.omniauth.providers.flatMap(providerWarnings),
  ];
}

function openDoorWarnings({ omniauth }: Config): string[] {
  const { enabled, allow_single_sign_on: allowed, block_auto_created_users: blocked, providers } = omniauth;
  if (!enabled || blocked) return [];
  return providers
    .filter(({ name }) => (Array.isArray(allowed) ? allowed.includes(name) : allowed))
    .filter(({ allowed_workspaces }) => allowed_workspaces === undefined)
    .map(
      ({ name }) =>
        `omniauth: anyone with a Bitbucket account can make an account here through ${name}; set allowed_workspaces on it, or block_auto_created_users: true`,
    );
}

function closedDoorWarnings({ omniauth, password_sign_in }: Config): string[] {
  const byProvider = omniauth.enabled && omniauth.providers.length > 0;
  if (password_sign_in || byProvider) return [];
  return ['password_sign_in: false, and no provider is set up and enabled: nobody can sign in'];
}

function proxyWarnings({ trusted_proxies: proxies }: Config): string[] {
  return proxies
    .filter((network) => network.endsWith('/0'))
    .map((network) => `trusted_proxies: ${network} believes X-Forwarded-For from anybody; name your proxies only`);
}

function keyWarnings({ secret_key: keys = [], database_url }: Config): string[] {
  const weak = keys.some((key) => new Set(key).size < 10 || /change.?me/i.test(key));
  return [
    ...(weak ? ['secret_key: looks like a placeholder; make one with: openssl rand -hex 32'] : []),
    ...(database_url === 'sqlite::memory:' ? ['database_url: a database in memory is lost when the server stops'] : []),
  ];
}

function providerWarnings({ args, url, api_url }: ProviderConfig, at: number): string[] {
  const key = `omniauth.providers[${at}]`;
  const extra = (args.scope ?? []).filter((scope) => !['account', 'email'].includes(scope));
  const [host, apiHost] = [new URL(url).host, new URL(api_url).host];
  return [
    ...(extra.length > 0 ? [`${key}.args.scope: asks for more than signing in needs (account, email)`] : []),
    ...(apiHost === host || apiHost === `api.${host}`
      ? []
      : [`${key}.api_url: access tokens go to ${apiHost}, another host than that of url (${host})`]),
  ];
}
