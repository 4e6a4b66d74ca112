// Which database the configuration means.
import { join } from 'node:path';
import type { Config } from './schema.ts';

export type DatabaseAddress = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string };

/** Reads `database_url`; `sqlite` alone means data_dir/gatehouse.db, and a path may be `:memory:`. */
export function parseDatabaseUrl(config: Pick<Config, 'database_url' | 'data_dir'>): DatabaseAddress {
  const url = config.database_url;
  if (url === 'sqlite') return { kind: 'sqlite', path: join(config.data_dir, 'gatehouse.db') };
  if (url.startsWith('sqlite:')) return { kind: 'sqlite', path: url.slice('sqlite:'.length) };
  return { kind: 'postgres', url };
}
