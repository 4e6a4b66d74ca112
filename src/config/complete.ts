// Derives what follows from the written settings: addresses in one form, absolute paths, labels. The result is frozen.
import { resolve } from 'node:path';
import { loadIcon } from './icons.ts';
import type { Config, ProviderConfig, WrittenConfig } from './schema.ts';

/** The configuration to run with; `cwd` is where relative paths start. */
export function complete(written: WrittenConfig, cwd: string): Config {
  const { external_url, secret_key, omniauth, ...rest } = written;
  return deepFreeze({
    ...rest,
    external_url: withoutSlash(new URL(external_url ?? `http://localhost:${rest.listen.port}`).href),
    data_dir: resolve(cwd, rest.data_dir),
    database_url: absoluteDatabase(rest.database_url, cwd),
    ...(secret_key !== undefined && { secret_key: [secret_key].flat() }),
    omniauth: { ...omniauth, providers: omniauth.providers.map((provider) => completeProvider(provider, cwd)) },
  });
}

function completeProvider(written: WrittenConfig['omniauth']['providers'][number], cwd: string): ProviderConfig {
  const { name, label, args, api_url, icon, ...rest } = written;
  const loaded = icon === undefined ? undefined : loadIcon(icon, cwd);
  const url = `${withoutSlash(new URL(written.url).href)}/`;
  const isCloud = new URL(url).host === 'bitbucket.org';
  const { pkce, strategy, scope } = args;
  return {
    ...rest,
    name,
    label: label ?? 'Bitbucket',
    url,
    api_url: withoutSlash(new URL(api_url ?? (isCloud ? 'https://api.bitbucket.org/2.0' : `${url}api/2.0`)).href),
    ...(loaded && 'uri' in loaded && { icon: loaded.uri }),
    args: { pkce, ...(strategy && { strategy }), ...(scope !== undefined && { scope: scopeList(scope) }) },
  };
}

function scopeList(scope: string | string[]): string[] {
  return [scope]
    .flat()
    .flatMap((text) => text.split(/[\s,]+/))
    .filter((word) => word !== '');
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

function absoluteDatabase(url: string, cwd: string): string {
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1];
  if (path === ':memory:') return 'sqlite::memory:';
  return path === undefined ? url : `sqlite:${resolve(cwd, path)}`;
}

/** Freezes a value and everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
