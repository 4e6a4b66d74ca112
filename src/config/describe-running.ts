// The running configuration for people to read: every setting with its value and where it came from, secrets masked.
import type { LoadedConfig } from './load.ts';
import { dotted, type Path } from './problems.ts';
import type { Config } from './schema.ts';
import { isSecret, listSettings, valueOf, type Leaf } from './settings.ts';

export interface ShownSetting {
  /** `omniauth.providers[0].url` */
  key: string;
  about: string;
  /** In words; of a secret only whether it is set. */
  value: string;
  /** `default`, `config/gatehouse.yml:12:5`, `.env:3:1` or `environment variable PORT`. */
  source: string;
  /** A change of it counts after a restart only. */
  restart: boolean;
}

const MAX_LENGTH = 200;

/** Every setting, in the order of the schema; those of a provider once for each. */
export function describeRunning({ config, places }: LoadedConfig): ShownSetting[] {
  const leaves = listSettings();
  return leaves.flatMap((leaf) => {
    if (leaf.key === 'omniauth.providers' && config.omniauth.providers.length > 0) return []; // each is told by itself
    return pathsOf(leaf, config).map((path) => {
      const key = dotted(path);
      return {
        key,
        about: leaf.about,
        value: words(leaf, path, config),
        source: sourceOf(key, places),
        restart: leaf.restart === true,
      };
    });
  });
}

function pathsOf({ path }: Leaf, { omniauth }: Config): Path[] {
  if (!path.includes('providers[]')) return [path];
  return omniauth.providers.map((_, at) =>
    path.flatMap((step) => (step === 'providers[]' ? ['providers', at] : [step])),
  );
}

/** Where it is written, or the list it is written in. */
function sourceOf(key: string, places: ReadonlyMap<string, string>): string {
  return places.get(key) ?? 'default';
}

function words({ defaultText, secret }: Leaf, path: Path, config: Config): string {
  const value = valueOf(config, path);
  if (value === undefined) return defaultText === undefined ? 'not set' : `not set: ${defaultText}`;
  if (path[0] === 'database_url') return withoutPassword(config.database_url);
  // Asked twice, so that a setting which forgets to say that it is secret is masked with what it lies in.
  if (secret || (typeof value !== 'object' && isSecret(path))) return 'set';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : short(value.map(String).join(', '));
  return short(typeof value === 'string' ? value : JSON.stringify(value));
}

function withoutPassword(url: string): string {
  if (url.startsWith('sqlite')) return short(url);
  const { host, pathname } = new URL(url);
  return `PostgreSQL, database ${pathname.slice(1) || 'by default'} at ${host || 'a socket'}`;
}

function short(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
