// Icons of providers: a data URI stays as it is, a small image file becomes one, so that no page asks another host for it.
import { readFileSync, statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import type { Finding } from './problems.ts';

const MAX_ICON_BYTES = 64 * 1024;
const TYPES: Record<string, string> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
};

/** The icon as a data URI, or what is wrong with its file. */
export function loadIcon(icon: string, cwd: string): { uri: string } | { problem: string } {
  if (icon.startsWith('data:')) return { uri: icon };
  const type = TYPES[extname(icon).toLowerCase()];
  if (type === undefined) return { problem: `a file that ends with none of ${Object.keys(TYPES).join(', ')}` };
  try {
    const path = resolve(cwd, icon);
    if (statSync(path).size > MAX_ICON_BYTES) return { problem: `a file of more than ${MAX_ICON_BYTES / 1024} KiB` };
    return { uri: `data:${type};base64,${readFileSync(path).toString('base64')}` };
  } catch {
    return { problem: 'no file that can be read there' };
  }
}

/** Every icon that is a path must be an image file that is there. */
export function iconFindings(providers: readonly { icon?: string | undefined }[], cwd: string): Finding[] {
  return providers.flatMap(({ icon }, at) => {
    const loaded = icon === undefined ? undefined : loadIcon(icon, cwd);
    if (!loaded || 'uri' in loaded) return [];
    return [
      {
        path: ['omniauth', 'providers', at, 'icon'],
        expected: 'an image file or a data:image/… URI',
        got: loaded.problem,
      },
    ];
  });
}
